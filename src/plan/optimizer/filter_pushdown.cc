#include <algorithm>
#include <iterator>
#include <string_view>

#include "src/base/error.h"
#include "src/expr/evaluator.h"
#include "src/plan/join_condition.h"
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

// Whether the condition cannot tell equal values apart.
bool only_compares(const BoundExpression& condition) {
  const auto all = [&](const std::function<bool(const BoundExpression&)>& f) {
    return std::all_of(condition.children.begin(), condition.children.end(),
                       [&](const BoundExpressionPtr& child) { return f(*child); });
  };
  if (condition.kind == BoundKind::kAnd || condition.kind == BoundKind::kOr ||
      (condition.kind == BoundKind::kCall && condition.name == "not")) {
    return all(only_compares);
  }
  if (condition.kind != BoundKind::kCall) return false;
  constexpr std::string_view kComparisons[] = {"=",  "<>", "<",       "<=",         ">",
                                               ">=", "in", "is_null", "is_not_null"};
  return std::find(std::begin(kComparisons), std::end(kComparisons), condition.name) !=
             std::end(kComparisons) &&
         all([](const BoundExpression& side) {
           return side.kind == BoundKind::kColumn || side.kind == BoundKind::kConstant;
         });
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
           reads_only(conjunct, [&](size_t column) { return column < keys.size(); }) &&
           (only_compares(conjunct) || reads_only(conjunct, [&](size_t column) {
              return !has_equals_that_differ(keys[column]->type);
            }));
  });
  Conjuncts below;
  for (const auto& conjunct : split.below) {
    below.push_back(replace_columns(
        conjunct, [&](const BoundExpression& column) { return keys[column.column]; }));
  }
  return with_filter(plan->with_children({push(plan->child(), std::move(below))}), split.stay);
}

// ---- joins

bool reads_any(const BoundExpression& expression, const std::function<bool(size_t)>& wanted) {
  bool any = false;
  visit_columns(expression, [&](size_t column) { any = any || wanted(column); });
  return any;
}

// Whether the condition cannot be true when all columns of a side are NULL.
bool rejects_nulls(const BoundExpressionPtr& condition, const std::function<bool(size_t)>& side) {
  if (condition->can_fail || !reads_any(*condition, side)) return false;
  const BoundExpressionPtr without =
      fold_constants(replace_columns(condition, [&](const BoundExpression& column) {
        if (side(column.column)) return bound_constant(Value::null(column.type));
        return bound_column(column.column, column.type, column.name);
      }));
  return without->is_constant() && (without->constant.is_null() || !without->constant.as_bool());
}

// An outer join whose missing rows a filter above drops anyway gives them up.
JoinType without_dropped_rows(JoinType type, const Conjuncts& above, size_t left_width) {
  const auto is_left = [&](size_t column) { return column < left_width; };
  const auto is_right = [&](size_t column) { return column >= left_width; };
  const auto any_rejects = [&](const std::function<bool(size_t)>& side) {
    return std::any_of(above.begin(), above.end(), [&](const BoundExpressionPtr& conjunct) {
      return rejects_nulls(conjunct, side);
    });
  };
  const bool keeps_left = type == JoinType::kLeft || type == JoinType::kFull;
  const bool keeps_right = type == JoinType::kRight || type == JoinType::kFull;
  const bool left_stays = keeps_left && !any_rejects(is_right);
  const bool right_stays = keeps_right && !any_rejects(is_left);
  if (left_stays && right_stays) return JoinType::kFull;
  if (left_stays) return JoinType::kLeft;
  return right_stays ? JoinType::kRight : JoinType::kInner;
}

// (a1 AND b1) OR (a2 AND b2), where the a read one side only: that side fulfils a1 OR a2.
BoundExpressionPtr one_sided_part(const BoundExpressionPtr& conjunct,
                                  const std::function<bool(size_t)>& side) {
  if (conjunct->kind != BoundKind::kOr || conjunct->can_fail) return nullptr;
  Conjuncts branches;
  for (const auto& branch : conjunct->children) {
    Conjuncts parts;
    for (const auto& part : split_conjuncts(branch)) {
      if (reads_only(*part, side) && reads_any(*part, side)) parts.push_back(part);
    }
    if (parts.empty()) return nullptr;
    branches.push_back(bound_logic(BoundKind::kAnd, std::move(parts)));
  }
  return bound_logic(BoundKind::kOr, std::move(branches));
}

