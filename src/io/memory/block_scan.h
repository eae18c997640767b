// What all in-memory sources are: a table in blocks of rows, cut into chunks and morsels by a scan.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "src/column/chunk.h"
#include "src/column/column.h"
#include "src/plan/table_source.h"

namespace velaria {

// A table as blocks of columns. Immutable; every call may come from any thread.
class TableBlocks {
 public:
  virtual ~TableBlocks() = default;
  virtual size_t columns() const = 0;
  virtual size_t blocks() const = 0;
  virtual int64_t block_rows(size_t block) const = 0;
  virtual ColumnPtr column(size_t block, size_t column, int64_t offset, int64_t rows) const = 0;
  // Whether column() only points at a vector column's values, whatever the number of rows.
  virtual bool vectors_in_place(size_t column) const = 0;
};

using TableBlocksPtr = std::shared_ptr<const TableBlocks>;

// The rows with these numbers, which count through all blocks, as one chunk in the order given. For
// few rows: each is made by itself.
Chunk gather_rows(const TableBlocks& blocks, const std::vector<size_t>& columns,
                  const std::vector<int64_t>& rows, const std::vector<DataType>& types);

// Chunks of at most request.chunk_rows rows; none crosses a block, none is empty. A morsel is
// kMorselChunks chunks in a row, whatever the number of tasks. The scan and its tasks keep the
// blocks alive.
constexpr int64_t kMorselChunks = 32;
std::unique_ptr<TableScan> scan_blocks(TableBlocksPtr blocks, const ScanRequest& request);

}  // namespace velaria
