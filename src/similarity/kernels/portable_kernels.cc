// The twin for every machine: four floats a register in the vector extension of gcc and clang,
// which becomes whatever the target has at least (SSE2, Neon, scalars).
#include <cstring>

#include "src/similarity/kernels/level_kernels.h"
#include "src/similarity/kernels/product_tiles.h"
#include "src/similarity/kernels/row_sums.h"

namespace velaria {
namespace {

struct Portable {
  typedef float Reg __attribute__((vector_size(16)));
  static constexpr int kLanes = 4;
  static Reg zero() { return Reg{}; }
  static Reg load(const float* p) {
    Reg out;
    std::memcpy(&out, p, sizeof(out));
    return out;
  }
  static Reg load_first(const float* p, int n) {
    Reg out{};
    for (int i = 0; i < n; ++i) out[i] = p[i];
    return out;
  }
  static Reg add(Reg a, Reg b) { return a + b; }
  static Reg subtract(Reg a, Reg b) { return a - b; }
  static Reg multiply_add(Reg a, Reg b, Reg c) { return a * b + c; }
  static constexpr int kPanelRegs = 2;
  static constexpr int kTileRows = 4;
  static Reg broadcast(float x) { return Reg{x, x, x, x}; }
  static void store(float* p, Reg a) { std::memcpy(p, &a, sizeof(a)); }
  static uint32_t not_less(Reg a, Reg b) {
    const auto less = a < b;
    return (less[0] ? 0u : 1u) | (less[1] ? 0u : 2u) | (less[2] ? 0u : 4u) | (less[3] ? 0u : 8u);
  }
  static float sum(Reg a) { return (a[0] + a[2]) + (a[1] + a[3]); }
};

void dot(const float* query, const float* rows, int64_t row_count, int64_t dimension, float* dots) {
  row_sums::block<Portable, row_sums::Dot>(query, rows, row_count, dimension, &dots);
}

void dot_and_square(const float* query, const float* rows, int64_t row_count, int64_t dimension,
                    float* dots, float* squares) {
  float* const out[] = {dots, squares};
  row_sums::block<Portable, row_sums::DotAndSquare>(query, rows, row_count, dimension, out);
}

void squared_l2(const float* query, const float* rows, int64_t row_count, int64_t dimension,
                float* distances) {
  row_sums::block<Portable, row_sums::SquaredL2>(query, rows, row_count, dimension, &distances);
}

}  // namespace

const DistanceKernels& portable_distance_kernels() {
  static constexpr DistanceKernels kernels{SimdLevel::kPortable,
                                           row_sums::partial_sums<Portable>(),
                                           row_sums::extra_roundings<Portable>(),
                                           dot,
                                           dot_and_square,
                                           squared_l2};
  return kernels;
}

const ProductKernels& portable_product_kernels() {
  static constexpr ProductKernels kernels = product_tiles::kernels<Portable>("portable");
  return kernels;
}

}  // namespace velaria
