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
// skipped; nor are rows whose kernel value is NaN. |x| comes from VectorNorms (rounded once), or
// from the same kernel call (n roundings, halved by the root): then gamma is taken twice.
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
// other row is scored exactly. Assumes round-to-nearest and that subnormal inputs are not read as
// zero.
#pragma once

#include <cstdint>

#include "src/similarity/kernels/distance_kernels.h"
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
  // `norms_from_kernel`: norms are roots of dot_and_square's squares, not VectorNorms.
  FirstPassBound(Metric metric, const DistanceKernels& kernels, int64_t dimension,
                 double query_norm, bool norms_from_kernel);

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

}  // namespace velaria
