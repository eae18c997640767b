// The build side of a join: a sink that collects the right child and makes the table of its keys,
// and, for joins that give them out, a source of right rows by whether they found a match.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <vector>

#include "src/exec/join/join_spec.h"
#include "src/exec/join/join_table.h"
#include "src/exec/operator.h"

namespace velaria {

class JoinBuildState : public SinkState {
 public:
  explicit JoinBuildState(const ExecutionContext& context)
      : chunk_rows(std::min(context.chunk_rows, kMostChunkRows)),
        reservation(context.budget, "the hash table of JOIN") {}

  // After finish(): the right side's columns whole and flat (null: nobody reads it) ...
  int64_t rows = 0;
  std::vector<ColumnPtr> columns;
  std::unique_ptr<JoinTable> table;
  bool has_null_key = false;  // null-aware joins only
  // ... and what the probing tasks found: 1 for a row with a match. Null where nobody asks.
  std::unique_ptr<std::atomic<uint8_t>[]> matched;

  const int64_t chunk_rows;  // of the chunks that the join gives out

  // While rows come in: the stored columns, then keys that are not columns.
  struct Part {
    uint64_t order = 0;
    int64_t rows = 0;
    uint64_t bytes = 0;
    std::vector<ColumnPtr> columns;
  };
  SharedReservation reservation;
  std::mutex mutex;
  std::vector<Part> parts;
};

// The columns of its result() are the join's output: NULLs for the left side's, then the right
// side's; rows with a match for kRightSemi, else those without.
std::unique_ptr<SinkOperator> make_join_build(std::shared_ptr<const JoinSpec> spec);

// Takes rows and drops them: the end of a pipeline that only marks matches.
std::unique_ptr<SinkOperator> make_discard();

}  // namespace velaria
