// One query against one block of rows: the float32 first pass, and which rows it cannot skip.
//
//   SearchQuery query(Metric::kL2, {1, 2, 3});  // shared by threads
//   BlockFilter filter(query);                  // one a thread
//   filter.read(rows, count, norms);            // count <= query.step_rows()
//   filter.set_limit(score of the k-th best so far);
//   for each row i of filter.select(): if (filter.keeps(i)) score it exactly
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "src/similarity/exact_score.h"
#include "src/similarity/first_pass_bound.h"
#include "src/similarity/kernels/distance_kernels.h"
#include "src/similarity/metric.h"

namespace velaria {

// What all threads of a search read: the query with its kernels, scorer and bounds. Immutable.
class SearchQuery {
 public:
  static constexpr double kNoLimit = std::numeric_limits<double>::infinity();

  // Finite elements, at least one. Uses the active SIMD level.
  SearchQuery(Metric metric, std::vector<float> query);

  Metric metric() const { return metric_; }
  const std::vector<float>& vector() const { return query_; }
  int64_t dimension() const { return static_cast<int64_t>(query_.size()); }
  const ExactScorer& scorer() const { return scorer_; }
  const DistanceKernels& kernels() const { return kernels_; }
  const FirstPassBound& bound() const { return bound_; }
  // What a kernel call covers: rows that are scored again are then still in the cache.
  int64_t step_rows() const { return step_rows_; }

  // Keys are scores turned so that the smallest is best.
  double key_of_score(double score) const { return larger_is_nearer(metric_) ? -score : score; }
  double score_of_key(double key) const { return larger_is_nearer(metric_) ? -key : key; }

 private:
  friend class BlockFilter;
  Metric metric_;
  std::vector<float> query_;
  int64_t step_rows_;
  const DistanceKernels& kernels_;
  ExactScorer scorer_;
  FirstPassBound bound_;
};

// One thread's scratch memory.
class BlockFilter {
 public:
  explicit BlockFilter(const SearchQuery& query);  // which outlives this

  // `norms`: of these rows from VectorNorms; null when nobody computed them. Then norms() has them
  // until the next call, except for l2, which needs none.
  void read(const float* rows, int64_t count, const float* norms);
  const float* norms() const { return norms_; }
  // Rows whose key is above `key_limit` are not wanted any more; kNoLimit: all are.
  void set_limit(double key_limit);
  // Whether row i may have a key at or below the limit.
  bool keeps(int64_t i) const {
    return query_.metric_ == Metric::kL2
               ? distance_cutoff_.keeps(values_[static_cast<size_t>(i)])
               : product_cutoff_.keeps(values_[static_cast<size_t>(i)], norms_[i]);
  }
  // The rows kept, ascending. Valid until the next call.
  const uint32_t* select(size_t* count);

 private:
  template <typename Keeps>
  size_t append_kept(const Keeps& keeps);

  const SearchQuery& query_;
  std::vector<float> values_;
  std::vector<float> kernel_norms_;
  std::vector<uint32_t> kept_;
  const float* norms_ = nullptr;  // of the rows read, where the metric needs them
  int64_t count_ = 0;
  ProductCutoff product_cutoff_;
  DistanceCutoff distance_cutoff_;
};

}  // namespace velaria
