// Loops over flat arrays of numbers without NULLs, vectorized: sums, extremes, comparisons.
//
// One portable source, compiled for the base instruction set and for AVX2. All levels give the same
// answers, but for the last bits of the low word of a float sum.
#pragma once

#include <cstdint>

#include "src/base/cpu_features.h"
#include "src/column/type.h"
#include "src/kernel/compare.h"
#include "src/kernel/exact_pair.h"

namespace velaria {

// Bit i of `mask` tells whether x[i] `op` y[i], or x[i] `op` *y for a constant, which is not NaN.
// Writes mask_words(count) words; bits from `count` on are 0.
template <typename T>
struct CompareLoops {
  using Compare = void (*)(CompareOp op, const T* x, const T* y, int64_t count, uint64_t* mask);
  Compare constant;
  Compare arrays;
};

// Pairs of words, as short texts are: bit i of `mask` tells whether pair i is `wanted`, or only its
// first word is that of `wanted`. Writes mask_words(count) words; bits from `count` on are 0.
struct PairLoops {
  using Equal = void (*)(const uint64_t* pairs, const uint64_t* wanted, int64_t count,
                         uint64_t* mask);
  Equal equal;
  Equal equal_first;
};

template <typename T>
struct IntegerLoops {
  Int128 (*sum)(const T* values, int64_t count);  // count < 2^31
  // Smallest and largest of at least one value.
  void (*range)(const T* values, int64_t count, T* smallest, T* largest);
};

template <typename T>
struct FloatLoops {
  // Adds all values; false, with `sum` untouched, when one is not below kExactPairLimit.
  bool (*sum)(const T* values, int64_t count, ExactPair* sum);
  // Smallest and largest of the values that are not NaN (+inf and -inf when there are none), and
  // whether one is NaN.
  void (*range)(const T* values, int64_t count, T* smallest, T* largest, bool* any_nan);
};

// active_simd_level() as it was when it was first asked for: looking costs more than a short loop.
SimdLevel loops_level();

// int8_t to uint64_t.
template <typename T>
const IntegerLoops<T>& integer_loops(SimdLevel level = loops_level());
// float and double.
template <typename T>
const FloatLoops<T>& float_loops(SimdLevel level = loops_level());
// int32_t, uint32_t, int64_t, uint64_t, float, double, Int128.
template <typename T>
const CompareLoops<T>& compare_loops(SimdLevel level = loops_level());

const PairLoops& pair_loops(SimdLevel level = loops_level());

constexpr int64_t mask_words(int64_t rows) { return (rows + 63) / 64; }

}  // namespace velaria
