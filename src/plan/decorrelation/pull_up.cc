#include "src/plan/decorrelation/pull_up.h"

#include <algorithm>
#include <numeric>

#include "src/plan/decorrelation/outer_columns.h"
#include "src/plan/join_condition.h"

namespace velaria {

namespace {

bool reads_columns(const BoundExpression& expression) {
  bool any = false;
  visit_columns(expression, [&](size_t) { any = true; });
  return any;
}

std::optional<PulledUp> pull_from_filter(const FilterPlan& filter) {
  auto below = pull_up_conditions(filter.child());
  if (!below) return std::nullopt;
  std::vector<BoundExpressionPtr> stay;
  for (const auto& conjunct : split_conjuncts(filter.condition())) {
    (is_correlated(*conjunct) ? below->conditions : stay).push_back(conjunct);
  }
  if (!stay.empty()) {
    below->plan = std::make_shared<FilterPlan>(below->plan, all_of(std::move(stay)));
  }
  return below;
}

std::optional<PulledUp> pull_from_project(const ProjectPlan& project) {
  for (const auto& expression : project.expressions()) {
    if (is_correlated(*expression)) return std::nullopt;
  }
  auto below = pull_up_conditions(project.child());
  if (!below) return std::nullopt;
  std::vector<BoundExpressionPtr> expressions = project.expressions();
  std::vector<std::string> names = project.schema().names();
  for (BoundExpressionPtr& condition : below->conditions) {
    condition = replace_columns(condition, [&](const BoundExpression& column) {
      size_t at = 0;
      while (at < expressions.size() && !same_expression(*expressions[at], column)) ++at;
      if (at == expressions.size()) {
        expressions.push_back(bound_column(column.column, column.type, column.name));
        names.push_back(column.name);
      }
      return bound_column(at, column.type, column.name);
    });
  }
  below->plan =
      std::make_shared<ProjectPlan>(below->plan, std::move(expressions), std::move(names));
  return below;
}

std::optional<PulledUp> pull_from_aggregate(const AggregatePlan& aggregate) {
  if (aggregate.keys().empty()) return std::nullopt;  // it gives a row even over no rows
  bool correlated = false;
  visit_expressions(aggregate,
                    [&](const BoundExpression& e) { correlated = correlated || is_correlated(e); });
  if (correlated) return std::nullopt;
  const auto below = pull_up_keys(aggregate.child());
  if (!below) return std::nullopt;
  std::vector<BoundExpressionPtr> keys = aggregate.keys();
  std::vector<std::string> names = aggregate.key_names();
  const size_t old_keys = keys.size();
  for (const auto& key : below->inner) {
    keys.push_back(key);
    names.push_back(key->to_string());
  }
  PlanPtr grouped = std::make_shared<AggregatePlan>(below->plan, std::move(keys), std::move(names),
                                                    aggregate.aggregates());
  // Old columns first.
  std::vector<size_t> columns(old_keys);
  std::iota(columns.begin(), columns.end(), size_t{0});
  for (size_t a = 0; a < aggregate.aggregates().size(); ++a) {
    columns.push_back(old_keys + below->inner.size() + a);
  }
  const size_t first_new = columns.size();
  for (size_t k = 0; k < below->inner.size(); ++k) columns.push_back(old_keys + k);
  PulledUp out;
  out.plan = pick_columns(grouped, columns);
  for (size_t k = 0; k < below->inner.size(); ++k) {
    const Field& field = out.plan->schema().field(first_new + k);
    const JoinKey key{below->outer[k], bound_column(first_new + k, field.type, field.name), false};
    out.conditions.push_back(key_condition(key, 0));
  }
  return out;
}

// Of an inner join both sides give conditions; of a join that keeps the left rows only the left.
std::optional<PulledUp> pull_from_join(const JoinPlan& join) {
  const bool inner = join.type() == JoinType::kInner;
  const bool left_kept = inner || join.type() == JoinType::kLeft ||
                         join.type() == JoinType::kSemi || join.type() == JoinType::kAnti ||
                         join.type() == JoinType::kMark || join.type() == JoinType::kSingle;
  if (!left_kept || (!inner && is_correlated(*join.right()))) return std::nullopt;
  for (const JoinKey& key : join.keys()) {
    if (is_correlated(*key.left) || is_correlated(*key.right)) return std::nullopt;
  }
  const bool correlated_condition = join.condition() && is_correlated(*join.condition());
  if (correlated_condition && !inner) return std::nullopt;
  auto left = pull_up_conditions(join.left());
  auto right = pull_up_conditions(join.right());
  if (!left || !right) return std::nullopt;

  const size_t old_left = join.left()->schema().size();
  const size_t new_left = left->plan->schema().size();
  const auto to_new = [&](const BoundExpressionPtr& e) {
    return replace_columns(e, [&](const BoundExpression& column) {
      const size_t moved = column.column < old_left ? 0 : new_left - old_left;
      return bound_column(column.column + moved, column.type, column.name);
    });
  };
  std::vector<BoundExpressionPtr> conditions = left->conditions;
  for (const auto& condition : right->conditions) {
    conditions.push_back(shift_columns(condition, new_left));
  }
  std::vector<BoundExpressionPtr> stay;
  if (join.condition()) {
    for (const auto& conjunct : split_conjuncts(join.condition())) {
      (is_correlated(*conjunct) ? conditions : stay).push_back(to_new(conjunct));
    }
  }
  PlanPtr plan =
      std::make_shared<JoinPlan>(left->plan, right->plan, join.type(), join.keys(),
                                 all_of(std::move(stay)), join.null_aware(), join.mark_name());
  // Old columns first, then what the conditions need.
  std::vector<size_t> columns;
  for (size_t i = 0; i < plan->schema().size(); ++i) {
    const bool extra_left = i >= old_left && i < new_left;
    const bool extra_right =
        gives_right_columns(join.type()) && i >= new_left + join.right()->schema().size();
    if (!extra_left && !extra_right) columns.push_back(i);
  }
  for (size_t i = 0; i < plan->schema().size(); ++i) {
    if (std::find(columns.begin(), columns.end(), i) == columns.end()) columns.push_back(i);
  }
  if (std::is_sorted(columns.begin(), columns.end())) return PulledUp{plan, std::move(conditions)};
  std::vector<size_t> position(columns.size());
  for (size_t i = 0; i < columns.size(); ++i) position[columns[i]] = i;
  for (BoundExpressionPtr& condition : conditions) {
    condition = replace_columns(condition, [&](const BoundExpression& column) {
      return bound_column(position[column.column], column.type, column.name);
    });
  }
  return PulledUp{pick_columns(plan, columns), std::move(conditions)};
}

}  // namespace

std::optional<PulledUp> pull_up_conditions(const PlanPtr& plan) {
  if (!is_correlated(*plan)) return PulledUp{plan, {}};
  switch (plan->kind()) {
    case PlanKind::kFilter: return pull_from_filter(static_cast<const FilterPlan&>(*plan));
    case PlanKind::kProject: return pull_from_project(static_cast<const ProjectPlan&>(*plan));
    case PlanKind::kAggregate: return pull_from_aggregate(static_cast<const AggregatePlan&>(*plan));
    case PlanKind::kJoin: return pull_from_join(static_cast<const JoinPlan&>(*plan));
    case PlanKind::kSort: {
      auto below = pull_up_conditions(plan->child());
      if (below) {
        below->plan =
            std::make_shared<SortPlan>(below->plan, static_cast<const SortPlan&>(*plan).items());
      }
      return below;
    }
    case PlanKind::kScan:
    case PlanKind::kTimeWindow:
    case PlanKind::kLimit:
    case PlanKind::kTopN:
    case PlanKind::kVectorTopK:
    case PlanKind::kWindow:
    case PlanKind::kUnionAll:
    case PlanKind::kShared: break;
  }
  return std::nullopt;
}

std::optional<PulledUpKeys> pull_up_keys(const PlanPtr& plan) {
  const auto pulled = pull_up_conditions(plan);
  if (!pulled) return std::nullopt;
  PulledUpKeys out;
  out.plan = pulled->plan;
  for (const auto& condition : pulled->conditions) {
    auto equality = as_equality(*condition);
    if (!equality || equality->null_equals_null) return std::nullopt;
    if (is_correlated(*equality->a)) std::swap(equality->a, equality->b);
    if (is_correlated(*equality->a) || reads_columns(*equality->b)) return std::nullopt;
    out.inner.push_back(equality->a);
    out.outer.push_back(equality->b);
  }
  return out;
}

PlanPtr pick_columns(const PlanPtr& plan, const std::vector<size_t>& columns) {
  std::vector<BoundExpressionPtr> expressions;
  std::vector<std::string> names;
  for (const size_t column : columns) {
    const Field& field = plan->schema().field(column);
    expressions.push_back(bound_column(column, field.type, field.name));
    names.push_back(field.name);
  }
  return std::make_shared<ProjectPlan>(plan, std::move(expressions), std::move(names));
}

}  // namespace velaria
