#include "src/plan/optimizer/rules.h"

namespace velaria {

namespace {

PlanPtr share(const PlanPtr& plan) {
  // The keys of a join belong to two inputs; sorting by what is computed makes a projection below.
  if (plan->kind() == PlanKind::kJoin) return plan;
  std::vector<BoundExpressionPtr> expressions;
  map_expressions(plan, [&](const BoundExpressionPtr& e) {
    expressions.push_back(e);
    return e;
  });
  const std::vector<BoundExpressionPtr> before = expressions;
  share_repeated_expressions(&expressions);
  if (expressions == before) return plan;
  size_t next = 0;  // map_expressions visits in the same order again
  return map_expressions(plan, [&](const BoundExpressionPtr&) { return expressions[next++]; });
}

}  // namespace

PlanPtr share_expressions(const PlanPtr& plan) { return rewrite_bottom_up(plan, share); }

}  // namespace velaria
