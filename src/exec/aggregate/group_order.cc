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

std::vector<GroupRef> groups_in_order(const std::vector<TableGroups>& tables) {
  std::vector<GroupRef> all;
  size_t count = 0;
  for (const TableGroups& table : tables) count += table.positions->size() - table.left_out->size();
  all.reserve(count);
  // A task meets its rows in their order, so a table's groups mostly stand in order already: the
  // tables are merged, with the strays as one more list.
  std::vector<std::vector<uint32_t>> runs;
  std::vector<GroupRef> strays;
  for (size_t t = 0; t < tables.size(); ++t) {
    const auto& positions = *tables[t].positions;
    auto out = tables[t].left_out->begin();
    std::vector<uint32_t>& run = runs.emplace_back();
    run.reserve(positions.size());
    uint64_t last = 0;
    for (uint32_t group = 0; group < positions.size(); ++group) {
      if (out != tables[t].left_out->end() && *out == group) {
        ++out;
      } else if (positions[group] >= last) {
        last = positions[group];
        run.push_back(group);
      } else {
        strays.push_back({positions[group], static_cast<uint32_t>(t), group});
      }
    }
  }
  constexpr size_t kFewRuns = 4;
  if (tables.size() > kFewRuns || strays.size() * 8 > count) {
    for (size_t t = 0; t < tables.size(); ++t) {
      for (uint32_t group : runs[t]) {
        all.push_back({(*tables[t].positions)[group], static_cast<uint32_t>(t), group});
      }
    }
    all.insert(all.end(), strays.begin(), strays.end());
    sort_by_position(&all);
    return all;
  }
  sort_by_position(&strays);
  constexpr uint64_t kEnd = ~uint64_t{0};
  std::vector<size_t> next(runs.size() + 1, 0);
  const auto head = [&](size_t list) {
    if (list == runs.size()) return next[list] < strays.size() ? strays[next[list]].position : kEnd;
    return next[list] < runs[list].size() ? (*tables[list].positions)[runs[list][next[list]]]
                                          : kEnd;
  };
  std::vector<uint64_t> heads;
  for (size_t list = 0; list < next.size(); ++list) heads.push_back(head(list));
  while (all.size() < count) {
    size_t least = 0;
    for (size_t list = 1; list < heads.size(); ++list) {
      if (heads[list] < heads[least]) least = list;
    }
    if (least == runs.size()) {
      all.push_back(strays[next[least]++]);
    } else {
      all.push_back({heads[least], static_cast<uint32_t>(least), runs[least][next[least]++]});
    }
    heads[least] = head(least);
  }
  return all;
}

}  // namespace velaria
