// The general way to unnest: the distinct values of the outer columns become columns of the
// subquery, which is then computed for all of them at once.
#pragma once

#include <cstddef>
#include <vector>

#include "src/plan/logical_plan.h"

namespace velaria {

struct OuterDomain {
  PlanPtr plan;                 // distinct rows
  std::vector<size_t> columns;  // the outer plan's columns that they are
};

// Of the outer columns of level 0 in `subquery`.
OuterDomain make_outer_domain(const PlanPtr& outer, const LogicalPlan& subquery);

// The columns of `plan`, then those of the domain: the rows that `plan` gives for each row of the
// domain. SqlUnsupportedError names what cannot be unnested.
PlanPtr push_outer_domain(const PlanPtr& plan, const OuterDomain& domain);

}  // namespace velaria
