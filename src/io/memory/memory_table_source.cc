#include "src/io/memory/memory_table_source.h"

#include "src/base/error.h"

namespace velaria {

namespace {

class ChunkBlocks : public TableBlocks {
 public:
  ChunkBlocks(size_t columns, std::vector<Chunk> chunks)
      : columns_(columns), chunks_(std::move(chunks)) {}
  size_t columns() const override { return columns_; }
  size_t blocks() const override { return chunks_.size(); }
  int64_t block_rows(size_t block) const override { return chunks_[block].rows; }
  ColumnPtr column(size_t block, size_t column, int64_t offset, int64_t rows) const override {
    const Chunk& chunk = chunks_[block];
    if (offset == 0 && rows == chunk.rows) return chunk.columns[column];
    return chunk.columns[column]->slice(offset, rows);
  }
  bool vectors_in_place(size_t column) const override {
    return chunks_.empty() || chunks_[0].columns[column]->type().is_vector();
  }

 private:
  const size_t columns_;
  const std::vector<Chunk> chunks_;
};

}  // namespace

MemoryTableSource::MemoryTableSource(Schema schema, std::vector<Chunk> chunks,
                                     std::string description)
    : schema_(std::move(schema)), description_(std::move(description)) {
  std::vector<Chunk> kept;
  for (Chunk& chunk : chunks) {
    VELARIA_CHECK(chunk.columns.size() == schema_.size() && !chunk.selection);
    for (const ColumnPtr& column : chunk.columns) VELARIA_CHECK(column->length() == chunk.rows);
    rows_ += chunk.rows;
    if (chunk.rows > 0) kept.push_back(std::move(chunk));
  }
  blocks_ = std::make_shared<const ChunkBlocks>(schema_.size(), std::move(kept));
}

std::unique_ptr<TableScan> MemoryTableSource::scan(const ScanRequest& request) const {
  return scan_blocks(blocks_, request);
}

std::vector<ColumnPtr> MemoryTableSource::column_blocks(size_t column) const {
  VELARIA_CHECK(column < schema_.size());
  std::vector<ColumnPtr> out;
  for (size_t i = 0; i < blocks_->blocks(); ++i) {
    out.push_back(blocks_->column(i, column, 0, blocks_->block_rows(i)));
  }
  return out;
}

TableSourcePtr single_row_source() {
  Chunk row;
  row.rows = 1;
  return std::make_shared<const MemoryTableSource>(Schema(), std::vector<Chunk>{row}, "one row");
}

}  // namespace velaria
