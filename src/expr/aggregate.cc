#include "src/expr/aggregate.h"

#include <algorithm>

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
    case AggregateKind::kBoolAnd: return "bool_and";
    case AggregateKind::kBoolOr: return "bool_or";
    case AggregateKind::kBitAnd: return "bit_and";
    case AggregateKind::kBitOr: return "bit_or";
    case AggregateKind::kBitXor: return "bit_xor";
    case AggregateKind::kProduct: return "product";
    case AggregateKind::kVarSamp: return "var_samp";
    case AggregateKind::kVarPop: return "var_pop";
    case AggregateKind::kStddevSamp: return "stddev_samp";
    case AggregateKind::kStddevPop: return "stddev_pop";
    case AggregateKind::kCovarSamp: return "covar_samp";
    case AggregateKind::kCovarPop: return "covar_pop";
    case AggregateKind::kCorr: return "corr";
    case AggregateKind::kRegrCount: return "regr_count";
    case AggregateKind::kRegrAvgX: return "regr_avgx";
    case AggregateKind::kRegrAvgY: return "regr_avgy";
    case AggregateKind::kRegrSxx: return "regr_sxx";
    case AggregateKind::kRegrSyy: return "regr_syy";
    case AggregateKind::kRegrSxy: return "regr_sxy";
    case AggregateKind::kRegrSlope: return "regr_slope";
    case AggregateKind::kRegrIntercept: return "regr_intercept";
    case AggregateKind::kRegrR2: return "regr_r2";
    case AggregateKind::kQuantileCont: return "quantile_cont";
    case AggregateKind::kQuantileDisc: return "quantile_disc";
    case AggregateKind::kMode: return "mode";
    case AggregateKind::kStringAgg: return "string_agg";
    case AggregateKind::kAnyValue: return "any_value";
    case AggregateKind::kFirst: return "first";
    case AggregateKind::kLast: return "last";
    case AggregateKind::kArgMin: return "arg_min";
    case AggregateKind::kArgMax: return "arg_max";
    case AggregateKind::kApproxCountDistinct: return "approx_count_distinct";
  }
  return "";
}

bool is_pair_statistic(AggregateKind kind) {
  return kind >= AggregateKind::kCovarSamp && kind <= AggregateKind::kRegrR2;
}

namespace {

// Of an average, which has more digits than its values.
DataType wider_decimal(const DataType& type) {
  return DataType::decimal(38, std::min(38, type.scale() + 4));
}

std::optional<DataType> sum_type(const DataType& argument) {
  if (argument.is_signed_integer() || argument.is_null()) return DataType(TypeId::kInt64);
  if (argument.is_unsigned_integer()) return DataType(TypeId::kUInt64);
  if (argument.is_float()) return DataType(TypeId::kFloat64);
  if (argument.id() == TypeId::kDecimal128) return DataType::decimal(38, argument.scale());
  if (argument.id() == TypeId::kInterval) return argument;
  return std::nullopt;
}

std::optional<DataType> average_type(const DataType& argument) {
  if (argument.id() == TypeId::kDecimal128) return wider_decimal(argument);
  if (argument.is_numeric() || argument.is_null()) return DataType(TypeId::kFloat64);
  if (argument.id() == TypeId::kInterval) return argument;
  return std::nullopt;
}

std::optional<DataType> continuous_type(const DataType& argument) {
  if (argument.id() == TypeId::kDate32) return DataType::timestamp(TimeUnit::kMicro);
  if (argument.id() == TypeId::kTime64 || argument.id() == TypeId::kTimestamp) return argument;
  if (argument.id() == TypeId::kInterval) return std::nullopt;
  return average_type(argument);
}

}  // namespace

std::optional<DataType> aggregate_result_type(AggregateKind kind, const DataType& argument) {
  const DataType int64(TypeId::kInt64);
  const DataType float64(TypeId::kFloat64);
  switch (kind) {
    case AggregateKind::kCountRows:
    case AggregateKind::kCount:
    case AggregateKind::kApproxCountDistinct: return int64;
    case AggregateKind::kSum: return sum_type(argument);
    case AggregateKind::kAvg: return average_type(argument);
    case AggregateKind::kQuantileCont: return continuous_type(argument);
    case AggregateKind::kMin:
    case AggregateKind::kMax:
    case AggregateKind::kQuantileDisc:
      if (argument.is_vector()) return std::nullopt;
      return argument;
    case AggregateKind::kMode:
    case AggregateKind::kAnyValue:
    case AggregateKind::kFirst:
    case AggregateKind::kLast:
    case AggregateKind::kArgMin:
    case AggregateKind::kArgMax: return argument;
    case AggregateKind::kBoolAnd:
    case AggregateKind::kBoolOr:
      if (argument.id() == TypeId::kBool || argument.is_null()) return DataType(TypeId::kBool);
      return std::nullopt;
    case AggregateKind::kBitAnd:
    case AggregateKind::kBitOr:
    case AggregateKind::kBitXor:
      if (argument.is_null()) return int64;
      if (argument.is_integer()) return argument;
      return std::nullopt;
    case AggregateKind::kProduct:
      if (argument.is_integer() || argument.is_float() || argument.is_null()) return float64;
      return std::nullopt;
    case AggregateKind::kStringAgg:
      if (argument.id() == TypeId::kUtf8 || argument.is_null()) return DataType(TypeId::kUtf8);
      return std::nullopt;
    case AggregateKind::kRegrCount:
      if (argument.is_numeric() || argument.is_null()) return int64;
      return std::nullopt;
    case AggregateKind::kVarSamp:
    case AggregateKind::kVarPop:
    case AggregateKind::kStddevSamp:
    case AggregateKind::kStddevPop:
    case AggregateKind::kCovarSamp:
    case AggregateKind::kCovarPop:
    case AggregateKind::kCorr:
    case AggregateKind::kRegrAvgX:
    case AggregateKind::kRegrAvgY:
    case AggregateKind::kRegrSxx:
    case AggregateKind::kRegrSyy:
    case AggregateKind::kRegrSxy:
    case AggregateKind::kRegrSlope:
    case AggregateKind::kRegrIntercept:
    case AggregateKind::kRegrR2:
      if (argument.is_numeric() || argument.is_null()) return float64;
      return std::nullopt;
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
  for (const Value& parameter : parameters) parts.push_back(parameter.to_sql());
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
      a.parameters != b.parameters || a.result_type != b.result_type) {
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
  switch (aggregate.kind) {
    case AggregateKind::kCountRows:
    case AggregateKind::kCount:
    case AggregateKind::kRegrCount:
    case AggregateKind::kApproxCountDistinct: return Value::int64(0);
    default: return Value::null(aggregate.result_type);
  }
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
