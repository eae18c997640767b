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

template <typename T>
double dot(const T* query, const float* row, int64_t dimension) {
  double sums[kSums] = {};
  int64_t i = 0;
  for (; i + kSums <= dimension; i += kSums) {
    for (int lane = 0; lane < kSums; ++lane) {
      sums[lane] += static_cast<double>(row[i + lane]) * static_cast<double>(query[i + lane]);
    }
  }
  for (int lane = 0; i + lane < dimension; ++lane) {
    sums[lane] += static_cast<double>(row[i + lane]) * static_cast<double>(query[i + lane]);
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

template <typename T>
double squared_l2(const T* query, const float* row, int64_t dimension) {
  double sums[kSums] = {};
  int64_t i = 0;
  for (; i + kSums <= dimension; i += kSums) {
    for (int lane = 0; lane < kSums; ++lane) {
      const double difference =
          static_cast<double>(row[i + lane]) - static_cast<double>(query[i + lane]);
      sums[lane] += difference * difference;
    }
  }
  for (int lane = 0; i + lane < dimension; ++lane) {
    const double difference =
        static_cast<double>(row[i + lane]) - static_cast<double>(query[i + lane]);
    sums[lane] += difference * difference;
  }
  return tree_sum(sums);
}

double cosine_similarity(double product, double a_square, double b_square) {
  if (!std::isfinite(a_square) || !std::isfinite(b_square)) {
    return std::numeric_limits<double>::quiet_NaN();
  }
  if (a_square == 0 || b_square == 0) return 0.0;
  // One root of the product, not a product of roots: a vector then has distance 0 from itself.
  return std::clamp(product / std::sqrt(a_square * b_square), -1.0, 1.0);
}

}  // namespace

double exact_norm(const float* row, int64_t dimension) { return std::sqrt(square(row, dimension)); }

double exact_cosine_similarity(const float* a, const float* b, int64_t dimension) {
  return cosine_similarity(dot(a, b, dimension), square(a, dimension), square(b, dimension));
}

double exact_score(Metric metric, const float* a, const float* b, int64_t dimension) {
  switch (metric) {
    case Metric::kDot: return dot(a, b, dimension);
    case Metric::kL2: return std::sqrt(squared_l2(a, b, dimension));
    case Metric::kCosine: break;
  }
  return 1.0 - exact_cosine_similarity(a, b, dimension);
}

ExactScorer::ExactScorer(Metric metric, const std::vector<float>& query)
    : metric_(metric), query_(query.begin(), query.end()) {
  query_square_ = square(query.data(), static_cast<int64_t>(query.size()));
  query_norm_ = std::sqrt(query_square_);
}

double ExactScorer::similarity(const float* row) const {
  const int64_t dimension = static_cast<int64_t>(query_.size());
  return cosine_similarity(dot(query_.data(), row, dimension), square(row, dimension),
                           query_square_);
}

double ExactScorer::score(const float* row) const {
  const int64_t dimension = static_cast<int64_t>(query_.size());
  switch (metric_) {
    case Metric::kDot: return dot(query_.data(), row, dimension);
    case Metric::kL2: return std::sqrt(squared_l2(query_.data(), row, dimension));
    case Metric::kCosine: break;
  }
  return 1.0 - similarity(row);
}

}  // namespace velaria
