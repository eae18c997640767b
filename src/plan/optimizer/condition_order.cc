#include <algorithm>

#include "src/plan/condition_cost.h"
#include "src/plan/join_condition.h"
#include "src/plan/optimizer/cardinality.h"
#include "src/plan/optimizer/rules.h"

namespace velaria {

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
      const double rank = condition_cost(*condition) / (1 - share);
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
