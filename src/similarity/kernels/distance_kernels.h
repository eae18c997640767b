// Float32 block kernels: one query against a block of rows. They are the first pass of a search:
// fast, and off by no more than a known bound (first_pass_bound.h); what they cannot settle is
// scored again in double precision (exact_score.h).
//
// Shapes: `query` has `dimension` floats, `rows` has row_count * dimension floats without gaps,
// results have row_count floats. Nothing needs more than float alignment. No allocation, no errors;
// NaN and infinity flow through as IEEE arithmetic has it, NULL rows are the caller's business.
// Thread-safe: no state.
#pragma once

#include <cstdint>

#include "src/base/cpu_features.h"

namespace velaria {

struct DistanceKernels {
  SimdLevel level;

  // What bounds the rounding error: every product goes through at most
  // dimension / partial_sums + extra_roundings roundings before it is part of a result.
  int partial_sums;
  int extra_roundings;

  // dots[r] = sum_i query[i] * rows[r][i]
  void (*dot)(const float* query, const float* rows, int64_t row_count, int64_t dimension,
              float* dots);
  // The same, and squares[r] = sum_i rows[r][i]^2 in the same reading of the rows.
  void (*dot_and_square)(const float* query, const float* rows, int64_t row_count,
                         int64_t dimension, float* dots, float* squares);
  // distances[r] = sum_i (rows[r][i] - query[i])^2, from the differences themselves:
  // |x|^2 + |q|^2 - 2xq would cancel for near rows, which are the ones that matter.
  void (*squared_l2)(const float* query, const float* rows, int64_t row_count, int64_t dimension,
                     float* distances);

  int64_t rounding_steps(int64_t dimension) const {
    return dimension / partial_sums + extra_roundings;
  }
};

// The kernels of one level; the processor must have it. InvalidArgumentError for a level that this
// build has no kernels for.
const DistanceKernels& kernels_for(SimdLevel level);

}  // namespace velaria
