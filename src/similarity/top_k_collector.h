// Keeps the k best of many (key, row id) pairs; the smallest key is best, equal keys go by row id.
//
// Pairs that beat the current k-th are appended to a buffer, which is cut back to k by a partition
// when it is full: no heap to keep in order per row. One thread per collector; keys are not NaN.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace velaria {

struct RankedRow {
  double key;
  int64_t row_id;

  bool operator<(const RankedRow& other) const {
    return key < other.key || (key == other.key && row_id < other.row_id);
  }
};

class TopKCollector {
 public:
  // k >= 1. Memory grows with what is offered, to at most 1.5 k pairs.
  explicit TopKCollector(int64_t k);

  void offer(const RankedRow& row) {
    if (full_ && !(row < worst_)) return;
    rows_.push_back(row);
    if (rows_.size() >= limit_) shrink();
  }

  // The k-th best key so far, +infinity while there are fewer than k: nothing above it can enter.
  // Renewed when the buffer is cut back, so it may lag behind, never run ahead.
  double key_limit() const { return full_ ? worst_.key : std::numeric_limits<double>::infinity(); }

  // At most 1.5 k pairs in no order, among them the k best.
  const std::vector<RankedRow>& rows() const { return rows_; }

 private:
  void shrink();

  size_t k_;
  size_t limit_;
  bool full_ = false;
  RankedRow worst_{};
  std::vector<RankedRow> rows_;
};

// The k best of all, best first.
std::vector<RankedRow> best_rows(std::vector<RankedRow> rows, int64_t k);

}  // namespace velaria
