// 16 floats a register; tails are masked loads. Compiled with the avx512 options of its BUILD rule.
#include <immintrin.h>

#include "src/similarity/kernels/level_kernels.h"
#include "src/similarity/kernels/product_tiles.h"
#include "src/similarity/kernels/row_sums.h"

namespace velaria {
namespace {

struct Avx512 {
  using Reg = __m512;
  static constexpr int kLanes = 16;
  static Reg zero() { return _mm512_setzero_ps(); }
  static Reg load(const float* p) { return _mm512_loadu_ps(p); }
  static Reg load_first(const float* p, int n) {
    return _mm512_maskz_loadu_ps(static_cast<__mmask16>((1u << n) - 1), p);
  }
  static Reg add(Reg a, Reg b) { return _mm512_add_ps(a, b); }
  static Reg subtract(Reg a, Reg b) { return _mm512_sub_ps(a, b); }
  static Reg multiply_add(Reg a, Reg b, Reg c) { return _mm512_fmadd_ps(a, b, c); }
  static constexpr int kPanelRegs = 2;
  static constexpr int kTileRows = 12;
  static Reg broadcast(float x) { return _mm512_set1_ps(x); }
  static void store(float* p, Reg a) { _mm512_storeu_ps(p, a); }
  static uint32_t not_less(Reg a, Reg b) { return _mm512_cmp_ps_mask(a, b, _CMP_NLT_UQ); }
  static float sum(Reg a) {
    // Masked with full masks: gcc 12 warns about what is inside its unmasked ones.
    const __m256 eight = _mm256_add_ps(_mm512_maskz_extractf32x8_ps(0xff, a, 0),
                                       _mm512_maskz_extractf32x8_ps(0xff, a, 1));
    __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    four = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(four, _mm_movehdup_ps(four)));
  }
};

void dot(const float* query, const float* rows, int64_t row_count, int64_t dimension, float* dots) {
  row_sums::block<Avx512, row_sums::Dot>(query, rows, row_count, dimension, &dots);
}

void dot_and_square(const float* query, const float* rows, int64_t row_count, int64_t dimension,
                    float* dots, float* squares) {
  float* const out[] = {dots, squares};
  row_sums::block<Avx512, row_sums::DotAndSquare>(query, rows, row_count, dimension, out);
}

void squared_l2(const float* query, const float* rows, int64_t row_count, int64_t dimension,
                float* distances) {
  row_sums::block<Avx512, row_sums::SquaredL2>(query, rows, row_count, dimension, &distances);
}

}  // namespace

const DistanceKernels& avx512_distance_kernels() {
  static constexpr DistanceKernels kernels{SimdLevel::kAvx512,
                                           row_sums::partial_sums<Avx512>(),
                                           row_sums::extra_roundings<Avx512>(),
                                           dot,
                                           dot_and_square,
                                           squared_l2};
  return kernels;
}

const ProductKernels& avx512_product_kernels() {
  static constexpr ProductKernels kernels = product_tiles::kernels<Avx512>("avx512");
  return kernels;
}

}  // namespace velaria
