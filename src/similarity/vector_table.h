// The vectors that a search goes through: columns one after the other, read where they lie.
//
//   VectorTable table(768);
//   for (const Chunk& chunk : chunks) table.append(chunk.columns[embedding]);
//   table.cache_norms(pool);   // optional
//
// Row ids count from 0 in the order of appending, NULLs included. Build it with one thread; once
// built, any number of threads may search it.
#pragma once

#include <cstdint>
#include <vector>

#include "src/base/cancellation.h"
#include "src/base/thread_pool.h"
#include "src/column/column.h"
#include "src/similarity/vector_norms.h"

namespace velaria {

// `column`, of vectors in any encoding, flat; a vector with a NULL element is NULL. Itself when
// that changes nothing.
ColumnPtr flat_vectors(const ColumnPtr& column);

class VectorTable {
 public:
  struct Block {
    ColumnPtr column;  // flat vectors, at least one row
    int64_t first_row_id;
    VectorNormsPtr norms;  // null: not computed
  };

  // InvalidArgumentError when dimension < 1.
  explicit VectorTable(int32_t dimension);

  // fixed_size_list<float32> of this dimension, else TypeMismatchError naming both. Flat columns
  // are shared, also slices; constant and dictionary columns are copied flat. A vector with a NULL
  // element counts as NULL. `norms`, when given, are those of exactly this flat column.
  void append(const ColumnPtr& column, VectorNormsPtr norms = nullptr);

  // Computes the norms that are still missing. See VectorNorms::compute.
  void cache_norms(ThreadPool* pool = nullptr, const CancellationToken* cancellation = nullptr);

  int32_t dimension() const { return dimension_; }
  int64_t rows() const { return rows_; }
  int64_t null_rows() const { return null_rows_; }
  const std::vector<Block>& blocks() const { return blocks_; }

 private:
  int32_t dimension_;
  int64_t rows_ = 0;
  int64_t null_rows_ = 0;
  std::vector<Block> blocks_;
};

}  // namespace velaria
