// Moving values: gather, flatten, concatenate, interleave.
#pragma once

#include <vector>

#include "src/column/chunk.h"

namespace velaria {

// Row i of the result is row indices[i] of `column`. Strings keep pointing at the same bytes.
ColumnPtr take(const ColumnPtr& column, const uint32_t* indices, int64_t count);

// The same values as a flat column (itself when it is flat already).
ColumnPtr flatten(const ColumnPtr& column);

// All rows of `columns` (same type, at least one column) in order, flat.
ColumnPtr concatenate(const std::vector<ColumnPtr>& columns);

// All rows of the chunks as one chunk without a selection; `types` serve when there are no chunks.
Chunk concatenate_chunks(const std::vector<Chunk>& chunks, const std::vector<DataType>& types);

// Applies the selection: every column taken, or the chunk itself when all rows count.
Chunk compact(const Chunk& chunk);

// A slice of a chunk without a selection.
Chunk slice_chunk(const Chunk& chunk, int64_t offset, int64_t rows);

// Row i comes from parts[which[i]], and is the next row of that part not used yet (CASE branches).
// All parts are of type `type`.
ColumnPtr interleave(const DataType& type, const std::vector<ColumnPtr>& parts,
                     const std::vector<uint32_t>& which);

}  // namespace velaria
