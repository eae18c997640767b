// The tables that the tasks of a batch leave become tables that share no key. Internal to this
// room.
#pragma once

#include <memory>
#include <vector>

#include "src/exec/aggregate/aggregate_table.h"
#include "src/exec/operator.h"

namespace velaria {

struct DisjointTables {
  std::vector<std::unique_ptr<AggregateTable>> tables;
  // For each table, ascending: its groups that were added to another one and count no longer.
  std::vector<std::vector<uint32_t>> moved;

  size_t groups() const;
};

// At least one table. Groups of very many values are settled.
void make_disjoint(const AggregateSpec& spec, const ExecutionContext& context,
                   DisjointTables* groups);

}  // namespace velaria
