#include "stream/workers/worker_plan.h"

#include <algorithm>
#include <utility>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/exec/aggregate/group_windows.h"
#include "stream/workers/plan_codec.h"

namespace velaria {

namespace {

// A plan that carries one more column up, the position of the row.
struct WithPosition {
  PlanPtr plan;
  std::vector<size_t> columns;  // where each column of the plan before is now
  size_t position = 0;
};

BoundExpressionPtr moved(const BoundExpressionPtr& expression, const std::vector<size_t>& columns) {
  return replace_columns(expression, [&columns](const BoundExpression& column) {
    return bound_column(columns[column.column], column.type, column.name);
  });
}

WithPosition with_position(const PlanPtr& plan, const TableSourcePtr& leaf) {
  WithPosition out;
  if (plan->kind() == PlanKind::kScan) {
    const auto& scan = static_cast<const ScanPlan&>(*plan);
    std::vector<size_t> columns = scan.columns();
    out.position = columns.size();
    for (size_t i = 0; i < columns.size(); ++i) out.columns.push_back(i);
    columns.push_back(leaf->schema().size() - 1);
    out.plan = std::make_shared<ScanPlan>(leaf, scan.name(), std::move(columns));
    return out;
  }
  WithPosition below = with_position(plan->child(), leaf);
  switch (plan->kind()) {
    case PlanKind::kFilter: {
      const auto& condition = static_cast<const FilterPlan&>(*plan).condition();
      out = below;
      out.plan = std::make_shared<FilterPlan>(below.plan, moved(condition, below.columns));
      return out;
    }
    case PlanKind::kProject: {
      std::vector<BoundExpressionPtr> expressions;
      std::vector<std::string> names = plan->schema().names();
      for (const auto& expression : static_cast<const ProjectPlan&>(*plan).expressions()) {
        out.columns.push_back(expressions.size());
        expressions.push_back(moved(expression, below.columns));
      }
      out.position = expressions.size();
      expressions.push_back(
          bound_column(below.position, DataType(TypeId::kUInt64), kPositionColumnName));
      names.emplace_back(kPositionColumnName);
      out.plan =
          std::make_shared<ProjectPlan>(below.plan, std::move(expressions), std::move(names));
      return out;
    }
    case PlanKind::kTimeWindow: {
      TimeWindow window = static_cast<const TimeWindowPlan&>(*plan).window();
      window.time_column = below.columns[window.time_column];
      out = below;
      out.plan = std::make_shared<TimeWindowPlan>(below.plan, std::move(window));
      out.columns.push_back(out.plan->schema().size() - 1);
      return out;
    }
    default: VELARIA_CHECK(false);
  }
  return out;
}

// An expression over the columns of `plan` as one over those of its source. Null: it reads what
// only the plan makes, the start of a window.
BoundExpressionPtr over_source(const BoundExpressionPtr& expression, const LogicalPlan& plan) {
  switch (plan.kind()) {
    case PlanKind::kScan:
      return replace_columns(expression, [&plan](const BoundExpression& column) {
        return bound_column(static_cast<const ScanPlan&>(plan).columns()[column.column],
                            column.type, column.name);
      });
    case PlanKind::kFilter: return over_source(expression, *plan.child());
    case PlanKind::kProject:
      return over_source(
          replace_columns(
              expression,
              [&plan](const BoundExpression& column) {
                return static_cast<const ProjectPlan&>(plan).expressions()[column.column];
              }),
          *plan.child());
    case PlanKind::kTimeWindow: {
      bool reads_window = false;
      visit_columns(*expression, [&](size_t column) {
        reads_window = reads_window || column + 1 == plan.schema().size();
      });
      return reads_window ? nullptr : over_source(expression, *plan.child());
    }
    default: VELARIA_CHECK(false);
  }
  return nullptr;
}

// By columns as they are where there are any: those cost nothing.
void choose_division_keys(const AggregatePlan& aggregate, WorkerPlan* out) {
  for (const bool bare : {true, false}) {
    for (size_t i = 0; i < aggregate.keys().size(); ++i) {
      BoundExpressionPtr key = over_source(aggregate.keys()[i], *aggregate.child());
      if (!key || key->is_constant()) continue;
      if (bare != (key->kind == BoundKind::kColumn)) continue;
      out->division_keys.push_back(std::move(key));
      out->division_key_columns.push_back(i);
      if (!bare) return;  // one is enough to divide by
    }
    if (!out->division_keys.empty()) return;
  }
}

bool expands_windows(const AggregatePlan& aggregate) {
  const auto* window =
      static_cast<const TimeWindowPlan*>(find_node(aggregate, PlanKind::kTimeWindow));
  if (window == nullptr || window->window().slide_ms == window->window().width_ms) return false;
  const std::optional<GroupWindows> windows = find_group_windows(aggregate);
  return !windows || !windows->allows_panes;
}

WorkerPlan not_eligible(std::string reason) {
  WorkerPlan out;
  out.reason = std::move(reason);
  return out;
}

PlanPtr with_leaf(const PlanPtr& plan, const LogicalPlan* replaced, const PlanPtr& leaf) {
  if (plan.get() == replaced) return leaf;
  return plan->with_children({with_leaf(plan->child(), replaced, leaf)});
}

}  // namespace

WorkerPlan make_worker_plan(const StreamPlan& plan, const StreamOptions& options) {
  if (std::optional<std::string> reason = why_not_writable(*plan.per_batch)) {
    return not_eligible(std::move(*reason));
  }
  const auto* aggregate =
      static_cast<const AggregatePlan*>(find_node(*plan.per_batch, PlanKind::kAggregate));
  WorkerPlan out;
  out.eligible = true;
  out.leaf_schema = plan.leaf->schema();
  if (aggregate == nullptr) {
    if (plan.per_batch->kind() == PlanKind::kScan) {
      return not_eligible("there is nothing to compute");
    }
    out.reason = "stateless: rows can be divided in any way";
    out.shipped = plan.per_batch;
    return out;
  }
  if (aggregate->keys().empty()) return not_eligible("the aggregate has no keys to divide by");
  if (options.max_retained_windows || options.window_retention_ms) {
    return not_eligible("which windows are dropped depends on the rows of all groups");
  }
  if (expands_windows(*aggregate)) {
    return not_eligible(
        "the start of an overlapping window is used for more than grouping, so each row would be "
        "sent once for each of its windows");
  }
  choose_division_keys(*aggregate, &out);
  if (out.division_keys.empty()) {
    return not_eligible(
        "there is no key besides the window, and nearly all rows of a moment lie in one window");
  }
  out.reason = concat("groups can be divided by ", out.division_keys[0]->to_string());
  for (size_t i = 1; i < out.division_keys.size(); ++i) {
    out.reason += concat(", ", out.division_keys[i]->to_string());
  }

  std::vector<Field> fields = out.leaf_schema.fields();
  fields.push_back({kPositionColumnName, DataType(TypeId::kUInt64)});
  out.leaf_schema = Schema(std::move(fields));
  const TableSourcePtr leaf = make_replaced_leaf(out.leaf_schema, "rows of a worker");
  const WithPosition input = with_position(aggregate->child(), leaf);
  out.position_column = input.position;
  const auto moved_here = [&input](const BoundExpressionPtr& e) { return moved(e, input.columns); };
  std::vector<BoundExpressionPtr> keys;
  std::transform(aggregate->keys().begin(), aggregate->keys().end(), std::back_inserter(keys),
                 moved_here);
  std::vector<BoundAggregate> aggregates;
  for (const BoundAggregate& each : aggregate->aggregates()) {
    aggregates.push_back(map_expressions(each, moved_here));
  }
  out.shipped = std::make_shared<AggregatePlan>(input.plan, std::move(keys), aggregate->key_names(),
                                                std::move(aggregates));
  if (plan.per_batch.get() != aggregate) {
    out.groups = make_replaced_leaf(aggregate->schema(), "groups of the workers");
    out.after = with_leaf(plan.per_batch, aggregate,
                          ScanPlan::all_columns(out.groups, "groups of the workers"));
  }
  return out;
}

}  // namespace velaria
