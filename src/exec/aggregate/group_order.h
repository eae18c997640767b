// Groups of several tables in the order of their first rows. Internal to this room.
#pragma once

#include <cstdint>
#include <vector>

namespace velaria {

struct GroupRef {
  uint64_t position;
  uint32_t table;
  uint32_t group;
};

// Sorts by position; no two are equal.
void sort_by_position(std::vector<GroupRef>* groups);

}  // namespace velaria
