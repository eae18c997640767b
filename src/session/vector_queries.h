// Vector search over a session's tables.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "src/session/data_frame.h"
#include "src/similarity/vector_table.h"

namespace velaria {

// Norms cost a pass over the vectors, so they are kept per source and column for as long as the
// source lives. Thread-safe.
class VectorTableCache {
 public:
  // The vectors of `column` as they lie in the frame's source, or run and copied when the frame is
  // a query. `dimension` serves for text vectors.
  std::shared_ptr<const VectorTable> get(Engine& engine, const PlanPtr& plan,
                                         const std::string& column, int32_t dimension);

 private:
  struct Entry {
    std::weak_ptr<const TableSource> source;
    size_t column;
    std::shared_ptr<const VectorTable> table;
  };
  std::mutex mutex_;
  std::vector<Entry> entries_;
};

}  // namespace velaria
