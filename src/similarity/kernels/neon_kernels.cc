// 4 floats a register. Compiled on 64-bit Arm only, where Neon and its fused multiply-add
// always are.
#include <arm_neon.h>

#include "src/similarity/kernels/level_kernels.h"
#include "src/similarity/kernels/product_tiles.h"
#include "src/similarity/kernels/row_sums.h"

namespace velaria {
namespace {

struct Neon {
  using Reg = float32x4_t;
  static constexpr int kLanes = 4;
  static Reg zero() { return vdupq_n_f32(0.0f); }
  static Reg load(const float* p) { return vld1q_f32(p); }
  static Reg load_first(const float* p, int n) {
    float lanes[kLanes] = {};
    for (int i = 0; i < n; ++i) lanes[i] = p[i];
    return vld1q_f32(lanes);
  }
  static Reg add(Reg a, Reg b) { return vaddq_f32(a, b); }
  static Reg subtract(Reg a, Reg b) { return vsubq_f32(a, b); }
  static Reg multiply_add(Reg a, Reg b, Reg c) { return vfmaq_f32(c, a, b); }
  static constexpr int kPanelRegs = 2;
  static constexpr int kTileRows = 8;
  static Reg broadcast(float x) { return vdupq_n_f32(x); }
  static void store(float* p, Reg a) { vst1q_f32(p, a); }
  static uint32_t not_less(Reg a, Reg b) {
    const uint32x4_t kept = vmvnq_u32(vcltq_f32(a, b));
    const uint32x4_t bits = {1, 2, 4, 8};
    return vaddvq_u32(vandq_u32(kept, bits));
  }
  static float sum(Reg a) { return vaddvq_f32(a); }
};

void dot(const float* query, const float* rows, int64_t row_count, int64_t dimension, float* dots) {
  row_sums::block<Neon, row_sums::Dot>(query, rows, row_count, dimension, &dots);
}

void dot_and_square(const float* query, const float* rows, int64_t row_count, int64_t dimension,
                    float* dots, float* squares) {
  float* const out[] = {dots, squares};
  row_sums::block<Neon, row_sums::DotAndSquare>(query, rows, row_count, dimension, out);
}

void squared_l2(const float* query, const float* rows, int64_t row_count, int64_t dimension,
                float* distances) {
  row_sums::block<Neon, row_sums::SquaredL2>(query, rows, row_count, dimension, &distances);
}

}  // namespace

const DistanceKernels& neon_distance_kernels() {
  static constexpr DistanceKernels kernels{SimdLevel::kNeon,
                                           row_sums::partial_sums<Neon>(),
                                           row_sums::extra_roundings<Neon>(),
                                           dot,
                                           dot_and_square,
                                           squared_l2};
  return kernels;
}

const ProductKernels& neon_product_kernels() {
  static constexpr ProductKernels kernels = product_tiles::kernels<Neon>("neon");
  return kernels;
}

}  // namespace velaria
