#include "src/similarity/block_filter.h"

#include <algorithm>
#include <cmath>

#include "src/base/cpu_features.h"

namespace velaria {
namespace {

constexpr int64_t kStepBytes = 64 << 10;
constexpr int64_t kMostStepRows = 1024;

}  // namespace

SearchQuery::SearchQuery(Metric metric, std::vector<float> query)
    : metric_(metric),
      query_(std::move(query)),
      step_rows_(std::clamp<int64_t>(kStepBytes / (dimension() * int64_t{sizeof(float)}), 8,
                                     kMostStepRows)),
      kernels_(kernels_for(active_simd_level())),
      scorer_(metric, query_),
      bound_(metric, kernels_, dimension(), scorer_.query_norm()) {}

BlockFilter::BlockFilter(const SearchQuery& query)
    : query_(query),
      values_(static_cast<size_t>(query.step_rows_)),
      kept_(static_cast<size_t>(query.step_rows_)),
      product_cutoff_(FirstPassBound::keep_all_products()),
      distance_cutoff_(FirstPassBound::keep_all_distances()) {}

void BlockFilter::read(const float* rows, int64_t count, const float* norms) {
  const float* query = query_.query_.data();
  const int64_t dimension = query_.dimension();
  count_ = count;
  if (query_.metric_ == Metric::kL2) {
    query_.kernels_.squared_l2(query, rows, count, dimension, values_.data());
    return;
  }
  if (norms != nullptr) {
    query_.kernels_.dot(query, rows, count, dimension, values_.data());
    norms_ = norms;
    return;
  }
  kernel_norms_.resize(values_.size());
  query_.kernels_.dot_and_square(query, rows, count, dimension, values_.data(),
                                 kernel_norms_.data());
  for (int64_t i = 0; i < count; ++i) {
    float& norm = kernel_norms_[static_cast<size_t>(i)];
    norm = std::sqrt(norm);
  }
  norms_ = kernel_norms_.data();
}

void BlockFilter::set_limit(double key_limit) {
  const double score = query_.score_of_key(key_limit);
  const bool all = key_limit == SearchQuery::kNoLimit;
  if (query_.metric_ == Metric::kL2) {
    distance_cutoff_ =
        all ? FirstPassBound::keep_all_distances() : query_.bound_.distance_cutoff(score);
  } else {
    product_cutoff_ =
        all ? FirstPassBound::keep_all_products() : query_.bound_.product_cutoff(score);
  }
}

// Appends without branches; a row that is not kept is overwritten by the next.
template <typename Keeps>
size_t BlockFilter::append_kept(const Keeps& keeps) {
  uint32_t* kept = kept_.data();
  size_t kept_count = 0;
  for (int64_t i = 0; i < count_; ++i) {
    kept[kept_count] = static_cast<uint32_t>(i);
    kept_count += keeps(i) ? 1 : 0;
  }
  return kept_count;
}

const uint32_t* BlockFilter::select(size_t* count) {
  const float* values = values_.data();
  if (query_.metric_ == Metric::kL2) {
    const DistanceCutoff cutoff = distance_cutoff_;
    *count = append_kept([values, cutoff](int64_t i) { return cutoff.keeps(values[i]); });
  } else {
    const ProductCutoff cutoff = product_cutoff_;
    const float* norms = norms_;
    *count = append_kept(
        [values, norms, cutoff](int64_t i) { return cutoff.keeps(values[i], norms[i]); });
  }
  return kept_.data();
}

}  // namespace velaria
