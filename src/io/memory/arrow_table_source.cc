#include "src/io/memory/arrow_table_source.h"

#include "src/base/error.h"

namespace velaria {

namespace {

class ArrowBlocks : public TableBlocks {
 public:
  explicit ArrowBlocks(ImportedTable table) : table_(std::move(table)) {}
  size_t columns() const override { return table_.schema().size(); }
  size_t blocks() const override { return table_.batches.size(); }
  int64_t block_rows(size_t block) const override { return table_.batches[block]->rows(); }
  ColumnPtr column(size_t block, size_t column, int64_t offset, int64_t rows) const override {
    return table_.batches[block]->column(column, offset, rows);
  }
  bool vectors_in_place(size_t column) const override {
    return table_.layout->has_float32_vectors(column);
  }

 private:
  const ImportedTable table_;
};

}  // namespace

ArrowTableSource::ArrowTableSource(ImportedTable table)
    : schema_(table.schema()),
      rows_(table.rows),
      blocks_(std::make_shared<const ArrowBlocks>(std::move(table))) {}

std::unique_ptr<TableScan> ArrowTableSource::scan(const ScanRequest& request) const {
  return scan_blocks(blocks_, request);
}

std::vector<ColumnPtr> ArrowTableSource::column_blocks(size_t column) const {
  VELARIA_CHECK(column < schema_.size());
  std::vector<ColumnPtr> out;
  for (size_t i = 0; i < blocks_->blocks(); ++i) {
    out.push_back(blocks_->column(i, column, 0, blocks_->block_rows(i)));
  }
  return out;
}

}  // namespace velaria
