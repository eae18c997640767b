// Products of a block of rows with many queries: the first pass of a search for many queries at
// once. Like the distance kernels they are fast and off by no more than a known bound; what they
// cannot settle is looked at again.
//
// Queries are packed once, `panel` of them beside each other; the rows of a block are prepared once
// (where the level needs another form of them) and multiplied with every panel while they are in
// the cache. The products are compared at once, and only pairs of a row and a query that may matter
// come out:
//
//     product < floor[query] + norm_factor[query] * norm[row] + addend[row]     is left out,
//
// a NaN on either side is not. All pointers to prepared and packed memory are aligned to 64 bytes;
// queries and rows need float alignment only. No allocation, no errors, no state: any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace velaria {

// A pair that was not left out.
struct ProductHit {
  uint32_t row;    // of the block
  uint32_t query;  // of the packed ones
  float product;
};

// What the pairs are compared with. Arrays of `padded` queries (see padded_queries) and of the
// block's rows.
struct ProductLimits {
  const float* floors;
  const float* norm_factors;
  const float* norms;
  const float* addends;
};

struct ProductKernels {
  std::string_view name;  // of a SIMD level, or "amx"
  int64_t panel;          // queries that are packed beside each other

  // |product - xq| <= (split_error + steps u / (1 - steps u)) |x||q| + tiny, u = 2^-24, with steps
  // = dimension * steps_per_element + extra_steps, for rows and queries whose norms are neither
  // tiny nor huge (first_pass_bound.h). split_error: what the numbers lose before they are
  // multiplied.
  double split_error;
  double steps_per_element;
  int64_t extra_steps;

  // Bytes of a packed panel, and of `rows` prepared rows; 0: rows are used as they lie.
  size_t (*panel_bytes)(int64_t dimension);
  size_t (*prepared_bytes)(int64_t rows, int64_t dimension);

  // Packs `count` <= panel queries, which lie without gaps; the places behind them become zeros.
  void (*pack)(const float* queries, int64_t count, int64_t dimension, void* packed);
  // Null when prepared_bytes is 0.
  void (*prepare)(const float* rows, int64_t count, int64_t dimension, void* prepared);
  // `rows`: prepared, or as they lie. Multiplies `row_count` of them with the packed panels that
  // hold `query_count` queries. Writes the hits, rows ascending within a panel, and gives their
  // number; `hits` has room for row_count * query_count.
  size_t (*select)(const void* rows, int64_t row_count, int64_t dimension, const void* packed,
                   int64_t query_count, const ProductLimits& limits, ProductHit* hits);

  int64_t panels(int64_t queries) const { return (queries + panel - 1) / panel; }
  int64_t padded_queries(int64_t queries) const { return panels(queries) * panel; }
};

// Those that this processor can run, slowest first.
std::vector<const ProductKernels*> available_product_kernels();

// The fastest of them, or those that VELARIA_SIMD_BACKEND names. Read at each call, and refused as
// active_simd_level() does.
const ProductKernels& active_product_kernels();

}  // namespace velaria
