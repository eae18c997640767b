#include <algorithm>

#include "src/plan/join_condition.h"
#include "src/plan/optimizer/rules.h"

namespace velaria {

namespace {

using Conjuncts = std::vector<BoundExpressionPtr>;

bool contains(const Conjuncts& conjuncts, const BoundExpression& wanted) {
  return std::any_of(conjuncts.begin(), conjuncts.end(),
                     [&](const BoundExpressionPtr& one) { return same_expression(*one, wanted); });
}

BoundExpressionPtr factor(const BoundExpressionPtr& condition) {
  if (condition->kind == BoundKind::kAnd) {
    Conjuncts parts;
    for (const auto& child : condition->children) parts.push_back(factor(child));
    return bound_logic(BoundKind::kAnd, std::move(parts));
  }
  // What may fail keeps its place behind what guards it.
  if (condition->kind != BoundKind::kOr || condition->can_fail) return condition;
  std::vector<Conjuncts> branches;
  for (const auto& child : condition->children) branches.push_back(split_conjuncts(factor(child)));
  Conjuncts common;
  for (const auto& candidate : branches[0]) {
    const bool everywhere =
        std::all_of(branches.begin(), branches.end(),
                    [&](const Conjuncts& branch) { return contains(branch, *candidate); });
    if (everywhere && !contains(common, *candidate)) common.push_back(candidate);
  }
  if (common.empty()) return condition;
  Conjuncts rest;
  for (Conjuncts& branch : branches) {
    Conjuncts own;
    for (auto& conjunct : branch) {
      if (!contains(common, *conjunct)) own.push_back(std::move(conjunct));
    }
    if (own.empty()) return bound_logic(BoundKind::kAnd, std::move(common));  // the others add none
    rest.push_back(bound_logic(BoundKind::kAnd, std::move(own)));
  }
  common.push_back(bound_logic(BoundKind::kOr, std::move(rest)));
  return bound_logic(BoundKind::kAnd, std::move(common));
}

PlanPtr factor_node(const PlanPtr& plan) {
  if (plan->kind() == PlanKind::kFilter) {
    const auto& condition = static_cast<const FilterPlan&>(*plan).condition();
    BoundExpressionPtr factored = factor(condition);
    if (factored == condition) return plan;
    return std::make_shared<FilterPlan>(plan->child(), std::move(factored));
  }
  if (plan->kind() == PlanKind::kJoin) {
    const auto& join = static_cast<const JoinPlan&>(*plan);
    if (!join.condition()) return plan;
    return std::make_shared<JoinPlan>(join.left(), join.right(), join.type(), join.keys(),
                                      factor(join.condition()), join.null_aware(),
                                      join.mark_name());
  }
  return plan;
}

}  // namespace

PlanPtr factor_common_conditions(const PlanPtr& plan) {
  return rewrite_bottom_up(plan, factor_node);
}

}  // namespace velaria
