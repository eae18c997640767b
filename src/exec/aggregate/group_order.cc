#include "src/exec/aggregate/group_order.h"

#include <algorithm>
#include <array>

namespace velaria {

// Positions are words with few bits in use (chunk, row in chunk), so a radix sort that skips the
// digits that are the same everywhere takes three passes for millions of groups.
void sort_by_position(std::vector<GroupRef>* groups) {
  const auto before = [](const GroupRef& a, const GroupRef& b) { return a.position < b.position; };
  if (std::is_sorted(groups->begin(), groups->end(), before)) return;
  constexpr size_t kWorthRadix = 2048;
  if (groups->size() < kWorthRadix) {
    std::stable_sort(groups->begin(), groups->end(), before);
    return;
  }
  constexpr int kDigitBits = 11;
  constexpr size_t kDigits = 6;
  constexpr uint64_t kDigitMask = (uint64_t{1} << kDigitBits) - 1;
  std::vector<std::array<size_t, kDigitMask + 1>> counts(kDigits);
  for (const GroupRef& ref : *groups) {
    for (size_t d = 0; d < kDigits; ++d) {
      ++counts[d][(ref.position >> (d * kDigitBits)) & kDigitMask];
    }
  }
  std::vector<GroupRef> moved(groups->size());
  for (size_t d = 0; d < kDigits; ++d) {
    const auto digit = [&](const GroupRef& ref) {
      return (ref.position >> (d * kDigitBits)) & kDigitMask;
    };
    if (counts[d][digit(groups->front())] == groups->size()) continue;
    size_t start = 0;
    for (size_t& count : counts[d]) {
      const size_t size = count;
      count = start;
      start += size;
    }
    for (const GroupRef& ref : *groups) moved[counts[d][digit(ref)]++] = ref;
    groups->swap(moved);
  }
}

}  // namespace velaria
