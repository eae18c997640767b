#include <limits>
#include <map>

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

// What all places of a shared plan need together grows while the plan is walked, so the walk is
// repeated until nothing grows any more; then every place gets the same child.
struct SharedPart {
  Needed needed;
  bool is_pruned = false;  // in this walk
  Pruned pruned;
};
struct SharedParts {
  std::map<size_t, SharedPart> parts;  // by number
  bool grew = false;                   // in this walk
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

Pruned prune(const PlanPtr& plan, Needed needed, SharedParts* shared);

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

Pruned prune_project(const PlanPtr& plan, const Needed& needed, SharedParts* shared) {
  const auto& project = static_cast<const ProjectPlan&>(*plan);
  Needed below(plan->child()->schema().size(), false);
  for (size_t i = 0; i < needed.size(); ++i) {
    if (needed[i]) need_columns_of(*project.expressions()[i], &below);
  }
  const Pruned child = prune(plan->child(), std::move(below), shared);
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

Pruned prune_aggregate(const PlanPtr& plan, const Needed& needed, SharedParts* shared) {
  const auto& aggregate = static_cast<const AggregatePlan&>(*plan);
  const size_t keys = aggregate.keys().size();
  Needed below(plan->child()->schema().size(), false);
  for (const auto& key : aggregate.keys()) need_columns_of(*key, &below);
  for (size_t a = 0; a < aggregate.aggregates().size(); ++a) {
    const BoundAggregate& one = aggregate.aggregates()[a];
    if (!needed[keys + a]) continue;
    visit_expressions(one, [&](const BoundExpression& e) { need_columns_of(e, &below); });
  }
  const Pruned child = prune(plan->child(), std::move(below), shared);
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
    aggregates.push_back(
        map_expressions(aggregate.aggregates()[a],
                        [&](const BoundExpressionPtr& e) { return remap(e, child.new_position); }));
  }
  return {std::make_shared<AggregatePlan>(child.plan, std::move(new_keys), aggregate.key_names(),
                                          std::move(aggregates)),
          new_position};
}

Pruned prune_join(const PlanPtr& plan, const Needed& needed, SharedParts* shared) {
  const auto& join = static_cast<const JoinPlan&>(*plan);
  const size_t left_size = join.left()->schema().size();
  const size_t right_size = join.right()->schema().size();
  // Over left columns, then right columns, whatever the join gives out.
  Needed both(left_size + right_size, false);
  const size_t first_right = gives_left_columns(join.type()) ? left_size : 0;
  for (size_t i = 0; i < needed.size(); ++i) {
    const bool mark = join.type() == JoinType::kMark && i == left_size;
    if (!needed[i] || mark) continue;
    both[i < first_right ? i : left_size + (i - first_right)] = true;
  }
  if (join.condition()) need_columns_of(*join.condition(), &both);
  Needed left_needed(both.begin(), both.begin() + static_cast<std::ptrdiff_t>(left_size));
  Needed right_needed(both.begin() + static_cast<std::ptrdiff_t>(left_size), both.end());
  for (const JoinKey& key : join.keys()) {
    need_columns_of(*key.left, &left_needed);
    need_columns_of(*key.right, &right_needed);
  }
  const Pruned left = prune(join.left(), std::move(left_needed), shared);
  const Pruned right = prune(join.right(), std::move(right_needed), shared);
  const size_t new_left_size = left.plan->schema().size();
  std::vector<size_t> both_position = left.new_position;
  for (const size_t position : right.new_position) {
    both_position.push_back(position == kGone ? kGone : new_left_size + position);
  }
  std::vector<JoinKey> keys = join.keys();
  for (JoinKey& key : keys) {
    key.left = remap(key.left, left.new_position);
    key.right = remap(key.right, right.new_position);
  }
  std::vector<size_t> new_position;
  if (gives_left_columns(join.type())) new_position = left.new_position;
  const size_t shift = gives_left_columns(join.type()) ? new_left_size : 0;
  if (gives_right_columns(join.type())) {
    for (const size_t position : right.new_position) {
      new_position.push_back(position == kGone ? kGone : shift + position);
    }
  }
  if (join.type() == JoinType::kMark) new_position.push_back(new_left_size);
  return {std::make_shared<JoinPlan>(
              left.plan, right.plan, join.type(), std::move(keys),
              join.condition() ? remap(join.condition(), both_position) : nullptr,
              join.null_aware(), join.mark_name()),
          std::move(new_position)};
}

Pruned prune_window(const PlanPtr& plan, const Needed& needed, SharedParts* shared) {
  const auto& window = static_cast<const WindowPlan&>(*plan);
  const size_t input_size = plan->child()->schema().size();
  Needed below(needed.begin(), needed.begin() + static_cast<std::ptrdiff_t>(input_size));
  const auto need = [&](const BoundExpression& e) { need_columns_of(e, &below); };
  std::vector<BoundWindowFunction> kept;
  std::vector<size_t> kept_position(window.functions().size(), kGone);
  for (size_t f = 0; f < window.functions().size(); ++f) {
    if (!needed[input_size + f]) continue;
    visit_expressions(window.functions()[f], need);
    kept_position[f] = kept.size();
    kept.push_back(window.functions()[f]);
  }
  if (!kept.empty()) {
    for (const auto& key : window.partition_by()) need(*key);
    for (const BoundSortKey& key : window.order_by()) need(*key.expression);
  }
  Pruned out = prune(plan->child(), std::move(below), shared);
  const size_t new_input_size = out.plan->schema().size();
  if (!kept.empty()) {
    const auto move = [&](const BoundExpressionPtr& e) { return remap(e, out.new_position); };
    std::vector<BoundExpressionPtr> partition_by;
    for (const auto& key : window.partition_by()) partition_by.push_back(move(key));
    std::vector<BoundSortKey> order_by = window.order_by();
    for (BoundSortKey& key : order_by) key.expression = move(key.expression);
    for (BoundWindowFunction& function : kept) function = map_expressions(function, move);
    out.plan = std::make_shared<WindowPlan>(out.plan, std::move(partition_by), std::move(order_by),
                                            std::move(kept));
  }
  for (const size_t position : kept_position) {
    out.new_position.push_back(position == kGone ? kGone : new_input_size + position);
  }
  return out;
}

// Children must stay alike, so each gives exactly the needed columns.
Pruned prune_union(const PlanPtr& plan, const Needed& needed, SharedParts* shared) {
  std::vector<size_t> new_position(needed.size(), kGone);
  size_t count = 0;
  for (size_t i = 0; i < needed.size(); ++i) {
    if (needed[i]) new_position[i] = count++;
  }
  std::vector<PlanPtr> children;
  for (const PlanPtr& child : plan->children()) {
    const Pruned pruned = prune(child, needed, shared);
    std::vector<BoundExpressionPtr> columns;
    std::vector<std::string> names;
    bool same = pruned.plan->schema().size() == count;
    for (size_t i = 0; i < needed.size(); ++i) {
      if (!needed[i]) continue;
      same = same && pruned.new_position[i] == columns.size();
      const Field& field = child->schema().field(i);
      columns.push_back(bound_column(pruned.new_position[i], field.type, field.name));
      names.push_back(field.name);
    }
    children.push_back(
        same ? pruned.plan
             : std::make_shared<ProjectPlan>(pruned.plan, std::move(columns), std::move(names)));
  }
  return {std::make_shared<UnionAllPlan>(std::move(children)), std::move(new_position)};
}

std::vector<SortItem> remap_items(std::vector<SortItem> items,
                                  const std::vector<size_t>& new_position) {
  for (SortItem& item : items) item.column = new_position[item.column];
  return items;
}

Pruned prune_shared(const PlanPtr& plan, const Needed& needed, SharedParts* shared) {
  const size_t number = static_cast<const SharedPlan&>(*plan).number();
  SharedPart& part = shared->parts[number];
  part.needed.resize(needed.size(), false);
  for (size_t i = 0; i < needed.size(); ++i) {
    if (!needed[i] || part.needed[i]) continue;
    part.needed[i] = true;
    part.is_pruned = false;
    shared->grew = true;
  }
  if (!part.is_pruned) part.pruned = prune(plan->child(), part.needed, shared);
  part.is_pruned = true;
  std::vector<std::string> names = part.pruned.plan->schema().names();
  for (size_t i = 0; i < needed.size(); ++i) {
    const size_t position = part.pruned.new_position[i];
    if (position != kGone) names[position] = plan->schema().field(i).name;
  }
  return {std::make_shared<SharedPlan>(part.pruned.plan, number, names), part.pruned.new_position};
}

Pruned prune(const PlanPtr& plan, Needed needed, SharedParts* shared) {
  switch (plan->kind()) {
    case PlanKind::kScan: return prune_scan(plan, needed);
    case PlanKind::kProject: return prune_project(plan, needed, shared);
    case PlanKind::kAggregate: return prune_aggregate(plan, needed, shared);
    case PlanKind::kJoin: return prune_join(plan, needed, shared);
    case PlanKind::kWindow: return prune_window(plan, needed, shared);
    case PlanKind::kUnionAll: return prune_union(plan, needed, shared);
    case PlanKind::kShared: return prune_shared(plan, needed, shared);
    case PlanKind::kFilter: {
      const auto& condition = static_cast<const FilterPlan&>(*plan).condition();
      need_columns_of(*condition, &needed);
      const Pruned child = prune(plan->child(), std::move(needed), shared);
      return {std::make_shared<FilterPlan>(child.plan, remap(condition, child.new_position)),
              child.new_position};
    }
    case PlanKind::kTimeWindow: {
      TimeWindow window = static_cast<const TimeWindowPlan&>(*plan).window();
      needed.pop_back();
      needed[window.time_column] = true;
      Pruned child = prune(plan->child(), std::move(needed), shared);
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
      Pruned child = prune(plan->child(), std::move(needed), shared);
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
    case PlanKind::kVectorTopK: {
      VectorTopK top = static_cast<const VectorTopKPlan&>(*plan).top();
      needed.pop_back();
      needed[top.vector_column] = true;
      Pruned child = prune(plan->child(), std::move(needed), shared);
      top.vector_column = child.new_position[top.vector_column];
      child.new_position.push_back(child.plan->schema().size());
      child.plan = std::make_shared<VectorTopKPlan>(child.plan, std::move(top));
      return child;
    }
    case PlanKind::kLimit: {
      Pruned child = prune(plan->child(), std::move(needed), shared);
      child.plan = plan->with_children({child.plan});
      return child;
    }
  }
  VELARIA_CHECK(false);
  return {};
}

}  // namespace

PlanPtr prune_columns(const PlanPtr& plan) {
  SharedParts shared;
  while (true) {
    const PlanPtr pruned = prune(plan, Needed(plan->schema().size(), true), &shared).plan;
    if (!shared.grew) return pruned;
    shared.grew = false;
    for (auto& [number, part] : shared.parts) part.is_pruned = false;
  }
}

}  // namespace velaria
