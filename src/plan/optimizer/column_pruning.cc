#include <limits>

#include "src/base/error.h"
#include "src/plan/optimizer/rules.h"

namespace velaria {

namespace {

constexpr size_t kGone = std::numeric_limits<size_t>::max();

using Needed = std::vector<bool>;  // per output column of a node

// A node that gives at least the needed columns, and where each old column now is.
struct Pruned {
  PlanPtr plan;
  std::vector<size_t> new_position;
};

void need_columns_of(const BoundExpression& expression, Needed* needed) {
  visit_columns(expression, [&](size_t column) { (*needed)[column] = true; });
}

BoundExpressionPtr remap(const BoundExpressionPtr& expression,
                         const std::vector<size_t>& new_position) {
  return replace_columns(expression, [&](const BoundExpression& column) {
    VELARIA_CHECK(new_position[column.column] != kGone);
    return bound_column(new_position[column.column], column.type, column.name);
  });
}

Pruned prune(const PlanPtr& plan, Needed needed);

Pruned prune_scan(const PlanPtr& plan, const Needed& needed) {
  const auto& scan = static_cast<const ScanPlan&>(*plan);
  std::vector<size_t> columns;
  std::vector<size_t> new_position(needed.size(), kGone);
  for (size_t i = 0; i < needed.size(); ++i) {
    if (!needed[i]) continue;
    new_position[i] = columns.size();
    columns.push_back(scan.columns()[i]);
  }
  return {std::make_shared<ScanPlan>(scan.source(), scan.name(), std::move(columns)), new_position};
}

Pruned prune_project(const PlanPtr& plan, const Needed& needed) {
  const auto& project = static_cast<const ProjectPlan&>(*plan);
  Needed below(plan->child()->schema().size(), false);
  for (size_t i = 0; i < needed.size(); ++i) {
    if (needed[i]) need_columns_of(*project.expressions()[i], &below);
  }
  const Pruned child = prune(plan->child(), std::move(below));
  std::vector<BoundExpressionPtr> expressions;
  std::vector<std::string> names;
  std::vector<size_t> new_position(needed.size(), kGone);
  for (size_t i = 0; i < needed.size(); ++i) {
    if (!needed[i]) continue;
    new_position[i] = expressions.size();
    expressions.push_back(remap(project.expressions()[i], child.new_position));
    names.push_back(plan->schema().field(i).name);
  }
  return {std::make_shared<ProjectPlan>(child.plan, std::move(expressions), std::move(names)),
          new_position};
}

Pruned prune_aggregate(const PlanPtr& plan, const Needed& needed) {
  const auto& aggregate = static_cast<const AggregatePlan&>(*plan);
  const size_t keys = aggregate.keys().size();
  Needed below(plan->child()->schema().size(), false);
  for (const auto& key : aggregate.keys()) need_columns_of(*key, &below);
  for (size_t a = 0; a < aggregate.aggregates().size(); ++a) {
    const BoundAggregate& one = aggregate.aggregates()[a];
    if (!needed[keys + a]) continue;
    if (one.argument) need_columns_of(*one.argument, &below);
    if (one.filter) need_columns_of(*one.filter, &below);
  }
  const Pruned child = prune(plan->child(), std::move(below));
  std::vector<BoundExpressionPtr> new_keys;
  std::vector<size_t> new_position(needed.size(), kGone);
  for (size_t k = 0; k < keys; ++k) {
    new_position[k] = k;
    new_keys.push_back(remap(aggregate.keys()[k], child.new_position));
  }
  std::vector<BoundAggregate> aggregates;
  for (size_t a = 0; a < aggregate.aggregates().size(); ++a) {
    if (!needed[keys + a]) continue;
    new_position[keys + a] = keys + aggregates.size();
    BoundAggregate one = aggregate.aggregates()[a];
    if (one.argument) one.argument = remap(one.argument, child.new_position);
    if (one.filter) one.filter = remap(one.filter, child.new_position);
    aggregates.push_back(std::move(one));
  }
  return {std::make_shared<AggregatePlan>(child.plan, std::move(new_keys), aggregate.key_names(),
                                          std::move(aggregates)),
          new_position};
}

std::vector<SortItem> remap_items(std::vector<SortItem> items,
                                  const std::vector<size_t>& new_position) {
  for (SortItem& item : items) item.column = new_position[item.column];
  return items;
}

Pruned prune(const PlanPtr& plan, Needed needed) {
  switch (plan->kind()) {
    case PlanKind::kScan: return prune_scan(plan, needed);
    case PlanKind::kProject: return prune_project(plan, needed);
    case PlanKind::kAggregate: return prune_aggregate(plan, needed);
    case PlanKind::kFilter: {
      const auto& condition = static_cast<const FilterPlan&>(*plan).condition();
      need_columns_of(*condition, &needed);
      const Pruned child = prune(plan->child(), std::move(needed));
      return {std::make_shared<FilterPlan>(child.plan, remap(condition, child.new_position)),
              child.new_position};
    }
    case PlanKind::kTimeWindow: {
      TimeWindow window = static_cast<const TimeWindowPlan&>(*plan).window();
      needed.pop_back();
      needed[window.time_column] = true;
      Pruned child = prune(plan->child(), std::move(needed));
      window.time_column = child.new_position[window.time_column];
      child.new_position.push_back(child.plan->schema().size());
      child.plan = std::make_shared<TimeWindowPlan>(child.plan, std::move(window));
      return child;
    }
    case PlanKind::kSort:
    case PlanKind::kTopN: {
      const bool top_n = plan->kind() == PlanKind::kTopN;
      const auto& items = top_n ? static_cast<const TopNPlan&>(*plan).items()
                                : static_cast<const SortPlan&>(*plan).items();
      for (const SortItem& item : items) needed[item.column] = true;
      Pruned child = prune(plan->child(), std::move(needed));
      auto moved = remap_items(items, child.new_position);
      if (top_n) {
        const auto& top = static_cast<const TopNPlan&>(*plan);
        child.plan =
            std::make_shared<TopNPlan>(child.plan, std::move(moved), top.limit(), top.offset());
      } else {
        child.plan = std::make_shared<SortPlan>(child.plan, std::move(moved));
      }
      return child;
    }
    case PlanKind::kLimit: {
      Pruned child = prune(plan->child(), std::move(needed));
      child.plan = plan->with_children({child.plan});
      return child;
    }
  }
  VELARIA_CHECK(false);
  return {};
}

}  // namespace

PlanPtr prune_columns(const PlanPtr& plan) {
  return prune(plan, Needed(plan->schema().size(), true)).plan;
}

}  // namespace velaria
