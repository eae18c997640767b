// Rows that a reader left out because it was told to (on_error = skip): how many, and the first of
// them.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

namespace velaria {

constexpr size_t kShownRejects = 100;

struct RejectedRow {
  uint64_t byte = 0;  // where it begins in the file
  std::string reason;
  std::string text;  // an excerpt
};

// Gathering is commutative: parts merge to the same answer in any order.
struct RejectedRows {
  int64_t count = 0;
  std::vector<RejectedRow> first;  // in file order, at most kShownRejects

  void add(RejectedRow row) {
    ++count;
    first.push_back(std::move(row));
    if (first.size() >= 2 * kShownRejects) trim();
  }
  void merge(const RejectedRows& other) {
    count += other.count;
    first.insert(first.end(), other.first.begin(), other.first.end());
    trim();
  }

 private:
  void trim() {
    std::sort(first.begin(), first.end(),
              [](const RejectedRow& a, const RejectedRow& b) { return a.byte < b.byte; });
    if (first.size() > kShownRejects) first.resize(kShownRejects);
  }
};

}  // namespace velaria
