// Vector search over a session's tables.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "src/io/memory/block_scan.h"
#include "src/plan/logical_plan.h"
#include "src/session/engine.h"
#include "src/session/vector_search_options.h"
#include "src/similarity/exact_search.h"

namespace velaria {

// Queries for one table, one after the other in `queries`.
struct VectorQuestion {
  PlanPtr plan;  // the table
  std::string column;
  std::vector<float> queries;
  int64_t count = 1;
  VectorSearchOptions options;
};

// Columns that lie in memory are searched where they are; what a search learns of their norms is
// kept per source and column for as long as the source lives. Thread-safe.
class VectorQueries {
 public:
  // row_id int64, score float64 and the wanted columns, best first; with `query_ids` query_id int64
  // before them.
  std::pair<Schema, Chunk> run(Engine& engine, const VectorQuestion& question, bool query_ids);

  // Runs the condition, if there is one, and no search.
  std::string explain(Engine& engine, const VectorQuestion& question);

  // Lets go of what is kept of sources that are gone.
  void forget_unused();

 private:
  struct Entry {
    std::weak_ptr<const TableBlocks> blocks;
    size_t column;
    int32_t dimension;
    std::shared_ptr<const VectorTable> table;
  };
  struct Input;

  Input input_of(Engine& engine, const VectorQuestion& question);
  std::shared_ptr<const VectorTable> table_of(const TableBlocksPtr& blocks, size_t column,
                                              const Field& field, int32_t dimension);

  std::mutex mutex_;
  std::vector<Entry> entries_;
};

}  // namespace velaria
