#include "src/similarity/top_k_collector.h"

#include <algorithm>

namespace velaria {

TopKCollector::TopKCollector(int64_t k) : k_(static_cast<size_t>(k)), limit_(k_) {}

void TopKCollector::shrink() {
  const auto last = rows_.begin() + static_cast<std::ptrdiff_t>(k_ - 1);
  std::nth_element(rows_.begin(), last, rows_.end());
  rows_.resize(k_);
  worst_ = rows_.back();
  if (full_) return;
  full_ = true;
  // Room for half as many again: a partition then costs few steps per pair, and the limit that the
  // scan prunes with stays fresh. With k = 1 it is renewed by every pair.
  limit_ = k_ + std::max<size_t>(1, k_ / 2);
}

std::vector<RankedRow> best_rows(std::vector<RankedRow> rows, int64_t k) {
  if (static_cast<int64_t>(rows.size()) > k) {
    const auto end = rows.begin() + static_cast<std::ptrdiff_t>(k);
    std::nth_element(rows.begin(), end - 1, rows.end());
    rows.erase(end, rows.end());
  }
  std::sort(rows.begin(), rows.end());
  return rows;
}

}  // namespace velaria
