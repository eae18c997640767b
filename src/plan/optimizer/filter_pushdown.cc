#include "src/plan/optimizer/rules.h"

namespace velaria {

namespace {

using Conjuncts = std::vector<BoundExpressionPtr>;

PlanPtr with_filter(PlanPtr plan, Conjuncts conjuncts) {
  if (conjuncts.empty()) return plan;
  return std::make_shared<FilterPlan>(std::move(plan),
                                      bound_logic(BoundKind::kAnd, std::move(conjuncts)));
}

bool reads_only(const BoundExpression& expression, const std::function<bool(size_t)>& allowed) {
  bool ok = true;
  visit_columns(expression, [&](size_t column) { ok = ok && allowed(column); });
  return ok;
}

// Conjuncts keep their order relative to each other, so that one that guards another stays before
// it. For the same reason a conjunct moves below a node only when all that stand before it move
// too, or when it cannot fail.
struct Split {
  Conjuncts below;
  Conjuncts stay;
};
Split split_movable(const Conjuncts& conjuncts,
                    const std::function<bool(const BoundExpression&)>& movable) {
  Split out;
  for (const auto& conjunct : conjuncts) {
    const bool free = !conjunct->can_fail || out.stay.empty();
    (free && movable(*conjunct) ? out.below : out.stay).push_back(conjunct);
  }
  return out;
}

PlanPtr push(const PlanPtr& plan, Conjuncts conjuncts);

PlanPtr push_through_project(const PlanPtr& plan, const Conjuncts& conjuncts) {
  const auto& project = static_cast<const ProjectPlan&>(*plan);
  const auto& expressions = project.expressions();
  // Only through plain columns and constants: an expression would be computed twice.
  const Split split = split_movable(conjuncts, [&](const BoundExpression& conjunct) {
    return reads_only(conjunct, [&](size_t column) {
      const BoundKind kind = expressions[column]->kind;
      return kind == BoundKind::kColumn || kind == BoundKind::kConstant;
    });
  });
  Conjuncts below;
  for (const auto& conjunct : split.below) {
    below.push_back(replace_columns(
        conjunct, [&](const BoundExpression& column) { return expressions[column.column]; }));
  }
  return with_filter(plan->with_children({push(plan->child(), std::move(below))}), split.stay);
}

PlanPtr push_through_aggregate(const PlanPtr& plan, const Conjuncts& conjuncts) {
  const auto& aggregate = static_cast<const AggregatePlan&>(*plan);
  const auto& keys = aggregate.keys();
  const Split split = split_movable(conjuncts, [&](const BoundExpression& conjunct) {
    bool any = false;
    visit_columns(conjunct, [&](size_t) { any = true; });
    // Without a key read (HAVING false, say) the one row of a global aggregate must go, not its
    // input.
    return any && !conjunct.can_fail &&
           reads_only(conjunct, [&](size_t column) { return column < keys.size(); });
  });
  Conjuncts below;
  for (const auto& conjunct : split.below) {
    below.push_back(replace_columns(
        conjunct, [&](const BoundExpression& column) { return keys[column.column]; }));
  }
  return with_filter(plan->with_children({push(plan->child(), std::move(below))}), split.stay);
}

PlanPtr push(const PlanPtr& plan, Conjuncts conjuncts) {
  switch (plan->kind()) {
    case PlanKind::kFilter: {
      // The lower filter's conjuncts come first, as they did before.
      Conjuncts all = split_conjuncts(static_cast<const FilterPlan&>(*plan).condition());
      all.insert(all.end(), conjuncts.begin(), conjuncts.end());
      return push(plan->child(), std::move(all));
    }
    case PlanKind::kProject: return push_through_project(plan, conjuncts);
    case PlanKind::kAggregate: return push_through_aggregate(plan, conjuncts);
    case PlanKind::kTimeWindow: {
      const size_t window_column = plan->schema().size() - 1;
      const Split split = split_movable(conjuncts, [&](const BoundExpression& conjunct) {
        // Rows without a time are still there below, and the window itself drops them.
        return !conjunct.can_fail &&
               reads_only(conjunct, [&](size_t column) { return column != window_column; });
      });
      return with_filter(plan->with_children({push(plan->child(), split.below)}), split.stay);
    }
    case PlanKind::kSort: return plan->with_children({push(plan->child(), std::move(conjuncts))});
    case PlanKind::kJoin:
    case PlanKind::kWindow:
    case PlanKind::kUnionAll:
    case PlanKind::kScan:
    case PlanKind::kLimit:
    case PlanKind::kTopN: break;
  }
  std::vector<PlanPtr> children;
  for (const PlanPtr& child : plan->children()) children.push_back(push(child, {}));
  return with_filter(children.empty() ? plan : plan->with_children(std::move(children)),
                     std::move(conjuncts));
}

}  // namespace

PlanPtr push_filters_down(const PlanPtr& plan) { return push(plan, {}); }

}  // namespace velaria
