#include "src/plan/decorrelation/outer_domain.h"

#include <algorithm>
#include <numeric>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/expr/function_registry.h"
#include "src/plan/decorrelation/outer_columns.h"
#include "src/plan/decorrelation/pull_up.h"
#include "src/plan/join_condition.h"

namespace velaria {

namespace {

[[noreturn]] void refuse(const std::string& what) {
  throw Error(ErrorKind::kSqlUnsupported,
              concat("a subquery that reads columns of the query around it cannot contain ", what,
                     "; join with it in FROM instead"));
}

// What differs between equal values; NULL for floats that are not zero.
BoundExpressionPtr form_of(const BoundExpressionPtr& value) {
  const DataType text(TypeId::kUtf8);
  if (!value->type.is_float()) return bound_cast(value, text);
  auto node = std::make_shared<BoundExpression>();
  node->kind = BoundKind::kCase;
  node->type = text;
  node->children = {
      FunctionRegistry::builtin().bind("=", {value, bound_constant(Value::float64(0))}),
      bound_cast(value, text)};
  node->update_can_fail();
  return node;
}

BoundExpressionPtr value_of_form(const BoundExpressionPtr& equal, const BoundExpressionPtr& form) {
  const BoundExpressionPtr value = bound_cast(form, equal->type);
  return equal->type.is_float() ? FunctionRegistry::builtin().bind("coalesce", {value, equal})
                                : value;
}

// Columns of the domain that are keys of groups, from `first` on: a group shows one form for all
// equal values, so that the others come from the form that is a key beside.
std::vector<BoundExpressionPtr> values_of_keys(const OuterDomain& domain, const Schema& keys,
                                               size_t first) {
  const auto key = [&](size_t i) {
    return bound_column(first + i, domain.values[i]->type, keys.field(first + i).name);
  };
  std::vector<BoundExpressionPtr> out;
  size_t form = domain.columns.size();
  for (size_t i = 0; i < domain.columns.size(); ++i) {
    out.push_back(has_equals_that_differ(domain.values[i]->type)
                      ? value_of_form(key(i), key(form++))
                      : key(i));
  }
  for (size_t i = out.size(); i < domain.values.size(); ++i) out.push_back(key(i));
  return out;
}

class DomainPusher {
 public:
  explicit DomainPusher(const OuterDomain& domain) : domain_(domain) {}

  PlanPtr push(const PlanPtr& plan) const {
    if (!is_correlated(*plan)) {
      return std::make_shared<JoinPlan>(plan, domain_.plan, JoinType::kInner,
                                        std::vector<JoinKey>(), nullptr);
    }
    const size_t width = plan->schema().size();
    switch (plan->kind()) {
      case PlanKind::kFilter: {
        const PlanPtr child = push(plan->child());
        return std::make_shared<FilterPlan>(
            child, inner(static_cast<const FilterPlan&>(*plan).condition(), width));
      }
      case PlanKind::kProject: return push_project(static_cast<const ProjectPlan&>(*plan));
      case PlanKind::kAggregate: return push_aggregate(static_cast<const AggregatePlan&>(*plan));
      case PlanKind::kJoin: return push_join(static_cast<const JoinPlan&>(*plan));
      case PlanKind::kWindow: return push_window(static_cast<const WindowPlan&>(*plan));
      // For a LIMIT and for aggregates further up, which show the order of their rows.
      case PlanKind::kSort:
        return std::make_shared<SortPlan>(push(plan->child()),
                                          static_cast<const SortPlan&>(*plan).items());
      case PlanKind::kLimit: {
        const auto& limit = static_cast<const LimitPlan&>(*plan);
        const bool sorted = plan->child()->kind() == PlanKind::kSort;
        return push_limit(
            sorted ? plan->child()->child() : plan->child(),
            sorted ? static_cast<const SortPlan&>(*plan->child()).items() : std::vector<SortItem>(),
            limit.limit(), limit.offset());
      }
      case PlanKind::kTopN: {
        const auto& top = static_cast<const TopNPlan&>(*plan);
        return push_limit(plan->child(), top.items(), top.limit(), top.offset());
      }
      case PlanKind::kUnionAll: {
        std::vector<PlanPtr> children;
        for (const PlanPtr& child : plan->children()) children.push_back(push(child));
        return std::make_shared<UnionAllPlan>(std::move(children));
      }
      case PlanKind::kTimeWindow: refuse("WINDOW BY");
      case PlanKind::kVectorTopK: refuse("HYBRID SEARCH");
      case PlanKind::kScan:
      case PlanKind::kShared: break;  // made when there are no outer columns any more
    }
    VELARIA_CHECK(false);
    return nullptr;
  }

