// Products by tiles of bfloat16: a tile instruction multiplies 16 rows with 16 queries over 32
// elements and adds in float32. Each number goes in as two bfloat16, x = high + low + e with |e| <=
// 2^-16 |x|, and three of the four products are taken,
//     high high + high low + low high,
// which leaves out e and low low: 3 2^-16 |x||q| at most (2^-8 (1 + 2^-8) bounds |low| / |x|, hence
// the 3.2 below). That is as near as float32 sums come anyway, so hardly a row is looked at again,
// and three times the work is still a fifth of that of float32 multiply-adds. A step of 32 elements
// adds an even and an odd chain of 16 products, and their sum to the tile: 16 + 2 roundings for the
// products of the step, and one for each of the three instructions of every later step.
// Subnormal numbers are taken as zero; the norms that first_pass_bound.h lets pass make that
// negligible.
//
// Compiled with the AVX-512 and AMX options of its BUILD rule.
#include <immintrin.h>

#include <cstring>

#include "src/similarity/kernels/level_kernels.h"

namespace velaria {
namespace {

constexpr int64_t kTileLines = 16;  // rows of a tile
constexpr int64_t kStep = 32;       // elements of a tile's line
constexpr int64_t kTileBytes = 1024;
// Rows and queries that are multiplied together: two tiles of each, their four products.
constexpr int64_t kBlock = 2 * kTileLines;
// One step of a block: tiles of the high parts, then of the low parts.
constexpr int64_t kStepBytes = 4 * kTileBytes;

int64_t steps_of(int64_t dimension) { return (dimension + kStep - 1) / kStep; }

size_t panel_bytes(int64_t dimension) {
  return static_cast<size_t>(steps_of(dimension) * kStepBytes);
}

size_t prepared_bytes(int64_t rows, int64_t dimension) {
  return static_cast<size_t>((rows + kBlock - 1) / kBlock) * panel_bytes(dimension);
}

struct Halves {
  __m512i high;
  __m512i low;
};

// Masked with full masks: gcc 12 warns about what is inside the unmasked ones.
inline __m512 widen(__m256i bfloats) {
  return _mm512_castsi512_ps(
      _mm512_maskz_slli_epi32(0xffff, _mm512_maskz_cvtepu16_epi32(0xffff, bfloats), 16));
}

// 32 floats as bfloat16, in order.
inline Halves split(__m512 a, __m512 b) {
  Halves out;
  out.high = reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(b, a));
  const __m512 high_a = widen(_mm512_maskz_extracti64x4_epi64(0xff, out.high, 0));
  const __m512 high_b = widen(_mm512_maskz_extracti64x4_epi64(0xff, out.high, 1));
  out.low = reinterpret_cast<__m512i>(
      _mm512_cvtne2ps_pbh(_mm512_sub_ps(b, high_b), _mm512_sub_ps(a, high_a)));
  return out;
}

inline Halves split_first(const float* p, int64_t count) {
  const auto first = static_cast<__mmask16>(count >= 16 ? 0xffff : (1u << count) - 1);
  const auto second = static_cast<__mmask16>(count > 16 ? (1u << (count - 16)) - 1 : 0);
  return split(_mm512_maskz_loadu_ps(first, p), _mm512_maskz_loadu_ps(second, p + 16));
}

// Rows become lines of tiles.
void prepare(const float* rows, int64_t count, int64_t dimension, void* prepared) {
  auto* out = static_cast<uint8_t*>(prepared);
  const int64_t steps = steps_of(dimension);
  for (int64_t row = 0; row < count; ++row) {
    uint8_t* line = out + row / kBlock * steps * kStepBytes + row % kBlock * 64;
    const float* from = rows + row * dimension;
    for (int64_t step = 0; step < steps; ++step, from += kStep, line += kStepBytes) {
      __builtin_prefetch(reinterpret_cast<const void*>(reinterpret_cast<uintptr_t>(from) + 4096));
      __builtin_prefetch(reinterpret_cast<const void*>(reinterpret_cast<uintptr_t>(from) + 4160));
      const int64_t left = dimension - step * kStep;
      const Halves halves = left >= kStep ? split(_mm512_loadu_ps(from), _mm512_loadu_ps(from + 16))
                                          : split_first(from, left);
      _mm512_store_si512(line, halves.high);
      _mm512_store_si512(line + 2 * kTileBytes, halves.low);
    }
  }
}

// Queries become columns of tiles: a line holds two elements of each of 16 queries.
void pack(const float* queries, int64_t count, int64_t dimension, void* packed) {
  auto* out = static_cast<uint8_t*>(packed);
  const int64_t steps = steps_of(dimension);
  std::memset(out, 0, static_cast<size_t>(steps * kStepBytes));
  for (int64_t query = 0; query < count; ++query) {
    const float* from = queries + query * dimension;
    uint8_t* tile = out + query / kTileLines * kTileBytes + query % kTileLines * 4;
    for (int64_t step = 0; step < steps; ++step, from += kStep, tile += kStepBytes) {
      const int64_t left = dimension - step * kStep;
      const Halves halves = split_first(from, left < kStep ? left : kStep);
      alignas(64) uint32_t pairs[2][kTileLines];
      _mm512_store_si512(pairs[0], halves.high);
      _mm512_store_si512(pairs[1], halves.low);
      for (int64_t line = 0; line < kTileLines; ++line) {
        std::memcpy(tile + line * 64, &pairs[0][line], 4);
        std::memcpy(tile + 2 * kTileBytes + line * 64, &pairs[1][line], 4);
      }
    }
  }
}

// What _tile_loadconfig reads.
struct alignas(64) TileConfig {
  uint8_t palette = 1;
  uint8_t start_row = 0;
  uint8_t reserved[14] = {};
  uint16_t line_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
  uint8_t lines[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};

// A thread has the tiles for as long as this lives.
class Tiles {
 public:
  Tiles() {
    const TileConfig config;
    _tile_loadconfig(&config);
  }
  ~Tiles() { _tile_release(); }
  Tiles(const Tiles&) = delete;
  Tiles& operator=(const Tiles&) = delete;
};

// Products of a block of rows and a panel, kBlock * kBlock floats.
inline void multiply(const uint8_t* rows, const uint8_t* panel, int64_t steps, float* products) {
  // 0 to 3 are the products, 4 and 5 rows, 6 and 7 queries.
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  for (int64_t step = 0; step < steps; ++step, rows += kStepBytes, panel += kStepBytes) {
    _tile_loadd(6, panel, 64);
    _tile_loadd(7, panel + kTileBytes, 64);
    _tile_loadd(4, rows + 2 * kTileBytes, 64);
    _tile_loadd(5, rows + 3 * kTileBytes, 64);
    _tile_dpbf16ps(0, 4, 6);
    _tile_dpbf16ps(1, 4, 7);
    _tile_dpbf16ps(2, 5, 6);
    _tile_dpbf16ps(3, 5, 7);
    _tile_loadd(4, rows, 64);
    _tile_loadd(5, rows + kTileBytes, 64);
    _tile_dpbf16ps(0, 4, 6);
    _tile_dpbf16ps(1, 4, 7);
    _tile_dpbf16ps(2, 5, 6);
    _tile_dpbf16ps(3, 5, 7);
    _tile_loadd(6, panel + 2 * kTileBytes, 64);
    _tile_loadd(7, panel + 3 * kTileBytes, 64);
    _tile_dpbf16ps(0, 4, 6);
    _tile_dpbf16ps(1, 4, 7);
    _tile_dpbf16ps(2, 5, 6);
    _tile_dpbf16ps(3, 5, 7);
  }
  constexpr int64_t kLineBytes = kBlock * static_cast<int64_t>(sizeof(float));
  _tile_stored(0, products, kLineBytes);
  _tile_stored(1, products + kTileLines, kLineBytes);
  _tile_stored(2, products + kTileLines * kBlock, kLineBytes);
  _tile_stored(3, products + kTileLines * kBlock + kTileLines, kLineBytes);
}

size_t select(const void* rows, int64_t row_count, int64_t dimension, const void* packed,
              int64_t query_count, const ProductLimits& limits, ProductHit* hits) {
  const Tiles tiles;
  const auto* first_row = static_cast<const uint8_t*>(rows);
  const auto* panel = static_cast<const uint8_t*>(packed);
  const int64_t steps = steps_of(dimension);
  ProductHit* end = hits;
  alignas(64) float products[kBlock * kBlock];
  for (int64_t query = 0; query < query_count; query += kBlock, panel += steps * kStepBytes) {
    const int64_t queries = query_count - query < kBlock ? query_count - query : kBlock;
    const uint32_t wanted = queries == kBlock ? ~0u : (1u << queries) - 1;
    const __m512 floors[] = {_mm512_loadu_ps(limits.floors + query),
                             _mm512_loadu_ps(limits.floors + query + 16)};
    const __m512 factors[] = {_mm512_loadu_ps(limits.norm_factors + query),
                              _mm512_loadu_ps(limits.norm_factors + query + 16)};
    for (int64_t block = 0; block < row_count; block += kBlock) {
      multiply(first_row + block * steps * (kStepBytes / kBlock), panel, steps, products);
      const int64_t count = row_count - block < kBlock ? row_count - block : kBlock;
      for (int64_t r = 0; r < count; ++r) {
        const __m512 norm = _mm512_set1_ps(limits.norms[block + r]);
        const __m512 addend = _mm512_set1_ps(limits.addends[block + r]);
        uint32_t bits = 0;
        for (int half = 0; half < 2; ++half) {
          const __m512 floor =
              _mm512_add_ps(_mm512_fmadd_ps(factors[half], norm, floors[half]), addend);
          const __m512 product = _mm512_load_ps(products + r * kBlock + half * 16);
          const __mmask16 kept = _mm512_cmp_ps_mask(product, floor, _CMP_NLT_UQ);
          bits |= static_cast<uint32_t>(kept) << (half * 16);
        }
        for (bits &= wanted; __builtin_expect(bits != 0, 0); bits &= bits - 1) {
          const int lane = __builtin_ctz(bits);
          *end++ = {static_cast<uint32_t>(block + r), static_cast<uint32_t>(query + lane),
                    products[r * kBlock + lane]};
        }
      }
    }
  }
  return static_cast<size_t>(end - hits);
}

}  // namespace

const ProductKernels& amx_product_kernels() {
  // Steps: three instructions for 32 elements; the chains inside of one, and as many to spare.
  static constexpr ProductKernels kernels{"amx",   kBlock,      3.2 * 0x1p-16,  3.0 / kStep,
                                          64,      panel_bytes, prepared_bytes, pack,
                                          prepare, select};
  return kernels;
}

}  // namespace velaria
