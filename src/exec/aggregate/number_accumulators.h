// SUM, AVG, MIN and MAX of integers and floats, and of what is stored as them: the aggregates of
// most queries, with one small cell per group and vectorized loops where there is one group only.
// Internal to this room.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "src/base/large_memory.h"
#include "src/column/column.h"
#include "src/exec/aggregate/accumulator.h"
#include "src/kernel/take.h"

namespace velaria {

// Null when the argument's type is not one of these.
std::unique_ptr<Accumulator> make_number_sum(const BoundAggregate& aggregate);
std::unique_ptr<Accumulator> make_number_extreme(const BoundAggregate& aggregate);

// A cell with or without the number of values; without it, an empty cell is a sum of 0 that is not
// marked (see MarkedGroups).
template <typename Sum, bool kCounts>
struct SumCell {
  Sum sum{};
};
template <typename Sum>
struct SumCell<Sum, true> {
  Sum sum{};
  int64_t count = 0;
};

// Which groups hold a value although their cell looks empty: few, so that most queries never make
// room for them.
class MarkedGroups {
 public:
  void mark(uint32_t group) {
    if (marks_.size() <= group) marks_.resize(group + size_t{1} + group / 2, 0);
    marks_[group] = 1;
  }
  bool has(uint32_t group) const { return group < marks_.size() && marks_[group] != 0; }
  uint64_t memory_bytes() const { return marks_.capacity(); }

 private:
  std::vector<uint8_t> marks_;
};

// The values of a flat column that are there, as an array: its own when none is missing.
template <typename T>
class PresentValues {
 public:
  explicit PresentValues(const Column& flat) : values_(flat.values<T>()), count_(flat.length()) {
    if (flat.validity().all_valid()) return;
    present_.resize(static_cast<size_t>(count_));
    int64_t kept = 0;
    for (int64_t i = 0; i < count_; ++i) {
      present_[static_cast<size_t>(kept)] = values_[i];
      kept += flat.validity().valid(i);
    }
    values_ = present_.data();
    count_ = kept;
  }
  const T* data() const { return values_; }
  int64_t count() const { return count_; }

 private:
  const T* values_;
  int64_t count_;
  std::vector<T> present_;
};

// Calls f(row, group) for the rows that hold a value.
template <typename F>
void for_present_rows(const Column& argument, const uint32_t* ids, int64_t rows, F f) {
  if (argument.validity().all_valid()) {
    if (ids == nullptr) {
      for (int64_t i = 0; i < rows; ++i) f(i, uint32_t{0});
    } else {
      for (int64_t i = 0; i < rows; ++i) f(i, ids[i]);
    }
  } else {
    for (int64_t i = 0; i < rows; ++i) {
      if (argument.validity().valid(i)) f(i, ids == nullptr ? 0 : ids[i]);
    }
  }
}

}  // namespace velaria