 private:
  size_t size() const { return domain_.values.size(); }
  const Field& field(size_t i) const { return domain_.plan->schema().field(i); }
  BoundExpressionPtr domain_column(size_t i, size_t first) const {
    return bound_column(first + i, field(i).type, field(i).name);
  }
  std::vector<JoinKey> domain_keys(size_t left_first, size_t right_first) const {
    std::vector<JoinKey> keys;
    for (size_t i = 0; i < size(); ++i) {
      keys.push_back({domain_column(i, left_first), domain_column(i, right_first), true});
    }
    return keys;
  }

  // `first`: where the domain's columns are.
  BoundExpressionPtr inner(const BoundExpressionPtr& expression, size_t first) const {
    return replace_outer_columns(expression, [&](const BoundExpression& column) {
      if (column.outer_level != 0) {
        return bound_outer_column(column.outer_level, column.column, column.type, column.name);
      }
      const auto found = std::find(domain_.columns.begin(), domain_.columns.end(), column.column);
      VELARIA_CHECK(found != domain_.columns.end());
      return domain_column(static_cast<size_t>(found - domain_.columns.begin()), first);
    });
  }

  PlanPtr push_project(const ProjectPlan& project) const {
    const size_t below = project.child()->schema().size();
    std::vector<BoundExpressionPtr> expressions;
    std::vector<std::string> names = project.schema().names();
    for (const auto& e : project.expressions()) expressions.push_back(inner(e, below));
    for (size_t i = 0; i < size(); ++i) {
      expressions.push_back(domain_column(i, below));
      names.push_back(field(i).name);
    }
    return std::make_shared<ProjectPlan>(push(project.child()), std::move(expressions),
                                         std::move(names));
  }

  PlanPtr push_aggregate(const AggregatePlan& aggregate) const {
    const size_t below = aggregate.child()->schema().size();
    const size_t old_keys = aggregate.keys().size();
    std::vector<BoundExpressionPtr> keys;
    std::vector<std::string> names = aggregate.key_names();
    for (const auto& key : aggregate.keys()) keys.push_back(inner(key, below));
    for (size_t i = 0; i < size(); ++i) {
      keys.push_back(domain_column(i, below));
      names.push_back(field(i).name);
    }
    std::vector<BoundAggregate> aggregates;
    for (const BoundAggregate& one : aggregate.aggregates()) {
      aggregates.push_back(
          map_expressions(one, [&](const BoundExpressionPtr& e) { return inner(e, below); }));
    }
    const PlanPtr grouped = std::make_shared<AggregatePlan>(
        push(aggregate.child()), std::move(keys), std::move(names), aggregates);
    if (old_keys > 0) return with_domain_behind(grouped, old_keys);

    // Without keys there is a row for every outer value, also over no rows.
    const PlanPtr all = std::make_shared<JoinPlan>(domain_.plan, grouped, JoinType::kLeft,
                                                   domain_keys(0, 0), nullptr);
    std::vector<BoundExpressionPtr> expressions;
    std::vector<std::string> output_names;
    for (size_t a = 0; a < aggregates.size(); ++a) {
      const Field& output = aggregate.schema().field(a);
      BoundExpressionPtr value = bound_column(2 * size() + a, output.type, output.name);
      const Value empty = value_over_no_rows(aggregates[a]);
      if (!empty.is_null()) {
        value = FunctionRegistry::builtin().bind("coalesce", {value, bound_constant(empty)});
      }
      expressions.push_back(std::move(value));
      output_names.push_back(output.name);
    }
    for (size_t i = 0; i < size(); ++i) {
      expressions.push_back(domain_column(i, 0));
      output_names.push_back(field(i).name);
    }
    return std::make_shared<ProjectPlan>(all, std::move(expressions), std::move(output_names));
  }

