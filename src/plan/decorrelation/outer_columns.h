// Columns of surrounding queries inside a plan: finding and replacing them.
#pragma once

#include <functional>
#include <vector>

#include "src/plan/logical_plan.h"

namespace velaria {

using OuterColumnReplacement = std::function<BoundExpressionPtr(const BoundExpression&)>;

// f gets every outer column of the whole plan.
void visit_plan_outer_columns(const LogicalPlan& plan,
                              const std::function<void(const BoundExpression&)>& f);
bool has_outer_columns(const LogicalPlan& plan);
// Whether there are outer columns of level 0: of the plan that a subquery is being joined to. They
// exist only while that happens.
bool is_correlated(const LogicalPlan& plan);
bool is_correlated(const BoundExpression& expression);

BoundExpressionPtr replace_outer_columns(const BoundExpressionPtr& expression,
                                         const OuterColumnReplacement& f);
PlanPtr replace_plan_outer_columns(const PlanPtr& plan, const OuterColumnReplacement& f);

// The plan seen from `levels` queries further inside (or outside, when negative).
PlanPtr shift_outer_levels(const PlanPtr& plan, int levels);

}  // namespace velaria
