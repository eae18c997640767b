#include "src/expr/aggregate.h"

#include "src/base/text.h"

namespace velaria {

std::string_view aggregate_name(AggregateKind kind) {
  switch (kind) {
    case AggregateKind::kCountRows:
    case AggregateKind::kCount: return "count";
    case AggregateKind::kSum: return "sum";
    case AggregateKind::kAvg: return "avg";
    case AggregateKind::kMin: return "min";
    case AggregateKind::kMax: return "max";
  }
  return "";
}

std::optional<DataType> aggregate_result_type(AggregateKind kind, const DataType& argument) {
  switch (kind) {
    case AggregateKind::kCountRows:
    case AggregateKind::kCount: return DataType(TypeId::kInt64);
    case AggregateKind::kSum:
      if (argument.is_signed_integer() || argument.is_null()) return DataType(TypeId::kInt64);
      if (argument.is_unsigned_integer()) return DataType(TypeId::kUInt64);
      if (argument.is_float()) return DataType(TypeId::kFloat64);
      if (argument.id() == TypeId::kDecimal128) return DataType::decimal(38, argument.scale());
      return std::nullopt;
    case AggregateKind::kAvg:
      if (argument.is_numeric() || argument.is_null()) return DataType(TypeId::kFloat64);
      return std::nullopt;
    case AggregateKind::kMin:
    case AggregateKind::kMax:
      if (argument.is_vector()) return std::nullopt;
      return argument;
  }
  return std::nullopt;
}

std::string BoundSortKey::to_string() const {
  return concat(expression->to_string(), descending ? " desc" : "",
                nulls_first ? " nulls first" : "");
}

std::string BoundAggregate::to_string() const {
  std::vector<std::string> parts;
  for (const auto& argument : arguments) parts.push_back(argument->to_string());
  std::string out = concat(aggregate_name(kind), "(", distinct ? "DISTINCT " : "",
                           arguments.empty() ? "*" : join_texts(parts, ", "));
  if (!order_by.empty()) {
    std::vector<std::string> keys;
    for (const BoundSortKey& key : order_by) keys.push_back(key.to_string());
    out += " ORDER BY " + join_texts(keys, ", ");
  }
  out += ")";
  if (filter) out += concat(" FILTER (WHERE ", filter->to_string(), ")");
  return out;
}

bool same_aggregate(const BoundAggregate& a, const BoundAggregate& b) {
  if (a.kind != b.kind || a.arguments.size() != b.arguments.size() || a.distinct != b.distinct ||
      a.order_by.size() != b.order_by.size() || !a.filter != !b.filter ||
      a.result_type != b.result_type) {
    return false;
  }
  for (size_t i = 0; i < a.arguments.size(); ++i) {
    if (!same_expression(*a.arguments[i], *b.arguments[i])) return false;
  }
  for (size_t i = 0; i < a.order_by.size(); ++i) {
    if (a.order_by[i].descending != b.order_by[i].descending ||
        a.order_by[i].nulls_first != b.order_by[i].nulls_first ||
        !same_expression(*a.order_by[i].expression, *b.order_by[i].expression)) {
      return false;
    }
  }
  return !a.filter || same_expression(*a.filter, *b.filter);
}

Value value_over_no_rows(const BoundAggregate& aggregate) {
  if (aggregate.kind == AggregateKind::kCountRows || aggregate.kind == AggregateKind::kCount) {
    return Value::int64(0);
  }
  return Value::null(aggregate.result_type);
}

void visit_expressions(const BoundAggregate& aggregate,
                       const std::function<void(const BoundExpression&)>& f) {
  for (const auto& argument : aggregate.arguments) f(*argument);
  for (const BoundSortKey& key : aggregate.order_by) f(*key.expression);
  if (aggregate.filter) f(*aggregate.filter);
}

BoundAggregate map_expressions(
    BoundAggregate aggregate,
    const std::function<BoundExpressionPtr(const BoundExpressionPtr&)>& f) {
  for (BoundExpressionPtr& argument : aggregate.arguments) argument = f(argument);
  for (BoundSortKey& key : aggregate.order_by) key.expression = f(key.expression);
  if (aggregate.filter) aggregate.filter = f(aggregate.filter);
  return aggregate;
}

}  // namespace velaria
