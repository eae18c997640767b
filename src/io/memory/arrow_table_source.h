// A table that came in through Arrow, read where it lies.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "src/column/arrow/import.h"
#include "src/io/memory/block_scan.h"
#include "src/io/memory/distinct_estimate.h"
#include "src/plan/table_source.h"

namespace velaria {

// Immutable; may be scanned by several queries at once. Columns that need converting are converted
// by the scanning threads, chunk by chunk, and again by the next scan.
class ArrowTableSource : public TableSource {
 public:
  explicit ArrowTableSource(ImportedTable table);

  const Schema& schema() const override { return schema_; }
  std::string describe() const override { return "arrow"; }
  std::optional<int64_t> known_rows() const override { return rows_; }
  std::optional<int64_t> estimated_distinct(size_t column) const override {
    return distinct_.of(*blocks_, column);
  }
  std::unique_ptr<TableScan> scan(const ScanRequest& request) const override;

  const TableBlocksPtr& blocks() const { return blocks_; }

  // Column `column` whole, one Column per record batch in row order: vectors and other fixed-width
  // columns without a copy, the others converted by this call.
  std::vector<ColumnPtr> column_blocks(size_t column) const;

 private:
  Schema schema_;
  int64_t rows_ = 0;
  TableBlocksPtr blocks_;
  DistinctEstimates distinct_;
};

}  // namespace velaria
