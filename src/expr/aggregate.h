// Aggregate functions as plans know them: what is computed over which argument, and of what type.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "src/expr/bound_expression.h"

namespace velaria {

enum class AggregateKind {
  kCountRows,
  kCount,  // DISTINCT of several arguments leaves out rows with any NULL
  kSum,
  kAvg,
  kMin,
  kMax,
  kBoolAnd,
  kBoolOr,
  kBitAnd,
  kBitOr,
  kBitXor,
  kProduct,
  // Of one column.
  kVarSamp,
  kVarPop,
  kStddevSamp,
  kStddevPop,
  // Of the pairs (y, x) without a NULL.
  kCovarSamp,
  kCovarPop,
  kCorr,
  kRegrCount,
  kRegrAvgX,
  kRegrAvgY,
  kRegrSxx,
  kRegrSyy,
  kRegrSxy,
  kRegrSlope,
  kRegrIntercept,
  kRegrR2,
  // Parameters: the fraction, whether the largest values come first.
  kQuantileCont,
  kQuantileDisc,
  kMode,       // parameters: none (the tied value that came first), or whether the largest one wins
  kStringAgg,  // parameter: the separator
  kAnyValue,   // the first value that is not NULL
  kFirst,
  kLast,
  kArgMin,  // (value, key): rows with a NULL in either are left out
  kArgMax,
  kApproxCountDistinct,
};

std::string_view aggregate_name(AggregateKind kind);

// Whether the aggregate looks at a pair (y, x).
bool is_pair_statistic(AggregateKind kind);

// Result types: COUNT int64; SUM of signed integers int64, of unsigned ones uint64 (both checked),
// of floats float64, of decimals decimal(38, scale), of intervals interval; AVG of decimals
// decimal(38, scale + 4), of intervals interval, of others float64; statistics float64; continuous
// quantiles as AVG, and of times themselves; MIN, MAX and what picks a value the argument's type.
// Nothing when the (first) argument's type does not fit.
std::optional<DataType> aggregate_result_type(AggregateKind kind, const DataType& argument);

// An expression that rows are ordered by.
struct BoundSortKey {
  BoundExpressionPtr expression;
  bool descending = false;
  bool nulls_first = false;

  std::string to_string() const;  // "distance desc"
};

struct BoundAggregate {
  AggregateKind kind = AggregateKind::kCountRows;
  std::vector<BoundExpressionPtr> arguments;  // what changes from row to row; none for COUNT(*)
  std::vector<Value> parameters;              // what does not: a fraction, a separator
  bool distinct = false;                      // f(DISTINCT ...)
  std::vector<BoundSortKey> order_by;         // f(x ORDER BY ...), WITHIN GROUP
  BoundExpressionPtr filter;                  // FILTER (WHERE ...); may be null
  DataType result_type;

  std::string to_string() const;  // "sum(distance)", "count(*)"
};

bool same_aggregate(const BoundAggregate& a, const BoundAggregate& b);

// What the aggregate gives over no rows: 0 for counts, NULL for the others.
Value value_over_no_rows(const BoundAggregate& aggregate);

// Every expression inside: arguments, order keys, filter.
void visit_expressions(const BoundAggregate& aggregate,
                       const std::function<void(const BoundExpression&)>& f);
BoundAggregate map_expressions(
    BoundAggregate aggregate,
    const std::function<BoundExpressionPtr(const BoundExpressionPtr&)>& f);

}  // namespace velaria
