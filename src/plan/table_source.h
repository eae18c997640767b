// Where rows come from, as the rest of the kernel sees it: a schema and parallel scans.
//
// Formats (CSV, Arrow, memory) implement it; plans hold it; operators scan it without knowing which
// one it is. A TableSource may be scanned by several queries at once; all but tables that SQL
// writes to are immutable.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "src/base/cancellation.h"
#include "src/column/chunk.h"
#include "src/column/schema.h"

namespace velaria {

struct ScanRequest {
  std::vector<size_t> columns;  // which columns of the schema, in the order wanted; may be empty
  int64_t chunk_rows = kDefaultChunkRows;
  size_t tasks = 1;                                 // how many threads will pull at the same time
  const CancellationToken* cancellation = nullptr;  // outlives the scan
};

// One thread's share of a scan.
class ScanTask {
 public:
  virtual ~ScanTask() = default;
  // The next chunk of this task, or false at the end. `chunk->order` is the chunk's place in the
  // whole source: ascending within a task, unique over all tasks, the same however many tasks pull.
  virtual bool next(Chunk* chunk) = 0;
};

// One pass over a source. new_task() is thread-safe; tasks share the work among themselves.
class TableScan {
 public:
  virtual ~TableScan() = default;
  virtual std::unique_ptr<ScanTask> new_task() = 0;
};

class TableSource {
 public:
  virtual ~TableSource() = default;
  virtual const Schema& schema() const = 0;
  // For explain: "csv '/data/flights.csv'", "arrow", "memory".
  virtual std::string describe() const = 0;
  virtual std::optional<int64_t> known_rows() const { return std::nullopt; }
  // About how many different values a column has; only the speed of joins depends on it.
  virtual std::optional<int64_t> estimated_distinct(size_t column) const {
    static_cast<void>(column);
    return std::nullopt;
  }
  // False for a stream without an end.
  virtual bool bounded() const { return true; }
  // Of a source whose rows change: what it holds now, which never changes again. Null: this source
  // never changes.
  virtual std::shared_ptr<const TableSource> snapshot() const { return nullptr; }
  virtual std::unique_ptr<TableScan> scan(const ScanRequest& request) const = 0;
};

using TableSourcePtr = std::shared_ptr<const TableSource>;

}  // namespace velaria
