// A plan over tables that change, tied to what they hold now.
#pragma once

#include "src/plan/logical_plan.h"

namespace velaria {

// Every source that changes is replaced by its snapshot, taken once for all places that read it: a
// query that reads a table twice reads the same rows twice. Gives `plan` itself when nothing in it
// changes. Any thread.
PlanPtr with_snapshots(const PlanPtr& plan);

}  // namespace velaria
