// Products of rows and packed queries by float32 multiply-adds; a level supplies its registers.
//
// A panel is V::kPanelRegs registers of queries beside each other, element after element, so one
// element of a row times a panel is one broadcast and kPanelRegs multiply-adds. kTileRows rows are
// walked together: their sums fill the registers, and each load of the panel serves all of them.
//
// Beyond what row_sums.h needs, `V` has broadcast(x), store(p, reg), kPanelRegs, kTileRows and
// not_less(a, b): a bit for each lane where !(a < b). Declare V in an anonymous namespace.
#pragma once

#include <cstring>

#include "src/similarity/kernels/product_kernels.h"

namespace velaria {
namespace product_tiles {

template <typename V>
constexpr int64_t panel_queries() {
  return V::kPanelRegs * V::kLanes;
}

template <typename V>
size_t panel_bytes(int64_t dimension) {
  return static_cast<size_t>(dimension * panel_queries<V>()) * sizeof(float);
}

inline size_t no_prepared_bytes(int64_t, int64_t) { return 0; }

template <typename V>
void pack(const float* queries, int64_t count, int64_t dimension, void* packed) {
  float* out = static_cast<float*>(packed);
  constexpr int64_t kPanel = panel_queries<V>();
  for (int64_t i = 0; i < dimension; ++i) {
    for (int64_t q = 0; q < kPanel; ++q) {
      out[i * kPanel + q] = q < count ? queries[q * dimension + i] : 0.0f;
    }
  }
}

// Sums of kRows rows with one panel, compared as they leave the registers.
template <typename V, int kRows>
inline ProductHit* tile(const float* rows, int64_t dimension, const float* panel, uint32_t row,
                        uint32_t query, int64_t queries, const ProductLimits& limits,
                        ProductHit* hits) {
  using Reg = typename V::Reg;
  constexpr int kRegs = V::kPanelRegs;
  Reg sums[kRows][kRegs];
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 4
    for (int c = 0; c < kRegs; ++c) sums[r][c] = V::zero();
  }
  for (int64_t i = 0; i < dimension; ++i) {
    Reg q[kRegs];
#pragma GCC unroll 4
    for (int c = 0; c < kRegs; ++c) q[c] = V::load(panel + (i * kRegs + c) * V::kLanes);
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r) {
      const Reg x = V::broadcast(rows[r * dimension + i]);
#pragma GCC unroll 4
      for (int c = 0; c < kRegs; ++c) sums[r][c] = V::multiply_add(x, q[c], sums[r][c]);
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r) {
    const Reg norm = V::broadcast(limits.norms[row + static_cast<uint32_t>(r)]);
    const Reg addend = V::broadcast(limits.addends[row + static_cast<uint32_t>(r)]);
#pragma GCC unroll 4
    for (int c = 0; c < kRegs; ++c) {
      const uint32_t first = query + static_cast<uint32_t>(c * V::kLanes);
      const Reg floor = V::add(V::multiply_add(V::load(limits.norm_factors + first), norm,
                                               V::load(limits.floors + first)),
                               addend);
      uint32_t bits = V::not_less(sums[r][c], floor);
      if (__builtin_expect(bits == 0, 1)) continue;
      float products[V::kLanes];
      V::store(products, sums[r][c]);
      for (; bits != 0; bits &= bits - 1) {
        const int lane = __builtin_ctz(bits);
        if (c * V::kLanes + lane >= queries) break;  // the padding of the last panel
        *hits++ = {row + static_cast<uint32_t>(r), first + static_cast<uint32_t>(lane),
                   products[lane]};
      }
    }
  }
  return hits;
}

template <typename V>
size_t select(const void* rows, int64_t row_count, int64_t dimension, const void* packed,
              int64_t query_count, const ProductLimits& limits, ProductHit* hits) {
  const float* first_row = static_cast<const float*>(rows);
  const float* panel = static_cast<const float*>(packed);
  constexpr int64_t kPanel = panel_queries<V>();
  ProductHit* end = hits;
  for (int64_t query = 0; query < query_count; query += kPanel, panel += dimension * kPanel) {
    const int64_t queries = query_count - query < kPanel ? query_count - query : kPanel;
    int64_t row = 0;
    for (; row + V::kTileRows <= row_count; row += V::kTileRows) {
      end = tile<V, V::kTileRows>(first_row + row * dimension, dimension, panel,
                                  static_cast<uint32_t>(row), static_cast<uint32_t>(query), queries,
                                  limits, end);
    }
    for (; row < row_count; ++row) {
      end = tile<V, 1>(first_row + row * dimension, dimension, panel, static_cast<uint32_t>(row),
                       static_cast<uint32_t>(query), queries, limits, end);
    }
  }
  return static_cast<size_t>(end - hits);
}

// A product passes one multiplication and at most `dimension` additions.
template <typename V>
constexpr ProductKernels kernels(std::string_view name) {
  return {name,           panel_queries<V>(), 0.0,     1.0,     2,
          panel_bytes<V>, no_prepared_bytes,  pack<V>, nullptr, select<V>};
}

}  // namespace product_tiles
}  // namespace velaria
