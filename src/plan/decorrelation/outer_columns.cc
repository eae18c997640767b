#include "src/plan/decorrelation/outer_columns.h"

#include "src/base/error.h"

namespace velaria {

void visit_plan_outer_columns(const LogicalPlan& plan,
                              const std::function<void(const BoundExpression&)>& f) {
  visit_expressions(plan, [&](const BoundExpression& e) { visit_outer_columns(e, f); });
  for (const PlanPtr& child : plan.children()) visit_plan_outer_columns(*child, f);
}

bool has_outer_columns(const LogicalPlan& plan) {
  bool found = false;
  visit_plan_outer_columns(plan, [&](const BoundExpression&) { found = true; });
  return found;
}

bool is_correlated(const LogicalPlan& plan) {
  bool found = false;
  visit_plan_outer_columns(
      plan, [&](const BoundExpression& column) { found = found || column.outer_level == 0; });
  return found;
}

bool is_correlated(const BoundExpression& expression) {
  bool found = false;
  visit_outer_columns(
      expression, [&](const BoundExpression& column) { found = found || column.outer_level == 0; });
  return found;
}

BoundExpressionPtr replace_outer_columns(const BoundExpressionPtr& expression,
                                         const OuterColumnReplacement& f) {
  return rewrite_expression(expression, [&](const BoundExpressionPtr& node) {
    return node->kind == BoundKind::kOuterColumn ? f(*node) : node;
  });
}

PlanPtr replace_plan_outer_columns(const PlanPtr& plan, const OuterColumnReplacement& f) {
  if (!has_outer_columns(*plan)) return plan;
  std::vector<PlanPtr> children;
  for (const PlanPtr& child : plan->children()) {
    children.push_back(replace_plan_outer_columns(child, f));
  }
  return map_expressions(plan->with_children(std::move(children)),
                         [&](const BoundExpressionPtr& e) { return replace_outer_columns(e, f); });
}

PlanPtr shift_outer_levels(const PlanPtr& plan, int levels) {
  if (levels == 0) return plan;
  return replace_plan_outer_columns(plan, [&](const BoundExpression& column) {
    const auto level = static_cast<int64_t>(column.outer_level) + levels;
    VELARIA_CHECK(level >= 0);
    return bound_outer_column(static_cast<size_t>(level), column.column, column.type, column.name);
  });
}

}  // namespace velaria
