#include "src/expr/evaluator.h"
#include "src/plan/optimizer/rules.h"

namespace velaria {

namespace {

PlanPtr fold_node(const PlanPtr& plan) {
  const PlanPtr folded =
      map_expressions(plan, [](const BoundExpressionPtr& e) { return fold_constants(e); });
  if (folded->kind() == PlanKind::kFilter) {
    const BoundExpressionPtr& condition = static_cast<const FilterPlan&>(*folded).condition();
    const bool always =
        condition->is_constant() && !condition->constant.is_null() && condition->constant.as_bool();
    if (always) return folded->child();
  }
  return folded;
}

}  // namespace

PlanPtr fold_plan_constants(const PlanPtr& plan) { return rewrite_bottom_up(plan, fold_node); }

}  // namespace velaria
