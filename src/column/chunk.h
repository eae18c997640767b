// The unit that moves between operators: equal-length columns, and optionally which rows still
// count.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "src/column/column.h"

namespace velaria {

// Row numbers inside a chunk, ascending.
using Selection = std::vector<uint32_t>;
using SelectionPtr = std::shared_ptr<const Selection>;

constexpr int64_t kDefaultChunkRows = 2048;

struct Chunk {
  std::vector<ColumnPtr> columns;
  int64_t rows = 0;        // length of every column
  SelectionPtr selection;  // null: all rows count
  uint64_t order = 0;      // position of this chunk in its source; equal chunks never share one

  int64_t selected_rows() const {
    return selection ? static_cast<int64_t>(selection->size()) : rows;
  }
  int64_t estimated_bytes() const {
    int64_t bytes = 0;
    for (const ColumnPtr& column : columns) bytes += column->estimated_bytes();
    return bytes;
  }
};

}  // namespace velaria
