#include "src/expr/aggregate_registry.h"

#include <algorithm>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/expr/evaluator.h"

namespace velaria {

namespace {

using Kind = AggregateKind;

// "general" in the order in which people look for them.
std::vector<AggregateDefinition> all_definitions() {
  const auto one = [](const char* name, std::vector<std::string> aliases, const char* group,
                      const char* signature, Kind kind, DistinctRule distinct,
                      const char* summary) {
    AggregateDefinition out;
    out.name = name;
    out.aliases = std::move(aliases);
    out.group = group;
    out.signature = signature;
    out.summary = summary;
    out.kind = kind;
    out.distinct = distinct;
    return out;
  };
  const auto with_arguments = [](AggregateDefinition definition, size_t least, size_t most,
                                 OrderRule order = OrderRule::kIgnored) {
    definition.least_arguments = least;
    definition.most_arguments = most;
    definition.order = order;
    return definition;
  };
  const auto pair = [&](const char* name, Kind kind, const char* summary) {
    const std::string signature = concat(name, "(y, x)");
    return with_arguments(
        one(name, {}, "statistics", signature.c_str(), kind, DistinctRule::kCounts, summary), 2, 2);
  };
  constexpr DistinctRule kCounts = DistinctRule::kCounts;
  constexpr DistinctRule kNoEffect = DistinctRule::kNoEffect;
  constexpr DistinctRule kRefused = DistinctRule::kRefused;
  constexpr size_t kMostDistinct = 64;
  return {
      with_arguments(one("count", {}, "general", "count(*) or count([DISTINCT] x [, y ...])",
                         Kind::kCount, kCounts,
                         "Rows, or values that are not NULL; DISTINCT of several arguments counts "
                         "the combinations without a NULL"),
                     1, kMostDistinct),
      one("sum", {}, "general", "sum(x)", Kind::kSum, kCounts,
          "The sum: int64, uint64, float64, decimal(38, s) or interval; checked"),
      one("avg", {"mean"}, "general", "avg(x)", Kind::kAvg, kCounts,
          "The average: float64; of decimal(p, s) decimal(38, s + 4), rounded half away from zero"),
      one("min", {}, "general", "min(x)", Kind::kMin, kNoEffect, "The smallest value"),
      one("max", {}, "general", "max(x)", Kind::kMax, kNoEffect, "The largest value; NaN is one"),
      one("count_if", {"countif"}, "general", "count_if(condition)", Kind::kCountRows, kRefused,
          "Rows for which the condition is true"),
      one("bool_and", {"every"}, "general", "bool_and(x)", Kind::kBoolAnd, kNoEffect,
          "Whether all values are true"),
      one("bool_or", {}, "general", "bool_or(x)", Kind::kBoolOr, kNoEffect,
          "Whether some value is true"),
      one("bit_and", {}, "general", "bit_and(x)", Kind::kBitAnd, kNoEffect,
          "The bits that are set in all integers"),
      one("bit_or", {}, "general", "bit_or(x)", Kind::kBitOr, kNoEffect,
          "The bits that are set in some integer"),
      one("bit_xor", {}, "general", "bit_xor(x)", Kind::kBitXor, kCounts,
          "The bits that are set in an odd number of integers"),
      one("product", {}, "general", "product(x)", Kind::kProduct, kCounts,
          "The product, as float64"),
      with_arguments(
          one("string_agg", {"listagg", "group_concat"}, "general",
              "string_agg([DISTINCT] x [, separator] [ORDER BY ...])", Kind::kStringAgg, kCounts,
              "The texts one after the other; the separator is ',' if not said"),
          1, 2, OrderRule::kHonoured),
      with_arguments(one("any_value", {"arbitrary"}, "general", "any_value(x [ORDER BY ...])",
                         Kind::kAnyValue, kNoEffect, "The first value that is not NULL"),
                     1, 1, OrderRule::kHonoured),
      with_arguments(one("first", {}, "general", "first(x [ORDER BY ...])", Kind::kFirst, kRefused,
                         "The value of the first row, be it NULL"),
                     1, 1, OrderRule::kHonoured),
      with_arguments(one("last", {}, "general", "last(x [ORDER BY ...])", Kind::kLast, kRefused,
                         "The value of the last row, be it NULL"),
                     1, 1, OrderRule::kHonoured),
      with_arguments(one("arg_min", {"argmin", "min_by"}, "general", "arg_min(x, key)",
                         Kind::kArgMin, kNoEffect, "The x of the row with the smallest key"),
                     2, 2),
      with_arguments(one("arg_max", {"argmax", "max_by"}, "general", "arg_max(x, key)",
                         Kind::kArgMax, kNoEffect, "The x of the row with the largest key"),
                     2, 2),
      one("approx_count_distinct", {}, "general", "approx_count_distinct(x)",
          Kind::kApproxCountDistinct, kNoEffect,
          "About how many distinct values, in 4 KiB a group; standard error 1.6 %"),
      one("var_samp", {"variance"}, "statistics", "var_samp(x)", Kind::kVarSamp, kCounts,
          "The variance of a sample; NULL of fewer than two values"),
      one("var_pop", {}, "statistics", "var_pop(x)", Kind::kVarPop, kCounts,
          "The variance of all there is"),
      one("stddev_samp", {"stddev"}, "statistics", "stddev_samp(x)", Kind::kStddevSamp, kCounts,
          "The square root of var_samp"),
      one("stddev_pop", {}, "statistics", "stddev_pop(x)", Kind::kStddevPop, kCounts,
          "The square root of var_pop"),
      pair("covar_samp", Kind::kCovarSamp, "The covariance of a sample"),
      pair("covar_pop", Kind::kCovarPop, "The covariance of all there is"),
      pair("corr", Kind::kCorr, "Pearson's correlation; NULL when a side does not vary"),
      pair("regr_slope", Kind::kRegrSlope, "The slope of the least-squares line"),
      pair("regr_intercept", Kind::kRegrIntercept, "Where the least-squares line meets x = 0"),
      pair("regr_r2", Kind::kRegrR2, "The square of the correlation"),
      pair("regr_count", Kind::kRegrCount, "The pairs without a NULL"),
      pair("regr_avgx", Kind::kRegrAvgX, "The average x of the pairs"),
      pair("regr_avgy", Kind::kRegrAvgY, "The average y of the pairs"),
      pair("regr_sxx", Kind::kRegrSxx, "The sum of the squared distances of x from its average"),
      pair("regr_syy", Kind::kRegrSyy, "The sum of the squared distances of y from its average"),
      pair("regr_sxy", Kind::kRegrSxy, "The sum of the products of both distances"),
      one("median", {}, "order", "median(x)", Kind::kQuantileCont, kCounts,
          "The middle value, or the middle between two: quantile_cont(x, 0.5)"),
      with_arguments(
          one("quantile_cont", {}, "order", "quantile_cont(x, fraction)", Kind::kQuantileCont,
              kCounts, "The value at the fraction of the order, between two rows interpolated"),
          2, 2),
      with_arguments(one("quantile_disc", {"quantile"}, "order", "quantile_disc(x, fraction)",
                         Kind::kQuantileDisc, kCounts,
                         "The first value with at least the fraction of the values up to it"),
                     2, 2),
      with_arguments(
          one("percentile_cont", {}, "order", "percentile_cont(fraction) WITHIN GROUP (ORDER BY x)",
              Kind::kQuantileCont, kRefused, "quantile_cont as standard SQL writes it"),
          1, 1, OrderRule::kGivesValue),
      with_arguments(
          one("percentile_disc", {}, "order", "percentile_disc(fraction) WITHIN GROUP (ORDER BY x)",
              Kind::kQuantileDisc, kRefused, "quantile_disc as standard SQL writes it"),
          1, 1, OrderRule::kGivesValue),
      with_arguments(
          one("mode", {}, "order", "mode(x) or mode() WITHIN GROUP (ORDER BY x)", Kind::kMode,
              kRefused,
              "The most frequent value; of several the one that comes first in the rows, "
              "or in the order"),
          0, 1, OrderRule::kGivesValue),
  };
}

[[noreturn]] void refuse(const std::string& what) { throw Error(ErrorKind::kSqlSemantic, what); }

// The type a bare NULL is given, so that accumulators only meet types they know.
DataType type_of_null(Kind kind) {
  switch (kind) {
    case Kind::kSum:
    case Kind::kBitAnd:
    case Kind::kBitOr:
    case Kind::kBitXor: return DataType(TypeId::kInt64);
    case Kind::kBoolAnd:
    case Kind::kBoolOr: return DataType(TypeId::kBool);
    case Kind::kMin:
    case Kind::kMax:
    case Kind::kCount:
    case Kind::kMode:
    case Kind::kStringAgg:
    case Kind::kAnyValue:
    case Kind::kFirst:
    case Kind::kLast:
    case Kind::kArgMin:
    case Kind::kArgMax:
    case Kind::kQuantileDisc:
    case Kind::kApproxCountDistinct: return DataType(TypeId::kUtf8);
    default: return DataType(TypeId::kFloat64);
  }
}

// Those that give one of their values or only look whether there is one.
bool carries_nested(Kind kind) {
  switch (kind) {
    case Kind::kCount:
    case Kind::kAnyValue:
    case Kind::kFirst:
    case Kind::kLast:
    case Kind::kArgMin:
    case Kind::kArgMax: return true;
    default: return false;
  }
}

std::string hint_of(Kind kind, const DataType& type) {
  switch (kind) {
    case Kind::kBoolAnd:
    case Kind::kBoolOr: return "; compare it: x > 0";
    case Kind::kMin:
    case Kind::kMax: return "; aggregate something computed from it";
    case Kind::kQuantileCont:
    case Kind::kQuantileDisc:
      return type.is_vector() ? ""
                              : "; use quantile_disc(x, fraction), which gives one of the values";
    case Kind::kBitAnd:
    case Kind::kBitOr:
    case Kind::kBitXor: return "; cast it: CAST(... AS BIGINT)";
    case Kind::kSum:
      if (type.id() == TypeId::kBool) return "; use count_if(x)";
      break;
    default: break;
  }
  return "; cast it: CAST(... AS DOUBLE)";
}

Value constant_of(const BoundExpressionPtr& expression, std::string_view what,
                  std::string_view function) {
  const BoundExpressionPtr folded = fold_constants(expression);
  if (!folded->is_constant() || folded->constant.is_null()) {
    refuse(concat(what, " of ", function, "() must be a constant, but ",
                  excerpt(expression->to_string(), 80),
                  folded->is_constant() ? " is NULL" : " is not"));
  }
  return folded->constant;
}

Value fraction_of(const BoundExpressionPtr& expression, std::string_view function) {
  const DataType float64(TypeId::kFloat64);
  if (!expression->type.is_numeric() && !expression->type.is_null()) {
    throw Error(ErrorKind::kTypeMismatch,
                concat("the fraction of ", function, "() must be a number, but ",
                       excerpt(expression->to_string(), 80), " is ", expression->type.to_string()));
  }
  const Value value = constant_of(bound_cast(expression, float64), "the fraction", function);
  if (!(value.as_double() >= 0 && value.as_double() <= 1)) {
    refuse(
        concat("the fraction of ", function, "() must be from 0 to 1, but is ", value.to_string()));
  }
  return value;
}

Value separator_of(const BoundExpressionPtr& expression, std::string_view function) {
  if (expression->type.id() != TypeId::kUtf8 && !expression->type.is_null()) {
    throw Error(ErrorKind::kTypeMismatch,
                concat("the separator of ", function, "() must be text, but ",
                       excerpt(expression->to_string(), 80), " is ", expression->type.to_string()));
  }
  return constant_of(expression, "the separator", function);
}

// percentile_cont(f) WITHIN GROUP (ORDER BY x) becomes quantile_cont(x, f).
void take_value_from_order(const AggregateDefinition& definition, AggregateCall* call) {
  const bool mode = definition.kind == Kind::kMode;
  if (call->order_by.empty()) {
    if (mode && call->arguments.size() == 1) return;
    refuse(concat(definition.name, "() needs its values: write ", definition.signature));
  }
  if (call->order_by.size() > 1) {
    refuse(concat("WITHIN GROUP of ", definition.name, "() takes one expression, but ",
                  call->order_by.size(), " are given"));
  }
  if (mode && !call->arguments.empty()) {
    refuse(
        concat("mode() takes its values either as argument or by WITHIN GROUP (ORDER BY x), "
               "not both"));
  }
  call->arguments.insert(call->arguments.begin(), call->order_by[0].expression);
}

}  // namespace

const AggregateRegistry& AggregateRegistry::builtin() {
  static const auto* registry = new AggregateRegistry(all_definitions());
  return *registry;
}

const AggregateDefinition* AggregateRegistry::find(std::string_view name) const {
  for (const AggregateDefinition& definition : definitions_) {
    if (equals_ignore_case(definition.name, name)) return &definition;
    for (const std::string& alias : definition.aliases) {
      if (equals_ignore_case(alias, name)) return &definition;
    }
  }
  return nullptr;
}

std::vector<std::string> AggregateRegistry::names() const {
  std::vector<std::string> out;
  for (const AggregateDefinition& definition : definitions_) {
    out.push_back(definition.name);
    out.insert(out.end(), definition.aliases.begin(), definition.aliases.end());
  }
  return out;
}

BoundAggregate AggregateRegistry::bind(AggregateCall call) const {
  const AggregateDefinition* definition = find(call.name);
  if (definition == nullptr) {
    refuse(concat("aggregate '", excerpt(call.name), "' does not exist",
                  did_you_mean(call.name, names())));
  }
  const std::string& name = definition->name;
  BoundAggregate out;
  out.kind = definition->kind;
  out.filter = std::move(call.filter);
  if (call.star) {
    if (out.kind != Kind::kCount) refuse(concat(name, "(*) is not possible; name a column"));
    if (call.distinct) refuse("count(DISTINCT *) is not possible; name the columns");
    out.kind = Kind::kCountRows;
    out.result_type = DataType(TypeId::kInt64);
    return out;
  }
  const size_t given = call.arguments.size();
  if (given < definition->least_arguments || given > definition->most_arguments ||
      (out.kind == Kind::kCount && !call.distinct && given > 1)) {
    refuse(concat("wrong number of arguments: ", given, " given to ", definition->signature));
  }
  if (call.distinct && definition->distinct == DistinctRule::kRefused) {
    refuse(concat("DISTINCT is not possible in ", name, "()"));
  }
  if (definition->order == OrderRule::kGivesValue) take_value_from_order(*definition, &call);
  if (out.kind == Kind::kCountRows) {  // count_if
    BoundExpressionPtr condition = call.arguments[0];
    if (condition->type.id() != TypeId::kBool && !condition->type.is_null()) {
      throw Error(ErrorKind::kTypeMismatch,
                  concat(name, "() needs a condition, but ", excerpt(condition->to_string(), 100),
                         " is ", condition->type.to_string()));
    }
    condition = bound_cast(std::move(condition), DataType(TypeId::kBool));
    out.filter = out.filter ? bound_logic(BoundKind::kAnd, {out.filter, condition}) : condition;
    out.result_type = DataType(TypeId::kInt64);
    return out;
  }

  // What is the same for all rows.
  switch (out.kind) {
    case Kind::kQuantileCont:
    case Kind::kQuantileDisc: {
      const bool descending = !call.order_by.empty() && call.order_by[0].descending &&
                              definition->order == OrderRule::kGivesValue;
      const Value fraction =
          call.arguments.size() == 2 ? fraction_of(call.arguments[1], name) : Value::float64(0.5);
      call.arguments.resize(1);
      out.parameters = {fraction, Value::boolean(descending)};
      break;
    }
    case Kind::kMode:
      if (!call.order_by.empty()) {
        out.parameters = {Value::boolean(call.order_by[0].descending)};
      }
      break;
    case Kind::kStringAgg:
      out.parameters = {call.arguments.size() == 2 ? separator_of(call.arguments[1], name)
                                                   : Value::utf8(",")};
      call.arguments.resize(1);
      if (call.arguments[0]->type.id() != TypeId::kBinary) {
        call.arguments[0] = bound_cast(call.arguments[0], DataType(TypeId::kUtf8));
      }
      break;
    default: break;
  }

  const bool plain_count = out.kind == Kind::kCount && !call.distinct;
  for (size_t i = 0; i < call.arguments.size(); ++i) {
    BoundExpressionPtr& argument = call.arguments[i];
    const bool key = i == 1 && (out.kind == Kind::kArgMin || out.kind == Kind::kArgMax);
    if (argument->type.is_nested() && (key || call.distinct || !carries_nested(out.kind))) {
      refuse_nested(*argument, concat(name, call.distinct ? "(DISTINCT ...)" : "()"));
    }
    const auto type = key && argument->type.is_vector()
                          ? std::nullopt
                          : aggregate_result_type(out.kind, argument->type);
    if (!type) {
      throw Error(
          ErrorKind::kTypeMismatch,
          concat(name, "() is not possible over ", excerpt(argument->to_string(), 80),
                 ", which is ", argument->type.to_string(), hint_of(out.kind, argument->type)));
    }
    if (argument->type.is_null() && !plain_count) {
      argument = bound_cast(argument, type_of_null(out.kind));
    }
    if (out.kind == Kind::kQuantileCont && argument->type.id() == TypeId::kDate32) {
      argument = bound_cast(argument, *type);
    }
  }
  out.result_type = *aggregate_result_type(out.kind, call.arguments[0]->type);
  out.distinct = call.distinct && definition->distinct == DistinctRule::kCounts;
  out.arguments = std::move(call.arguments);
  if (definition->order != OrderRule::kHonoured) return out;
  out.order_by = std::move(call.order_by);
  for (BoundSortKey& key : out.order_by) {
    refuse_nested(*key.expression, concat("ORDER BY inside ", name, "()"));
    if (key.expression->type.is_vector()) {
      throw Error(ErrorKind::kTypeMismatch,
                  concat("ORDER BY a vector is not possible in ", name, "()"));
    }
    if (key.expression->type.is_null()) {
      key.expression = bound_cast(key.expression, DataType(TypeId::kUtf8));
    }
    if (!out.distinct) continue;
    if (!same_expression(*key.expression, *out.arguments[0])) {
      refuse(concat("ORDER BY ", excerpt(key.expression->to_string(), 80), " inside ", name,
                    "(DISTINCT ...) must be the argument itself: one value has many rows"));
    }
  }
  // A set has no row order: by value, as in Postgres.
  if (out.distinct && out.order_by.empty()) {
    out.order_by.push_back({out.arguments[0], false, false});
  }
  return out;
}

}  // namespace velaria
