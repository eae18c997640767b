#include "src/plan/optimizer/rules.h"

namespace velaria {

namespace {

// Beyond this a top-n keeps and cuts so much that a plain sort is as good.
constexpr int64_t kMostTopNRows = 1000000;

PlanPtr top_n_node(const PlanPtr& plan) {
  if (plan->kind() != PlanKind::kLimit || plan->child()->kind() != PlanKind::kSort) return plan;
  const auto& limit = static_cast<const LimitPlan&>(*plan);
  if (!limit.limit() || *limit.limit() > kMostTopNRows || limit.offset() > kMostTopNRows) {
    return plan;
  }
  const auto& sort = static_cast<const SortPlan&>(*plan->child());
  return std::make_shared<TopNPlan>(sort.child(), sort.items(), *limit.limit(), limit.offset());
}

}  // namespace

PlanPtr make_top_n_nodes(const PlanPtr& plan) { return rewrite_bottom_up(plan, top_n_node); }

}  // namespace velaria
