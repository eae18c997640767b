#include "src/io/batch_filter.h"

#include <algorithm>

#include "src/kernel/take.h"

namespace velaria {

namespace {

constexpr int kPassedBatches = 31;

}  // namespace

bool BatchFilter::wanted() {
  few_ = false;
  if (!filter_) return false;
  if (batches_to_pass_ == 0) return true;
  --batches_to_pass_;
  return false;
}

bool BatchFilter::look_at(Chunk* chunk) {
  rows_.clear();
  filter_->select(*chunk, &rows_);
  const auto kept = static_cast<int64_t>(rows_.size());
  if (kept == 0) {
    filter_->left_out(chunk->rows);
    return false;
  }
  if (2 * kept > chunk->rows) {
    batches_to_pass_ = kPassedBatches;
    return true;
  }
  few_ = true;
  filter_->left_out(chunk->rows - kept);
  for (size_t place : filter_->columns()) {
    chunk->columns[place] = take(chunk->columns[place], rows_.data(), kept);
  }
  chunk->rows = kept;
  return true;
}

bool may_filter_first(const ScanFilter& filter, const ScanRequest& request,
                      const std::function<bool(size_t column)>& always_fits) {
  const std::vector<size_t>& first = filter.columns();
  if (first.size() >= request.columns.size()) return false;
  for (size_t i = 0; i < request.columns.size(); ++i) {
    const bool looked_at = std::binary_search(first.begin(), first.end(), i);
    if (!looked_at && !always_fits(request.columns[i])) return false;
  }
  return true;
}

}  // namespace velaria
