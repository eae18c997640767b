// Scores in double precision: what a search reports and ranks by.
//
// One plain source for every SIMD level, compiled without contraction, with a fixed order of
// summation (eight interleaved sums, then a tree). So a score is the same bits on every machine,
// level and thread. Products of two floats are exact in double and cannot overflow or underflow
// there; only the sums round.
#pragma once

#include <cstdint>
#include <vector>

#include "src/similarity/metric.h"

namespace velaria {

// |row| in double precision: NaN when an element is NaN, infinite when one is (and none NaN).
double exact_norm(const float* row, int64_t dimension);

// The score of two vectors, in any order of them; also what SQL's distance functions give.
double exact_score(Metric metric, const float* a, const float* b, int64_t dimension);
// Of which exact_score of kCosine is 1 minus; 0 when a norm is zero.
double exact_cosine_similarity(const float* a, const float* b, int64_t dimension);

// Scores rows against one query. Immutable; any thread may use it.
class ExactScorer {
 public:
  // The query's elements are finite.
  ExactScorer(Metric metric, const std::vector<float>& query);

  // cosine: 1 - xq / sqrt(|x|^2 |q|^2), clamped to [0, 2]; 1 when a norm is zero. dot: xq.
  // l2: sqrt(sum (x_i - q_i)^2). NaN when an element is NaN, or when infinite elements leave the
  // metric without a value (infinity * 0, infinity - infinity, the cosine of an infinite vector).
  double score(const float* row) const;

  // Of kCosine only: 1 - score, before the subtraction rounds.
  double similarity(const float* row) const;

  double query_norm() const { return query_norm_; }

 private:
  Metric metric_;
  std::vector<double> query_;
  double query_square_ = 0;
  double query_norm_ = 0;
};

}  // namespace velaria
