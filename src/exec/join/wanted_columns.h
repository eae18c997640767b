// Which output columns of each join of a plan anybody above it reads. The others are never
// gathered: a join key or the column of a filter above often ends there.
#pragma once

#include <unordered_map>
#include <vector>

#include "src/plan/logical_plan.h"

namespace velaria {

// By join node; of the root all columns are wanted. A node that occurs twice wants what either
// place wants.
using WantedColumns = std::unordered_map<const LogicalPlan*, std::vector<bool>>;
WantedColumns find_wanted_columns(const LogicalPlan& root);

}  // namespace velaria
