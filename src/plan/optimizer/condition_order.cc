#include <algorithm>

#include "src/plan/join_condition.h"
#include "src/plan/optimizer/cardinality.h"
#include "src/plan/optimizer/rules.h"

namespace velaria {

namespace {

// What a row costs, where a comparison of two numbers costs 1.
double cost_of(const BoundExpression& expression) {
  double cost = 0;
  bool text = false;
  for (const auto& child : expression.children) {
    cost += cost_of(*child);
    text = text || child->type.is_string();
  }
  switch (expression.kind) {
    case BoundKind::kColumn:
    case BoundKind::kConstant:
    case BoundKind::kAnd:
    case BoundKind::kOr: return cost;
    case BoundKind::kCast: return cost + (text || expression.type.is_string() ? 20 : 2);
    case BoundKind::kCall: break;
    default: return cost + 10;
  }
  const std::string& name = expression.name;
  const bool is_equality = name == "=" || name == "<>";
  if (is_equality || name == "<" || name == "<=" || name == ">" || name == ">=") {
    if (text) return cost + (is_equality ? 4 : 8);
    return cost + (expression.children[0]->type.id() == TypeId::kDecimal128 ? 2 : 1);
  }
  if (name == "is_null" || name == "is_not_null" || name == "not") return cost + 1;
  if (name == "in") {
    return cost + (text ? 4 : 1) * (1 + static_cast<double>(expression.children.size()) / 4);
  }
  return cost + (text ? 20 : 5);
}

}  // namespace

// Cost for each row that a condition takes away: J. Hellerstein, M. Stonebraker, "Predicate
// migration" (SIGMOD 1993).
PlanPtr order_conditions(const PlanPtr& plan) {
  CardinalityEstimator estimator;
  return rewrite_bottom_up(plan, [&](const PlanPtr& node) -> PlanPtr {
    if (node->kind() != PlanKind::kFilter) return node;
    const auto& filter = static_cast<const FilterPlan&>(*node);
    struct Conjunct {
      BoundExpressionPtr condition;
      double rank = 0;
    };
    std::vector<Conjunct> conjuncts;
    for (auto& condition : split_conjuncts(filter.condition())) {
      const double share = std::min(0.99, estimator.selectivity(node->child(), *condition));
      const double rank = cost_of(*condition) / (1 - share);
      conjuncts.push_back({std::move(condition), rank});
    }
    // What may fail looks at the rows that the others leave, as it was written.
    const auto first_to_fail =
        std::stable_partition(conjuncts.begin(), conjuncts.end(),
                              [](const Conjunct& c) { return !c.condition->can_fail; });
    std::stable_sort(conjuncts.begin(), first_to_fail,
                     [](const Conjunct& a, const Conjunct& b) { return a.rank < b.rank; });
    std::vector<BoundExpressionPtr> ordered;
    for (Conjunct& conjunct : conjuncts) ordered.push_back(std::move(conjunct.condition));
    return std::make_shared<FilterPlan>(node->child(), all_of(std::move(ordered)));
  });
}

}  // namespace velaria
