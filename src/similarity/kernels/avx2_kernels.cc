// 8 floats a register; tails are masked loads. Compiled with -mavx2 -mfma.
#include <immintrin.h>

#include "src/similarity/kernels/level_kernels.h"
#include "src/similarity/kernels/product_tiles.h"
#include "src/similarity/kernels/row_sums.h"

namespace velaria {
namespace {

struct Avx2 {
  using Reg = __m256;
  static constexpr int kLanes = 8;
  static Reg zero() { return _mm256_setzero_ps(); }
  static Reg load(const float* p) { return _mm256_loadu_ps(p); }
  static Reg load_first(const float* p, int n) {
    alignas(32) static constexpr int32_t kMasks[16] = {-1, -1, -1, -1, -1, -1, -1, -1,
                                                       0,  0,  0,  0,  0,  0,  0,  0};
    const __m256i mask = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(kMasks + kLanes - n));
    return _mm256_maskload_ps(p, mask);
  }
  static Reg add(Reg a, Reg b) { return _mm256_add_ps(a, b); }
  static Reg subtract(Reg a, Reg b) { return _mm256_sub_ps(a, b); }
  static Reg multiply_add(Reg a, Reg b, Reg c) { return _mm256_fmadd_ps(a, b, c); }
  static constexpr int kPanelRegs = 2;
  static constexpr int kTileRows = 6;
  static Reg broadcast(float x) { return _mm256_set1_ps(x); }
  static void store(float* p, Reg a) { _mm256_storeu_ps(p, a); }
  static uint32_t not_less(Reg a, Reg b) {
    return static_cast<uint32_t>(_mm256_movemask_ps(_mm256_cmp_ps(a, b, _CMP_NLT_UQ)));
  }
  static float sum(Reg a) {
    __m128 four = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    four = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(four, _mm_movehdup_ps(four)));
  }
};

void dot(const float* query, const float* rows, int64_t row_count, int64_t dimension, float* dots) {
  row_sums::block<Avx2, row_sums::Dot>(query, rows, row_count, dimension, &dots);
}

void dot_and_square(const float* query, const float* rows, int64_t row_count, int64_t dimension,
                    float* dots, float* squares) {
  float* const out[] = {dots, squares};
  row_sums::block<Avx2, row_sums::DotAndSquare>(query, rows, row_count, dimension, out);
}

void squared_l2(const float* query, const float* rows, int64_t row_count, int64_t dimension,
                float* distances) {
  row_sums::block<Avx2, row_sums::SquaredL2>(query, rows, row_count, dimension, &distances);
}

}  // namespace

const DistanceKernels& avx2_distance_kernels() {
  static constexpr DistanceKernels kernels{SimdLevel::kAvx2,
                                           row_sums::partial_sums<Avx2>(),
                                           row_sums::extra_roundings<Avx2>(),
                                           dot,
                                           dot_and_square,
                                           squared_l2};
  return kernels;
}

const ProductKernels& avx2_product_kernels() {
  static constexpr ProductKernels kernels = product_tiles::kernels<Avx2>("avx2");
  return kernels;
}

}  // namespace velaria
