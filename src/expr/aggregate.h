// Aggregate functions as plans know them: what is computed over which argument, and of what type.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "src/expr/bound_expression.h"

namespace velaria {

enum class AggregateKind { kCountRows, kCount, kSum, kAvg, kMin, kMax };

std::string_view aggregate_name(AggregateKind kind);

// Result types: COUNT int64; SUM of signed integers int64, of unsigned ones uint64 (both checked),
// of floats float64, of decimals decimal(38, scale); AVG float64; MIN and MAX the argument's type.
// Nothing when the argument's type does not fit.
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
  std::vector<BoundExpressionPtr> arguments;  // none for COUNT(*)
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