  // The domain's columns behind the aggregates instead of behind the other keys.
  PlanPtr with_domain_behind(const PlanPtr& grouped, size_t old_keys) const {
    const Schema& schema = grouped->schema();
    std::vector<BoundExpressionPtr> expressions;
    for (size_t i = 0; i < schema.size(); ++i) {
      if (i >= old_keys && i < old_keys + size()) continue;
      expressions.push_back(bound_column(i, schema.field(i).type, schema.field(i).name));
    }
    for (auto& value : values_of_keys(domain_, schema, old_keys)) {
      expressions.push_back(std::move(value));
    }
    std::vector<std::string> names;
    for (size_t i = 0; i + size() < schema.size(); ++i) names.push_back(expressions[i]->name);
    for (size_t i = 0; i < size(); ++i) names.push_back(field(i).name);
    return std::make_shared<ProjectPlan>(grouped, std::move(expressions), std::move(names));
  }

  PlanPtr push_join(const JoinPlan& join) const {
    if (join.type() == JoinType::kRight || join.type() == JoinType::kFull ||
        join.type() == JoinType::kRightSemi || join.type() == JoinType::kRightAnti) {
      refuse(concat("a ", join_type_name(join.type()), " join"));
    }
    const size_t left_width = join.left()->schema().size();
    const size_t right_width = join.right()->schema().size();
    const bool right_too = is_correlated(*join.right());
    if (join.type() == JoinType::kInner && right_too && !is_correlated(*join.left())) {
      return push_inner_right(join);
    }
    // The left side carries the domain; the right side too when it reads outer columns.
    const PlanPtr left = push(join.left());
    const PlanPtr right = right_too ? push(join.right()) : join.right();
    const auto move = [&](const BoundExpressionPtr& e) {
      return inner(replace_columns(e,
                                   [&](const BoundExpression& column) {
                                     const size_t moved = column.column < left_width ? 0 : size();
                                     return bound_column(column.column + moved, column.type,
                                                         column.name);
                                   }),
                   left_width);
    };
    std::vector<JoinKey> keys;
    std::vector<BoundExpressionPtr> conditions;
    for (const JoinKey& key : join.keys()) {
      if (is_correlated(*key.right)) {
        conditions.push_back(move(key_condition(key, left_width)));
      } else {
        keys.push_back({inner(key.left, left_width), key.right, key.null_equals_null});
      }
    }
    if (join.condition()) conditions.push_back(move(join.condition()));
    if (right_too) {
      for (JoinKey& key : domain_keys(left_width, right_width)) keys.push_back(std::move(key));
    }
    if (join.null_aware() && (keys.size() != 1 || !conditions.empty())) {
      refuse("[NOT] IN over a further subquery that reads columns from outside");
    }
    const PlanPtr joined = std::make_shared<JoinPlan>(left, right, join.type(), std::move(keys),
                                                      all_of(std::move(conditions)),
                                                      join.null_aware(), join.mark_name());
    std::vector<size_t> order(left_width);
    std::iota(order.begin(), order.end(), size_t{0});
    const size_t after_left = left_width + size();
    if (gives_right_columns(join.type())) {
      for (size_t i = 0; i < right_width; ++i) order.push_back(after_left + i);
    } else if (join.type() == JoinType::kMark) {
      order.push_back(after_left);
    }
    for (size_t i = 0; i < size(); ++i) order.push_back(left_width + i);
    return pick_columns(joined, order);
  }

  // The columns stay where they are, and the domain comes behind them anyway.
  PlanPtr push_inner_right(const JoinPlan& join) const {
    const size_t left_width = join.left()->schema().size();
    const size_t right_width = join.right()->schema().size();
    std::vector<JoinKey> keys;
    std::vector<BoundExpressionPtr> conditions;
    for (const JoinKey& key : join.keys()) {
      if (is_correlated(*key.left) || is_correlated(*key.right)) {
        conditions.push_back(inner(key_condition(key, left_width), left_width + right_width));
      } else {
        keys.push_back(key);
      }
    }
    if (join.condition()) conditions.push_back(inner(join.condition(), left_width + right_width));
    return std::make_shared<JoinPlan>(join.left(), push(join.right()), JoinType::kInner,
                                      std::move(keys), all_of(std::move(conditions)));
  }

