#include "src/similarity/first_pass_bound.h"

#include <algorithm>
#include <limits>

namespace velaria {
namespace {

constexpr double kUnitRoundoff = 0x1p-24;
// Two for the difference of l2 and its square; one each for the exact score's own error, the test
// in double arithmetic and a stored norm; one to spare.
constexpr int64_t kSpareSteps = 6;
// Above this, underflow (d 2^-125 at most) changes the square of a norm by less than a rounding.
constexpr double kNormLow = 0x1p-36;
constexpr double kLargestSum = 0x1p126;
constexpr int64_t kLargestDimension = int64_t{1} << 28;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

}  // namespace

FirstPassBound::FirstPassBound(Metric metric, const DistanceKernels& kernels, int64_t dimension,
                               double query_norm, bool norms_from_kernel)
    : metric_(metric), query_norm_(query_norm) {
  const double error =
      static_cast<double>(kernels.rounding_steps(dimension) + kSpareSteps) * kUnitRoundoff;
  usable_ = error < 0.5 && dimension < kLargestDimension;
  gamma_ = (norms_from_kernel ? 2 : 1) * error / (1 - error);
  tiny_ = static_cast<double>(dimension) * 0x1p-124;
}

ProductCutoff FirstPassBound::keep_all_products() { return {0, -kInfinity, 0, kInfinity}; }
DistanceCutoff FirstPassBound::keep_all_distances() { return {kInfinity}; }

ProductCutoff FirstPassBound::product_cutoff(double score) const {
  if (!usable_) return keep_all_products();
  ProductCutoff cutoff;
  cutoff.norm_low = kNormLow;
  // Norms never exceed kLargestSum, so an overflowed (infinite) one is out of range too.
  cutoff.norm_high = query_norm_ > 1 ? kLargestSum / query_norm_ : kLargestSum;
  if (metric_ == Metric::kDot) {
    cutoff.norm_factor = gamma_ * query_norm_;
    cutoff.floor = score - tiny_;
  } else {
    cutoff.norm_factor = (gamma_ - (1.0 - score)) * query_norm_;
    cutoff.floor = -tiny_;
  }
  return cutoff;
}

DistanceCutoff FirstPassBound::distance_cutoff(double score) const {
  if (!usable_) return keep_all_distances();
  const double ceiling = score * score * (1 + gamma_) + tiny_;
  // Beyond what the kernels can hold, infinity says nothing about the distance.
  if (ceiling > kLargestSum) return keep_all_distances();
  return {ceiling};
}

}  // namespace velaria
