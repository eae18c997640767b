// Euclidean norms of a column of vectors, computed once and kept by whoever keeps the column:
// cosine and dot searches then read one float per row instead of summing squares again.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "src/base/cancellation.h"
#include "src/base/thread_pool.h"
#include "src/column/column.h"

namespace velaria {

class VectorNorms;
using VectorNormsPtr = std::shared_ptr<const VectorNorms>;

// Immutable; any thread may read it.
class VectorNorms {
 public:
  // `column`: flat fixed_size_list<float32>, else TypeMismatchError. The pool's threads work and
  // the caller, which must not be one of them, waits; with a null pool the caller works.
  // CancelledError when cancelled.
  static VectorNormsPtr compute(const Column& column, ThreadPool* pool = nullptr,
                                const CancellationToken* cancellation = nullptr);

  int64_t length() const { return static_cast<int64_t>(values_.size()); }
  // |row i|, summed in double precision and rounded once to float: the same on every SIMD level.
  // 0 only for a zero vector; NaN or infinite where an element is, infinite also where it does not
  // fit a float. A NULL row has the norm of whatever lies in its place.
  const float* values() const { return values_.data(); }

 private:
  std::vector<float> values_;
};

}  // namespace velaria
