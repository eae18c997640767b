#include "src/similarity/exact_score.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace velaria {
namespace {

// The order of summation is part of the result: changing kSums changes scores in the last bits.
constexpr int kSums = 8;

inline double tree_sum(const double* sums) {
  return ((sums[0] + sums[4]) + (sums[2] + sums[6])) + ((sums[1] + sums[5]) + (sums[3] + sums[7]));
}

double dot(const double* query, const float* row, int64_t dimension) {
  double sums[kSums] = {};
  int64_t i = 0;
  for (; i + kSums <= dimension; i += kSums) {
    for (int lane = 0; lane < kSums; ++lane) {
      sums[lane] += static_cast<double>(row[i + lane]) * query[i + lane];
    }
  }
  for (int lane = 0; i + lane < dimension; ++lane) {
    sums[lane] += static_cast<double>(row[i + lane]) * query[i + lane];
  }
  return tree_sum(sums);
}

double square(const float* row, int64_t dimension) {
  double sums[kSums] = {};
  int64_t i = 0;
  for (; i + kSums <= dimension; i += kSums) {
    for (int lane = 0; lane < kSums; ++lane) {
      const double x = static_cast<double>(row[i + lane]);
      sums[lane] += x * x;
    }
  }
  for (int lane = 0; i + lane < dimension; ++lane) {
    const double x = static_cast<double>(row[i + lane]);
    sums[lane] += x * x;
  }
  return tree_sum(sums);
}

double squared_l2(const double* query, const float* row, int64_t dimension) {
  double sums[kSums] = {};
  int64_t i = 0;
  for (; i + kSums <= dimension; i += kSums) {
    for (int lane = 0; lane < kSums; ++lane) {
      const double difference = static_cast<double>(row[i + lane]) - query[i + lane];
      sums[lane] += difference * difference;
    }
  }
  for (int lane = 0; i + lane < dimension; ++lane) {
    const double difference = static_cast<double>(row[i + lane]) - query[i + lane];
    sums[lane] += difference * difference;
  }
  return tree_sum(sums);
}

}  // namespace

double exact_norm(const float* row, int64_t dimension) { return std::sqrt(square(row, dimension)); }

ExactScorer::ExactScorer(Metric metric, const std::vector<float>& query)
    : metric_(metric), query_(query.begin(), query.end()) {
  query_square_ = square(query.data(), static_cast<int64_t>(query.size()));
  query_norm_ = std::sqrt(query_square_);
}

double ExactScorer::score(const float* row) const {
  const int64_t dimension = static_cast<int64_t>(query_.size());
  switch (metric_) {
    case Metric::kDot: return dot(query_.data(), row, dimension);
    case Metric::kL2: return std::sqrt(squared_l2(query_.data(), row, dimension));
    case Metric::kCosine: break;
  }
  const double row_square = square(row, dimension);
  if (!std::isfinite(row_square)) return std::numeric_limits<double>::quiet_NaN();
  if (row_square == 0 || query_square_ == 0) return 1.0;
  // One root of the product, not a product of roots: a vector then has distance 0 from itself.
  const double similarity =
      dot(query_.data(), row, dimension) / std::sqrt(row_square * query_square_);
  return 1.0 - std::clamp(similarity, -1.0, 1.0);
}

}  // namespace velaria
