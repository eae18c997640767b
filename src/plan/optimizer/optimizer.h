// Rewrites a plan into one that gives the same rows with less work.
#pragma once

#include "src/plan/logical_plan.h"

namespace velaria {

struct OptimizerOptions {
  bool enabled = true;  // false: the plan runs as written, to compare the answers
};

PlanPtr optimize(PlanPtr plan, const OptimizerOptions& options);

}  // namespace velaria