PlanPtr push_through_join(const PlanPtr& plan, const Conjuncts& above) {
  const auto& join = static_cast<const JoinPlan&>(*plan);
  const size_t left_width = join.left()->schema().size();
  const auto is_left = [&](size_t column) { return column < left_width; };
  const auto is_right = [&](size_t column) { return column >= left_width; };
  JoinType type = join.type();
  if (type == JoinType::kLeft || type == JoinType::kRight || type == JoinType::kFull) {
    type = without_dropped_rows(type, above, left_width);
  }
  const bool inner = type == JoinType::kInner;
  const bool only_right = !gives_left_columns(type);
  // Which side may lose rows that do not fulfil a condition above the join.
  const bool filters_left = !only_right && type != JoinType::kRight && type != JoinType::kFull;
  const bool filters_right = inner || type == JoinType::kRight || only_right;
  // And which one rows that do not fulfil a part of the join's own condition.
  const bool matches_left = inner || type == JoinType::kRight || type == JoinType::kSemi ||
                            type == JoinType::kRightSemi || type == JoinType::kRightAnti;
  const bool matches_right = !join.null_aware() && type != JoinType::kRight &&
                             type != JoinType::kFull && type != JoinType::kRightAnti;

  Conjuncts left;
  Conjuncts right;
  Conjuncts matching;
  Conjuncts stay;
  for (const auto& conjunct : above) {
    const bool movable = !conjunct->can_fail && reads_any(*conjunct, [](size_t) { return true; });
    if (only_right) {
      // Columns above are the right side's.
      if (movable)
        right.push_back(conjunct);
      else
        stay.push_back(conjunct);
    } else if (movable && filters_left && reads_only(*conjunct, is_left)) {
      left.push_back(conjunct);
    } else if (movable && filters_right && reads_only(*conjunct, is_right)) {
      right.push_back(conjunct);
    } else if (inner) {
      matching.push_back(conjunct);
    } else {
      stay.push_back(conjunct);
    }
  }
  if (!only_right) {
    for (BoundExpressionPtr& conjunct : right) {
      conjunct = replace_columns(conjunct, [&](const BoundExpression& column) {
        return bound_column(column.column - left_width, column.type, column.name);
      });
    }
  }
  const auto to_right = [&](const BoundExpressionPtr& e) {
    return replace_columns(e, [&](const BoundExpression& column) {
      return bound_column(column.column - left_width, column.type, column.name);
    });
  };
  Conjuncts own;
  if (join.condition()) own = split_conjuncts(join.condition());
  own.insert(own.end(), matching.begin(), matching.end());
  Conjuncts tested;
  for (const auto& conjunct : own) {
    const bool movable = !conjunct->can_fail && reads_any(*conjunct, [](size_t) { return true; });
    if (movable && matches_left && reads_only(*conjunct, is_left)) {
      left.push_back(conjunct);
    } else if (movable && matches_right && reads_only(*conjunct, is_right)) {
      right.push_back(to_right(conjunct));
    } else {
      if (const auto part = one_sided_part(conjunct, is_left); part && matches_left) {
        left.push_back(part);
      }
      if (const auto part = one_sided_part(conjunct, is_right); part && matches_right) {
        right.push_back(to_right(part));
      }
      tested.push_back(conjunct);
    }
  }
  // Keys are computed for every row: what may fail becomes one only when there is no other.
  std::vector<JoinKey> keys = join.keys();
  Conjuncts guarded;
  if (!keys.empty()) {
    const auto may_fail = std::stable_partition(
        tested.begin(), tested.end(), [](const BoundExpressionPtr& c) { return !c->can_fail; });
    guarded.assign(may_fail, tested.end());
    tested.erase(may_fail, tested.end());
  }
  JoinCondition condition;
  condition.rest = std::move(tested);
  // IN has exactly one key, whose NULLs count.
  if (!join.null_aware()) condition = split_join_condition(condition.rest, left_width);
  condition.rest.insert(condition.rest.end(), guarded.begin(), guarded.end());
  keys.insert(keys.end(), condition.keys.begin(), condition.keys.end());
  return with_filter(std::make_shared<JoinPlan>(push(join.left(), std::move(left)),
                                                push(join.right(), std::move(right)), type,
                                                std::move(keys), all_of(std::move(condition.rest)),
                                                join.null_aware(), join.mark_name()),
                     std::move(stay));
}

// What is asked of partition keys only takes whole partitions away, and the others do not see it.
// Floats stay: 0.0 and -0.0 are one partition, but a condition may tell them apart. So may
// intervals.
PlanPtr push_through_window(const PlanPtr& plan, const Conjuncts& conjuncts) {
  const auto& window = static_cast<const WindowPlan&>(*plan);
  const auto is_key = [&](size_t column) {
    return std::any_of(window.partition_by().begin(), window.partition_by().end(),
                       [&](const BoundExpressionPtr& key) {
                         return key->kind == BoundKind::kColumn && key->column == column &&
                                !key->type.is_float() && key->type.id() != TypeId::kInterval;
                       });
  };
  const Split split = split_movable(conjuncts, [&](const BoundExpression& conjunct) {
    return !conjunct.can_fail && reads_only(conjunct, is_key);
  });
  return with_filter(plan->with_children({push(plan->child(), split.below)}), split.stay);
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
    case PlanKind::kJoin: return push_through_join(plan, conjuncts);
    case PlanKind::kUnionAll: {
      // A conjunct that may fail would meet the rows of one child before those of another fail.
      const Split split =
          split_movable(conjuncts, [](const BoundExpression& c) { return !c.can_fail; });
      std::vector<PlanPtr> children;
      for (const PlanPtr& child : plan->children()) children.push_back(push(child, split.below));
      return with_filter(plan->with_children(std::move(children)), split.stay);
    }
    case PlanKind::kWindow: return push_through_window(plan, conjuncts);
    case PlanKind::kScan:
    case PlanKind::kLimit:
    case PlanKind::kTopN:
    case PlanKind::kVectorTopK:
    case PlanKind::kShared: break;  // what is shared must stay the same everywhere
  }
  std::vector<PlanPtr> children;
  for (const PlanPtr& child : plan->children()) children.push_back(push(child, {}));
  return with_filter(children.empty() ? plan : plan->with_children(std::move(children)),
                     std::move(conjuncts));
}

}  // namespace

PlanPtr push_filters_down(const PlanPtr& plan) { return push(plan, {}); }

}  // namespace velaria
