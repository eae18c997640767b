// Which rows the float32 first pass may skip for good.
//
// Notation: u = 2^-24; n = rounding_steps(d) of the kernels plus a few steps, see kSpareSteps;
// gamma = n u / (1 - n u); x a row, q the query, |.| Euclidean norms.
//
// dot, cosine. Every product of a float32 inner product passes at most n roundings, in whatever
// order the kernel adds, so (Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed.,
// section 3.1, with Cauchy-Schwarz)
//     |kernel - xq| <= gamma sum |x_i q_i| + tiny <= gamma |x||q| + tiny,
// tiny = d 2^-124 for results below the normal range, flushed to zero or not. A row is skipped when
//     dot:     kernel + gamma |x||q| + tiny <  t            (t the k-th score so far)
//     cosine:  kernel + gamma |x||q| + tiny <  (1 - t) |x||q|
// which is one test, kernel + norm_factor |x| < floor. The bound needs sums that do not overflow
// and norms that are normal numbers, so rows with |x| outside [norm_low, norm_high] are never
// skipped; nor are rows whose kernel value is NaN. |x| is the root of a kernel's sum of squares, of
// this level or, kept from an earlier search, of another: so the gamma of the level with the
// longest sums is added to gamma, twice what the root leaves of it.
//
// l2. Each term (x_i - q_i)^2 has two more roundings and none is negative, so the error is
// relative:
//     kernel <= (1 + gamma) |x - q|^2 + tiny.
// A row is skipped when kernel > (1 + gamma) t^2 + tiny, also when the kernel overflowed to
// infinity; only when the right side itself nears the end of the float range is every row kept.
//
// The spare steps pay for the double arithmetic of these tests and of the exact score itself, whose
// error d 2^-53 is below u for every d < 2^28; above that, and wherever n u >= 1/2, nothing is
// skipped. So a skipped row scores strictly worse than t in double precision, on every level; every
// other row is scored exactly.
//
// Many queries at once (ProductBound). The product kernels' error is E |x||q| + tiny, with E from
// the kernels' table. A pair is skipped when product < D - E |x||q| - tiny, where D is what the
// product of a row with the score t has:
//     dot:     D = t
//     cosine:  D = (1 - t) |x||q|
//     l2:      D = (|x|^2 + |q|^2 - t^2) / 2
// which is one test, product < floor + norm_factor |x| + addend, the addend being |x|^2 / 2 for l2
// and otherwise 0. It is done in float32: every term is first lowered by more than its roundings
// and those of the sum, and by what the norm may be off. For l2 that margin is one of |x||q|, not
// of the distance, so near rows often pass; they meet the test of the distance kernels next, as all
// pairs do that pass, and only then are scored exactly. Rows and queries with norms outside
// [2^-36, 2^60] always pass.
//
// Assumes round-to-nearest and that subnormal inputs are not read as
// zero.
#pragma once

#include <cstdint>

#include "src/similarity/kernels/distance_kernels.h"
#include "src/similarity/kernels/product_kernels.h"
#include "src/similarity/metric.h"

namespace velaria {

// Skip a row when kernel + norm_factor * norm < floor and norm_low <= norm <= norm_high.
struct ProductCutoff {
  double norm_factor;
  double floor;
  double norm_low;
  double norm_high;

  bool keeps(float kernel_value, float norm) const {
    const double norm_wide = static_cast<double>(norm);
    const bool below = static_cast<double>(kernel_value) + norm_factor * norm_wide < floor;
    return !(below & (norm_wide >= norm_low) & (norm_wide <= norm_high));
  }
};

// Skip a row when kernel > ceiling.
struct DistanceCutoff {
  double ceiling;
  bool keeps(float kernel_value) const { return !(static_cast<double>(kernel_value) > ceiling); }
};

class FirstPassBound {
 public:
  FirstPassBound(Metric metric, const DistanceKernels& kernels, int64_t dimension,
                 double query_norm);

  // `score` is the k-th best exact score so far; only called when there is one, and it is not NaN.
  ProductCutoff product_cutoff(double score) const;    // dot, cosine
  DistanceCutoff distance_cutoff(double score) const;  // l2

  // Before there are k scores: everything is kept.
  static ProductCutoff keep_all_products();
  static DistanceCutoff keep_all_distances();

 private:
  Metric metric_;
  bool usable_;
  double gamma_;
  double tiny_;
  double query_norm_;
};

// The test of many queries at once, one of these for each query.
class ProductBound {
 public:
  struct Terms {
    float floor;
    float norm_factor;
  };

  ProductBound(Metric metric, const ProductKernels& kernels, int64_t dimension, double query_norm);

  // As above: of the k-th best exact score so far.
  Terms terms(double score) const;
  static Terms keep_all();

  // Of a row with this norm; the same for every query of a metric and dimension.
  float addend(float norm) const;

 private:
  Metric metric_;
  bool usable_;
  double error_;       // E, and what the norm may be off
  double norm_error_;  // relative
  double tiny_;
  double query_norm_;
};

}  // namespace velaria
