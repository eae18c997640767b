// Groups of several tables in the order of their first rows. Internal to this room.
#pragma once

#include <cstdint>
#include <vector>

#include "src/base/large_memory.h"

namespace velaria {

struct GroupRef {
  uint64_t position;
  uint32_t table;
  uint32_t group;
};

// Sorts by position; no two are equal.
void sort_by_position(std::vector<GroupRef>* groups);

// One table's groups that are to be ordered.
struct TableGroups {
  const LargeVector<uint64_t>* positions;  // of group 0, 1, 2 ...
  const std::vector<uint32_t>* left_out;   // ascending
};
// The groups of all tables by position.
std::vector<GroupRef> groups_in_order(const std::vector<TableGroups>& tables);

}  // namespace velaria
