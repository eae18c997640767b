#include "src/plan/optimizer/optimizer.h"

#include "src/plan/optimizer/rules.h"

namespace velaria {

PlanPtr rewrite_bottom_up(const PlanPtr& plan, const std::function<PlanPtr(const PlanPtr&)>& f) {
  std::vector<PlanPtr> children;
  bool changed = false;
  for (const PlanPtr& child : plan->children()) {
    children.push_back(rewrite_bottom_up(child, f));
    changed = changed || children.back() != child;
  }
  return f(changed ? plan->with_children(std::move(children)) : plan);
}

PlanPtr optimize(PlanPtr plan, const OptimizerOptions& options) {
  if (!options.enabled) return plan;
  plan = fold_plan_constants(plan);
  plan = narrow_comparisons(plan);
  plan = factor_common_conditions(plan);
  plan = push_filters_down(plan);
  plan = order_joins(plan);
  plan = make_top_n_nodes(plan);
  plan = share_common_subplans(plan);
  plan = merge_projections(prune_columns(merge_projections(plan)));
  plan = make_vector_top_k_nodes(plan);
  return share_expressions(order_conditions(plan));
}

}  // namespace velaria
