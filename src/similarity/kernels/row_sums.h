// The loop that the kernels of all levels share; a level supplies its registers.
//
// Rows are read strictly one after the other, so a scan is one ascending stream of memory; the
// latency of additions is hidden by kUnroll independent registers of running sums per row, added
// up as a tree at the end. Walking four rows together would load the query less often, but with one
// query memory is the limit, and four streams lose much of it: 9 GB/s against 20 GB/s at 128
// dimensions, 14 against 20 at 768 (Zen 4, one core).
//
// `V` describes one level: Reg, kLanes, zero(), load(p), load_first(p, n) (n < kLanes, rest 0),
// add(a, b), subtract(a, b), multiply_add(a, b, c) = a * b + c (one or two roundings) and sum(reg)
// (a tree). Declare V in an anonymous namespace: its instantiations then stay inside the one file
// that is compiled for that instruction set.
#pragma once

#include <cstdint>

namespace velaria {
namespace row_sums {

constexpr int kUnroll = 4;

// How far ahead of the loads lines are fetched. The processor's own prefetchers stop at the end of
// a page; this goes on: 17 to 19 of 25 GB/s without it, 23 to 25 with it (Sapphire Rapids, two
// cores, 128 and 768 dimensions). Reading past the end of the rows by a prefetch is harmless.
constexpr uintptr_t kPrefetchBytes = 4096;
constexpr uintptr_t kLineBytes = 64;

template <int kBytes>
inline void prefetch_behind(const float* p) {
  const uintptr_t at = reinterpret_cast<uintptr_t>(p) + kPrefetchBytes;
#pragma GCC unroll 8
  for (uintptr_t line = 0; line < static_cast<uintptr_t>(kBytes); line += kLineBytes) {
    __builtin_prefetch(reinterpret_cast<const void*>(at + line));
  }
}

struct Dot {
  static constexpr int kSums = 1;
  template <typename V>
  static inline void accumulate(typename V::Reg x, typename V::Reg q, typename V::Reg* sums) {
    sums[0] = V::multiply_add(x, q, sums[0]);
  }
};

struct DotAndSquare {
  static constexpr int kSums = 2;
  template <typename V>
  static inline void accumulate(typename V::Reg x, typename V::Reg q, typename V::Reg* sums) {
    sums[0] = V::multiply_add(x, q, sums[0]);
    sums[1] = V::multiply_add(x, x, sums[1]);
  }
};

struct SquaredL2 {
  static constexpr int kSums = 1;
  template <typename V>
  static inline void accumulate(typename V::Reg x, typename V::Reg q, typename V::Reg* sums) {
    const typename V::Reg difference = V::subtract(x, q);
    sums[0] = V::multiply_add(difference, difference, sums[0]);
  }
};

// out[s][r] = sum s of row r. kWide: dimension >= kUnroll * kLanes.
template <typename V, typename Op, bool kWide>
inline void block_of_width(const float* query, const float* rows, int64_t row_count,
                           int64_t dimension, float* const* out) {
  using Reg = typename V::Reg;
  constexpr int kStep = kUnroll * V::kLanes;
  constexpr int kRegs = kWide ? kUnroll : 1;
  for (int64_t r = 0; r < row_count; ++r) {
    const float* row = rows + r * dimension;
    Reg sums[kRegs][Op::kSums];
    for (int u = 0; u < kRegs; ++u) {
      for (int s = 0; s < Op::kSums; ++s) sums[u][s] = V::zero();
    }
    int64_t i = 0;
    if constexpr (kWide) {
      for (; i + kStep <= dimension; i += kStep) {
        prefetch_behind<kStep* static_cast<int>(sizeof(float))>(row + i);
#pragma GCC unroll 8
        for (int u = 0; u < kUnroll; ++u) {
          const int64_t at = i + u * V::kLanes;
          Op::template accumulate<V>(V::load(row + at), V::load(query + at), sums[u]);
        }
      }
    }
    for (; i + V::kLanes <= dimension; i += V::kLanes) {
      prefetch_behind<1>(row + i);
      Op::template accumulate<V>(V::load(row + i), V::load(query + i), sums[0]);
    }
    if (i < dimension) {
      prefetch_behind<1>(row + i);
      const int rest = static_cast<int>(dimension - i);
      Op::template accumulate<V>(V::load_first(row + i, rest), V::load_first(query + i, rest),
                                 sums[0]);
    }
    for (int s = 0; s < Op::kSums; ++s) {
      if constexpr (kWide) {
        static_assert(kUnroll == 4);
        out[s][r] = V::sum(V::add(V::add(sums[0][s], sums[2][s]), V::add(sums[1][s], sums[3][s])));
      } else {
        out[s][r] = V::sum(sums[0][s]);
      }
    }
  }
}

template <typename V, typename Op>
inline void block(const float* query, const float* rows, int64_t row_count, int64_t dimension,
                  float* const* out) {
  if (dimension >= kUnroll * V::kLanes) {
    block_of_width<V, Op, true>(query, rows, row_count, dimension, out);
  } else {
    block_of_width<V, Op, false>(query, rows, row_count, dimension, out);
  }
}

constexpr int log2_of(int power_of_two) {
  return power_of_two <= 1 ? 0 : 1 + log2_of(power_of_two / 2);
}

template <typename V>
constexpr int partial_sums() {
  return kUnroll * V::kLanes;
}

// What a product passes beyond dimension / partial_sums additions: at most kUnroll - 1 single
// registers and the tail, which all go to sums[0]; one rounding of the product itself; the tree.
template <typename V>
constexpr int extra_roundings() {
  return kUnroll + 1 + log2_of(kUnroll) + log2_of(V::kLanes);
}

}  // namespace row_sums
}  // namespace velaria
