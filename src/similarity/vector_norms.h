// Euclidean norms of a column of vectors, which the first search that reads the column leaves
// behind: later cosine and dot searches then read one float per row instead of summing squares
// again.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>

#include "src/base/buffer.h"

namespace velaria {

// One float a row, from the float32 kernels of some SIMD level, so off by what first_pass_bound.h
// allows for a norm. Immutable; any thread may read it. NULL rows have any value.
class VectorNorms {
 public:
  explicit VectorNorms(BufferPtr values) : values_(std::move(values)) {}
  const float* values() const { return reinterpret_cast<const float*>(values_->data()); }

 private:
  BufferPtr values_;
};

using VectorNormsPtr = std::shared_ptr<const VectorNorms>;

// Where the norms of one column are kept; any thread may use it.
class KeptNorms {
 public:
  VectorNormsPtr get() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return norms_;
  }
  // The first ones stay.
  void keep(VectorNormsPtr norms) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!norms_) norms_ = std::move(norms);
  }

 private:
  mutable std::mutex mutex_;
  VectorNormsPtr norms_;
};

}  // namespace velaria
