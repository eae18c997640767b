// Tables of the kernel's own columns: results kept in memory, VALUES, tables made by SQL.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "src/column/chunk.h"
#include "src/io/memory/block_scan.h"
#include "src/io/memory/distinct_estimate.h"
#include "src/plan/table_source.h"

namespace velaria {

// Immutable; may be scanned by several queries at once. Scans slice chunks that are larger than the
// request asks for and hand on smaller ones as they are; no value is copied.
class MemoryTableSource : public TableSource {
 public:
  // The chunks' columns are the schema's, in any encoding; no chunk has a selection
  // (VELARIA_CHECK). Rows are in the order of the vector; Chunk::order is not looked at.
  // `description` is what explain shows.
  MemoryTableSource(Schema schema, std::vector<Chunk> chunks, std::string description = "memory");

  const Schema& schema() const override { return schema_; }
  std::string describe() const override { return description_; }
  std::optional<int64_t> known_rows() const override { return rows_; }
  std::optional<int64_t> estimated_distinct(size_t column) const override {
    return distinct_.of(*blocks_, column);
  }
  std::unique_ptr<TableScan> scan(const ScanRequest& request) const override;

  const TableBlocksPtr& blocks() const { return blocks_; }

  // Column `column` whole, one Column per chunk that has rows, in row order and as it is.
  std::vector<ColumnPtr> column_blocks(size_t column) const;

 private:
  Schema schema_;
  std::string description_;
  int64_t rows_ = 0;
  TableBlocksPtr blocks_;
  DistinctEstimates distinct_;
};

// One row without columns: what SELECT without FROM reads.
TableSourcePtr single_row_source();

}  // namespace velaria
