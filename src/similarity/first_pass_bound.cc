#include "src/similarity/first_pass_bound.h"

#include <algorithm>
#include <cmath>
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
constexpr float kFloatInfinity = std::numeric_limits<float>::infinity();
// Between these, products and squares of norms are normal numbers.
constexpr double kNormHigh = 0x1p60;

double gamma_of(double steps) { return steps * kUnitRoundoff / (1 - steps * kUnitRoundoff); }

// Of the norm of a row, relative: the level with the longest sums, halved by the root, one rounding
// of its own.
double norm_error(int64_t dimension) {
  const DistanceKernels& kernels = kernels_for(SimdLevel::kPortable);
  return gamma_of(static_cast<double>(kernels.rounding_steps(dimension) + 2));
}

bool few_steps(double steps, int64_t dimension) {
  return steps * kUnitRoundoff < 0.25 && dimension < kLargestDimension;
}

// At most `value`, with `steps` roundings to spare.
float lowered(double value, double steps) {
  return static_cast<float>(value - steps * kUnitRoundoff * std::abs(value));
}

}  // namespace

FirstPassBound::FirstPassBound(Metric metric, const DistanceKernels& kernels, int64_t dimension,
                               double query_norm)
    : metric_(metric), query_norm_(query_norm) {
  const auto steps = static_cast<double>(kernels.rounding_steps(dimension) + kSpareSteps);
  usable_ = few_steps(steps, dimension);
  gamma_ = gamma_of(steps);
  if (metric != Metric::kL2) gamma_ += norm_error(dimension);
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

ProductBound::ProductBound(Metric metric, const ProductKernels& kernels, int64_t dimension,
                           double query_norm)
    : metric_(metric), norm_error_(2 * norm_error(dimension)), query_norm_(query_norm) {
  const double steps = kernels.steps_per_element * static_cast<double>(dimension) +
                       static_cast<double>(kernels.extra_steps + kSpareSteps);
  usable_ = few_steps(steps, dimension) && query_norm >= kNormLow && query_norm <= kNormHigh;
  error_ = (kernels.split_error + gamma_of(steps)) * (1 + norm_error_);
  tiny_ = static_cast<double>(dimension) * 0x1p-120;
}

ProductBound::Terms ProductBound::keep_all() { return {-kFloatInfinity, 0}; }

ProductBound::Terms ProductBound::terms(double score) const {
  if (!usable_) return keep_all();
  double floor = -tiny_;
  double factor = -error_ * query_norm_;
  if (metric_ == Metric::kDot) {
    floor += score;
  } else if (metric_ == Metric::kCosine) {
    const double similarity = (1 - score) * query_norm_;
    factor += similarity - std::abs(similarity) * norm_error_;
  } else {
    const double query_square = query_norm_ * query_norm_;
    const double limit = score * score;
    floor += (query_square - limit) / 2 - (query_square + limit) * 2 * kUnitRoundoff;
  }
  // Beyond the range of float nothing is known of the sum. Rounding, and adding up, take less than
  // the spare steps.
  if (!(std::abs(floor) < kLargestSum)) return keep_all();
  return {lowered(floor, kSpareSteps), lowered(factor, kSpareSteps)};
}

float ProductBound::addend(float norm) const {
  const auto wide = static_cast<double>(norm);
  if (!(wide >= kNormLow && wide <= kNormHigh)) return -kFloatInfinity;
  if (metric_ != Metric::kL2) return 0;
  return lowered(wide * wide / 2 * (1 - 2 * norm_error_), kSpareSteps);
}

}  // namespace velaria
