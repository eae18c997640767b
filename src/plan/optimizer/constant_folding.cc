#include "src/expr/evaluator.h"
#include "src/plan/optimizer/rules.h"

namespace velaria {

namespace {

std::vector<BoundExpressionPtr> fold_all(const std::vector<BoundExpressionPtr>& expressions) {
  std::vector<BoundExpressionPtr> out;
  for (const auto& expression : expressions) out.push_back(fold_constants(expression));
  return out;
}

PlanPtr fold_node(const PlanPtr& plan) {
  switch (plan->kind()) {
    case PlanKind::kFilter: {
      BoundExpressionPtr condition =
          fold_constants(static_cast<const FilterPlan&>(*plan).condition());
      const bool always = condition->is_constant() && !condition->constant.is_null() &&
                          condition->constant.as_bool();
      if (always) return plan->child();
      return std::make_shared<FilterPlan>(plan->child(), std::move(condition));
    }
    case PlanKind::kProject: {
      const auto& project = static_cast<const ProjectPlan&>(*plan);
      return std::make_shared<ProjectPlan>(plan->child(), fold_all(project.expressions()),
                                           plan->schema().names());
    }
    case PlanKind::kAggregate: {
      const auto& aggregate = static_cast<const AggregatePlan&>(*plan);
      std::vector<BoundAggregate> aggregates = aggregate.aggregates();
      for (BoundAggregate& one : aggregates) {
        if (one.argument) one.argument = fold_constants(one.argument);
        if (one.filter) one.filter = fold_constants(one.filter);
      }
      return std::make_shared<AggregatePlan>(plan->child(), fold_all(aggregate.keys()),
                                             aggregate.key_names(), std::move(aggregates));
    }
    default: return plan;
  }
}

}  // namespace

PlanPtr fold_plan_constants(const PlanPtr& plan) { return rewrite_bottom_up(plan, fold_node); }

}  // namespace velaria
