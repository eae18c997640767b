#include "src/plan/optimizer/rules.h"

namespace velaria {

namespace {

PlanPtr merge(const PlanPtr& plan) {
  if (plan->kind() != PlanKind::kProject || plan->child()->kind() != PlanKind::kProject) {
    return plan;
  }
  const auto& upper = static_cast<const ProjectPlan&>(*plan);
  const auto& lower = static_cast<const ProjectPlan&>(*plan->child());
  // Nothing may be computed twice.
  std::vector<int> uses(lower.expressions().size(), 0);
  for (const auto& e : upper.expressions()) visit_columns(*e, [&](size_t c) { ++uses[c]; });
  for (size_t c = 0; c < uses.size(); ++c) {
    const BoundKind kind = lower.expressions()[c]->kind;
    const bool free = kind == BoundKind::kColumn || kind == BoundKind::kConstant;
    // What may fail does so whether somebody reads it or not, until pruning says otherwise.
    if (!free && (uses[c] > 1 || (uses[c] == 0 && lower.expressions()[c]->can_fail))) return plan;
  }
  std::vector<BoundExpressionPtr> merged;
  for (const auto& e : upper.expressions()) {
    merged.push_back(replace_columns(
        e, [&](const BoundExpression& column) { return lower.expressions()[column.column]; }));
  }
  return std::make_shared<ProjectPlan>(lower.child(), std::move(merged), upper.schema().names());
}

}  // namespace

PlanPtr merge_projections(const PlanPtr& plan) { return rewrite_bottom_up(plan, merge); }

}  // namespace velaria