  PlanPtr push_window(const WindowPlan& window) const {
    const size_t below = window.child()->schema().size();
    const auto move = [&](const BoundExpressionPtr& e) { return inner(e, below); };
    std::vector<BoundExpressionPtr> partition_by;
    for (const auto& e : window.partition_by()) partition_by.push_back(move(e));
    for (size_t i = 0; i < size(); ++i) partition_by.push_back(domain_column(i, below));
    std::vector<BoundSortKey> order_by = window.order_by();
    for (BoundSortKey& key : order_by) key.expression = move(key.expression);
    std::vector<BoundWindowFunction> functions;
    for (const auto& function : window.functions()) {
      functions.push_back(map_expressions(function, move));
    }
    const size_t count = functions.size();
    const PlanPtr windowed = std::make_shared<WindowPlan>(
        push(window.child()), std::move(partition_by), std::move(order_by), std::move(functions));
    std::vector<size_t> order(below);
    std::iota(order.begin(), order.end(), size_t{0});
    for (size_t f = 0; f < count; ++f) order.push_back(below + size() + f);
    for (size_t i = 0; i < size(); ++i) order.push_back(below + i);
    return pick_columns(windowed, order);
  }

  // The first rows for each outer value: row_number() says which.
  PlanPtr push_limit(const PlanPtr& input, const std::vector<SortItem>& items,
                     std::optional<int64_t> limit, int64_t offset) const {
    const size_t width = input->schema().size();
    const PlanPtr child = push(input);
    std::vector<BoundExpressionPtr> partition_by;
    for (size_t i = 0; i < size(); ++i) partition_by.push_back(domain_column(i, width));
    std::vector<BoundSortKey> order_by;
    for (const SortItem& item : items) {
      const Field& key = input->schema().field(item.column);
      order_by.push_back(
          {bound_column(item.column, key.type, key.name), item.descending, item.nulls_first});
    }
    BoundWindowFunction row_number;
    row_number.kind = WindowFunctionKind::kRowNumber;
    row_number.result_type = DataType(TypeId::kInt64);
    const PlanPtr numbered =
        std::make_shared<WindowPlan>(child, std::move(partition_by), std::move(order_by),
                                     std::vector<BoundWindowFunction>{row_number});
    const auto number = bound_column(width + size(), DataType(TypeId::kInt64), "row_number()");
    const FunctionRegistry& functions = FunctionRegistry::builtin();
    std::vector<BoundExpressionPtr> kept{
        functions.bind(">", {number, bound_constant(Value::int64(offset))})};
    int64_t last = 0;
    if (limit && !__builtin_add_overflow(*limit, offset, &last)) {
      kept.push_back(functions.bind("<=", {number, bound_constant(Value::int64(last))}));
    }
    std::vector<size_t> columns(width + size());
    std::iota(columns.begin(), columns.end(), size_t{0});
    return pick_columns(std::make_shared<FilterPlan>(numbered, all_of(std::move(kept))), columns);
  }

  const OuterDomain& domain_;
};

}  // namespace

OuterDomain make_outer_domain(const PlanPtr& outer, const LogicalPlan& subquery) {
  OuterDomain out;
  visit_plan_outer_columns(subquery, [&](const BoundExpression& column) {
    if (column.outer_level != 0) return;
    if (std::find(out.columns.begin(), out.columns.end(), column.column) == out.columns.end()) {
      out.columns.push_back(column.column);
    }
  });
  std::sort(out.columns.begin(), out.columns.end());
  for (const size_t column : out.columns) {
    const Field& field = outer->schema().field(column);
    out.values.push_back(bound_column(column, field.type, field.name));
  }
  for (size_t i = 0; i < out.columns.size(); ++i) {
    if (has_equals_that_differ(out.values[i]->type)) out.values.push_back(form_of(out.values[i]));
  }
  std::vector<std::string> names;
  for (const BoundExpressionPtr& value : out.values) names.push_back(value->to_string());
  out.plan =
      std::make_shared<AggregatePlan>(outer, out.values, names, std::vector<BoundAggregate>());
  if (out.values.size() > out.columns.size()) {
    const Schema keys = out.plan->schema();
    out.plan =
        std::make_shared<ProjectPlan>(out.plan, values_of_keys(out, keys, 0), std::move(names));
  }
  return out;
}

PlanPtr push_outer_domain(const PlanPtr& plan, const OuterDomain& domain) {
  return DomainPusher(domain).push(plan);
}

}  // namespace velaria
