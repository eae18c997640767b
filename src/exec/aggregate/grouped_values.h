// The distinct (group, values) tuples that an aggregate has met: what DISTINCT and mode look at.
#pragma once

#include <algorithm>
#include <memory>
#include <vector>

#include "src/base/cancellation.h"
#include "src/exec/aggregate/group_table.h"

namespace velaria {

class GroupedValues {
 public:
  explicit GroupedValues(std::vector<DataType> types);

  void grow(uint32_t groups);
  uint32_t groups() const { return groups_; }
  uint32_t size() const { return static_cast<uint32_t>(entry_groups_.size()); }
  // entries[i] = the tuple of row i; those not met before get numbers from size() on. Values are
  // flat or constant; all rows are of group 0 when `ids` is null.
  void find_or_add(const std::vector<ColumnPtr>& values, const uint32_t* ids, int64_t rows,
                   uint32_t* entries);
  std::vector<ColumnPtr> values(const uint32_t* entries, int64_t count) const;
  uint64_t memory_bytes() const;

  // The tuples of groups from[i], with to[i] beside each.
  void select(const uint32_t* from, const uint32_t* to, int64_t count,
              std::vector<uint32_t>* entries, std::vector<uint32_t>* to_groups) const;
  // The tuples of each of the given groups, group by group.
  std::vector<std::vector<uint32_t>> entries_of(const uint32_t* groups, int64_t count) const;

 private:
  void add_group_column();

  std::vector<DataType> types_;
  uint32_t groups_ = 0;
  // One group needs no group number in its keys, which then are as small as the values.
  bool has_group_column_ = false;
  std::unique_ptr<GroupTable> table_;
  std::vector<uint32_t> entry_groups_;
};

// What select() gave, piece by piece: add(entries, groups). `cancellation` may be null.
template <typename Add>
void in_pieces(const std::vector<uint32_t>& entries, const std::vector<uint32_t>& groups,
               const CancellationToken* cancellation, Add&& add) {
  constexpr size_t kPieceEntries = size_t{1} << 16;
  for (size_t begin = 0; begin < entries.size(); begin += kPieceEntries) {
    if (cancellation != nullptr) cancellation->throw_if_cancelled();
    const auto first = static_cast<std::ptrdiff_t>(begin);
    const auto last = static_cast<std::ptrdiff_t>(std::min(entries.size(), begin + kPieceEntries));
    add(std::vector<uint32_t>(entries.begin() + first, entries.begin() + last),
        std::vector<uint32_t>(groups.begin() + first, groups.begin() + last));
  }
}

}  // namespace velaria
