// The vectors that a search goes through: columns one after the other, read where they lie.
//
//   VectorTable table(768);
//   for (const Chunk& chunk : chunks) table.append(chunk.columns[embedding]);
//
// Row ids count from 0 in the order of appending, NULLs included. Build it with one thread; once
// built, any number of threads may search it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "src/column/column.h"
#include "src/similarity/vector_norms.h"

namespace velaria {

// `column`, of vectors in any encoding, flat; a vector with a NULL element is NULL. Itself when
// that changes nothing.
ColumnPtr flat_vectors(const ColumnPtr& column);

class VectorTable {
 public:
  // Rows [begin, begin + count) of a block whose vectors are not float32 in memory. Called by the
  // scanning threads, several at once; may throw.
  using ReadRows = std::function<ColumnPtr(int64_t begin, int64_t count)>;

  struct Block {
    int64_t first_row_id;
    int64_t rows;      // at least one
    ColumnPtr column;  // flat vectors; null: `read` makes them, piece by piece
    ReadRows read;
    std::shared_ptr<KeptNorms> norms;
  };

  // InvalidArgumentError when dimension < 1.
  explicit VectorTable(int32_t dimension);

  // fixed_size_list<float32> of this dimension, else TypeMismatchError naming both. Flat columns
  // are shared, also slices; constant and dictionary columns are copied flat. A vector with a NULL
  // element counts as NULL.
  void append(const ColumnPtr& column);

  // Vectors that are converted while they are scanned, never all at once. What `read` gives is as
  // for append().
  void append_converted(int64_t rows, ReadRows read);

  int32_t dimension() const { return dimension_; }
  int64_t rows() const { return rows_; }
  const std::vector<Block>& blocks() const { return blocks_; }

 private:
  int32_t dimension_;
  int64_t rows_ = 0;
  std::vector<Block> blocks_;
};

}  // namespace velaria
