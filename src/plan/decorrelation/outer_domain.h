// The general way to unnest: the distinct values of the outer columns become columns of the
// subquery, which is then computed for all of them at once.
#pragma once

#include <cstddef>
#include <vector>

#include "src/plan/logical_plan.h"

namespace velaria {

struct OuterDomain {
  PlanPtr plan;  // distinct rows; its columns are `values`
  // The outer plan's columns that the first ones are.
  std::vector<size_t> columns;
  // Over the outer plan. Behind `columns` stand the forms of some: texts that tell equal values
  // apart that are not the same, 0.0 from -0.0, '1 month' from '30 days'.
  std::vector<BoundExpressionPtr> values;
};

// Of the outer columns of level 0 in `subquery`.
OuterDomain make_outer_domain(const PlanPtr& outer, const LogicalPlan& subquery);

// The columns of `plan`, then those of the domain: the rows that `plan` gives for each row of the
// domain. SqlUnsupportedError names what cannot be unnested.
PlanPtr push_outer_domain(const PlanPtr& plan, const OuterDomain& domain);

}  // namespace velaria
