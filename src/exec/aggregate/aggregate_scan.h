// Reads the groups of a finished aggregate. Internal to this room.
#pragma once

#include <memory>
#include <vector>

#include "src/exec/aggregate/aggregate_merge.h"
#include "src/exec/aggregate/group_order.h"
#include "src/plan/table_source.h"

namespace velaria {

// What is read, which outlives the scan: the groups in `order`, or, when that is null, all groups
// of the tables in no order that means anything.
struct FinishedGroups {
  const DisjointTables* tables;
  const std::vector<GroupRef>* order;
};

std::unique_ptr<TableScan> make_aggregate_scan(const FinishedGroups& groups,
                                               const ScanRequest& request);

}  // namespace velaria
