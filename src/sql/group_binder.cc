#include "src/sql/group_binder.h"

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/expr/aggregate_registry.h"
#include "src/sql/grouping_sets.h"

namespace velaria::sql {

namespace {

bool is_grouping_call(const Expression& expression) {
  return expression.kind == ExpressionKind::kCall && !expression.quoted && !expression.over &&
         equals_ignore_case(expression.name, "grouping");
}

}  // namespace

BoundAggregate make_bound_aggregate(std::string_view name, BoundExpressionPtr argument) {
  AggregateCall call;
  call.name = name;
  call.star = argument == nullptr;
  if (argument) call.arguments.push_back(std::move(argument));
  return AggregateRegistry::builtin().bind(std::move(call));
}

BoundAggregate bind_aggregate_call(const Expression& expression, ExpressionBinder& input) {
  AggregateCall call;
  call.name = to_lower_ascii(expression.name);
  call.distinct = expression.distinct;
  const auto bind_part = [&](const Expression& part) {
    // The argument of a window function may: the aggregate is computed below the window.
    if (!expression.over && contains_aggregate(part)) {
      throw Error(ErrorKind::kSqlSemantic,
                  concat("an aggregate cannot contain another one: ", expression.to_string()));
    }
    return input.bind(part);
  };
  for (const ExpressionPtr& child : expression.children) {
    if (child->kind == ExpressionKind::kStar) {
      call.star = true;
    } else {
      call.arguments.push_back(bind_part(*child));
    }
  }
  for (const SortKey& key : expression.order_by) {
    call.order_by.push_back(
        {bind_part(*key.expression), key.descending, key.nulls_first.value_or(false)});
  }
  if (expression.filter) {
    if (!expression.over && contains_aggregate(*expression.filter)) {
      throw Error(ErrorKind::kSqlSemantic,
                  concat("FILTER cannot contain an aggregate: ", expression.to_string()));
    }
    call.filter = bind_condition(input, *expression.filter, "FILTER");
  }
  return AggregateRegistry::builtin().bind(std::move(call));
}

BoundExpressionPtr GroupBinder::bind_item(const Expression& item) {
  // A constant that is a whole item may be a key, too, by its position. In others the same number
  // means itself.
  if (has_sets_ && item.kind == ExpressionKind::kLiteral) {
    if (const auto key = find_key(item)) {
      return bound_column(*key, keys_[*key]->type, keys_[*key]->to_string());
    }
  }
  return bind(item);
}

BoundExpressionPtr GroupBinder::intercept(const Expression& expression) {
  if (expression.kind == ExpressionKind::kCall && is_aggregate_name(expression.name) &&
      !expression.over) {
    return bind_aggregate(expression);
  }
  if (is_grouping_call(expression)) return bind_grouping(expression);
  if (contains_aggregate(expression)) return nullptr;
  if (expression.kind == ExpressionKind::kLiteral) return nullptr;
  // A part that is exactly a key is that key's column, whatever is inside it.
  if (const auto key = find_key(expression)) {
    return bound_column(*key, keys_[*key]->type, keys_[*key]->to_string());
  }
  return nullptr;
}

std::optional<size_t> GroupBinder::find_key(const Expression& expression) const {
  BoundExpressionPtr over_input;
  try {
    ExpressionBinder input_binder(scope());
    input_binder.set_context(key_context_);
    input_binder.set_statement_time_us(statement_time_us());
    input_binder.set_user_functions(user_functions());
    over_input = input_binder.bind(expression);
  } catch (const Error&) {
    return std::nullopt;  // binding its parts gives the error with its place
  }
  for (size_t k = 0; k < keys_.size(); ++k) {
    if (same_expression(*keys_[k], *over_input)) return k;
  }
  return std::nullopt;
}

BoundExpressionPtr GroupBinder::bind_grouping(const Expression& call) {
  std::vector<size_t> keys;
  for (const ExpressionPtr& child : call.children) {
    const auto key = find_key(*child);
    if (!key) {
      throw Error(ErrorKind::kSqlSemantic,
                  concat("GROUPING(", child->to_string(), "): ", child->to_string(),
                         " is not an expression of GROUP BY"));
    }
    keys.push_back(*key);
  }
  if (!has_sets_) return bound_constant(Value::int64(0));
  return grouping_number(bound_column(keys_.size(), DataType(TypeId::kInt64), "keys left out"),
                         keys);
}

BoundExpressionPtr GroupBinder::bind_column(const Expression& expression) {
  if (context() != nullptr && !scope().find(expression)) {
    if (BoundExpressionPtr outer = context()->outer_column(expression)) return outer;
  }
  scope().resolve(expression);  // an unknown column is the better error
  throw Error(
      ErrorKind::kSqlSemantic,
      concat("column '", expression.name,
             "' must be in GROUP BY or inside an aggregate such as min(", expression.name, ")"));
}

BoundExpressionPtr GroupBinder::bind_aggregate(const Expression& expression) {
  ExpressionBinder input_binder(scope());
  input_binder.set_context(argument_context_);
  input_binder.set_statement_time_us(statement_time_us());
  input_binder.set_user_functions(user_functions());
  BoundAggregate aggregate = bind_aggregate_call(expression, input_binder);
  // By the standard such an aggregate belongs to the query around this one.
  bool has_own_columns = false;
  bool has_outer_columns = false;
  const auto look_at = [&](const BoundExpressionPtr& part) {
    visit_columns(*part, [&](size_t column) {
      const bool of_subquery = argument_context_ != nullptr &&
                               argument_context_->visit_subquery_levels(column, [&](size_t level) {
                                 (level == 1 ? has_own_columns : has_outer_columns) = true;
                               });
      if (!of_subquery) has_own_columns = true;
    });
    visit_outer_columns(*part, [&](const BoundExpression&) { has_outer_columns = true; });
  };
  for (const BoundExpressionPtr& argument : aggregate.arguments) look_at(argument);
  if (aggregate.filter) look_at(aggregate.filter);
  if (has_outer_columns && !has_own_columns) {
    throw Error(ErrorKind::kSqlUnsupported,
                concat(aggregate.to_string(),
                       " is over columns of the surrounding query only; compute it there, in a "
                       "derived table, and use its result here"));
  }
  size_t index = 0;
  while (index < aggregates_.size() && !same_aggregate(aggregates_[index], aggregate)) ++index;
  if (index == aggregates_.size()) aggregates_.push_back(aggregate);
  return bound_column(keys_.size() + (has_sets_ ? 1 : 0) + index, aggregate.result_type,
                      aggregate.to_string());
}

}  // namespace velaria::sql
