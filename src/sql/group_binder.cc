#include "src/sql/group_binder.h"

#include "src/base/error.h"
#include "src/base/text.h"

namespace velaria::sql {

BoundAggregate make_bound_aggregate(std::string_view name, BoundExpressionPtr argument) {
  BoundAggregate aggregate;
  if (equals_ignore_case(name, "count")) {
    aggregate.kind = argument ? AggregateKind::kCount : AggregateKind::kCountRows;
  } else if (equals_ignore_case(name, "sum")) {
    aggregate.kind = AggregateKind::kSum;
  } else if (equals_ignore_case(name, "avg")) {
    aggregate.kind = AggregateKind::kAvg;
  } else if (equals_ignore_case(name, "min")) {
    aggregate.kind = AggregateKind::kMin;
  } else {
    VELARIA_CHECK(equals_ignore_case(name, "max"));
    aggregate.kind = AggregateKind::kMax;
  }
  if (!argument && aggregate.kind != AggregateKind::kCountRows) {
    throw Error(ErrorKind::kSqlSemantic, concat(name, "() needs an argument"));
  }
  const auto type = aggregate_result_type(aggregate.kind, argument ? argument->type : DataType());
  if (!type) {
    throw Error(
        ErrorKind::kTypeMismatch,
        concat(name, "() is not possible over ", excerpt(argument->to_string(), 80), ", which is ",
               argument->type.to_string(), "; cast it: CAST(... AS DOUBLE)"));
  }
  aggregate.result_type = type->is_null() ? DataType(TypeId::kUtf8) : *type;
  // A bare NULL takes a type that the accumulators know.
  if (argument && argument->type.is_null() && aggregate.kind != AggregateKind::kCount) {
    argument = bound_cast(argument, aggregate.result_type);
  }
  if (argument) aggregate.arguments.push_back(std::move(argument));
  return aggregate;
}

BoundExpressionPtr GroupBinder::intercept(const Expression& expression) {
  if (expression.kind == ExpressionKind::kCall && is_aggregate_name(expression.name) &&
      !expression.over) {
    return bind_aggregate(expression);
  }
  if (contains_aggregate(expression)) return nullptr;
  if (expression.kind == ExpressionKind::kLiteral) return nullptr;
  // A part that is exactly a key is that key's column, whatever is inside it.
  BoundExpressionPtr over_input;
  try {
    ExpressionBinder input_binder(scope());
    input_binder.set_context(key_context_);
    input_binder.set_statement_time_us(statement_time_us());
    over_input = input_binder.bind(expression);
  } catch (const Error&) {
    return nullptr;  // binding its parts gives the error with its place
  }
  for (size_t k = 0; k < keys_.size(); ++k) {
    if (same_expression(*keys_[k], *over_input)) {
      return bound_column(k, keys_[k]->type, keys_[k]->to_string());
    }
  }
  return nullptr;
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
  const std::string name = to_lower_ascii(expression.name);
  if (expression.distinct) {
    throw Error(ErrorKind::kSqlUnsupported,
                concat(name,
                       "(DISTINCT ...) is not supported; count the rows of a SELECT DISTINCT "
                       "subquery"));
  }
  if (!expression.order_by.empty()) {
    throw Error(ErrorKind::kSqlUnsupported,
                concat("ORDER BY inside ", name, "() is not supported"));
  }
  if (expression.children.size() > 1) {
    throw Error(ErrorKind::kSqlSemantic, concat(name, "() takes one argument, but ",
                                                expression.children.size(), " are given"));
  }
  ExpressionBinder input_binder(scope());
  input_binder.set_context(argument_context_);
  input_binder.set_statement_time_us(statement_time_us());
  BoundExpressionPtr argument;
  const bool star =
      !expression.children.empty() && expression.children[0]->kind == ExpressionKind::kStar;
  if (star && name != "count") {
    throw Error(ErrorKind::kSqlSemantic, concat(name, "(*) is not possible; name a column"));
  }
  if (!star && !expression.children.empty()) {
    if (contains_aggregate(*expression.children[0])) {
      throw Error(ErrorKind::kSqlSemantic,
                  concat("an aggregate cannot contain another one: ", expression.to_string()));
    }
    argument = input_binder.bind(*expression.children[0]);
  }
  BoundAggregate aggregate = make_bound_aggregate(name, std::move(argument));
  if (expression.filter) {
    aggregate.filter = bind_condition(input_binder, *expression.filter, "FILTER");
  }
  size_t index = 0;
  while (index < aggregates_.size() && !same_aggregate(aggregates_[index], aggregate)) ++index;
  if (index == aggregates_.size()) aggregates_.push_back(aggregate);
  return bound_column(keys_.size() + index, aggregate.result_type, aggregate.to_string());
}

}  // namespace velaria::sql
