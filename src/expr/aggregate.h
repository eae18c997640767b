// Aggregate functions as plans know them: what is computed over which argument, and of what type.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "src/expr/bound_expression.h"

namespace velaria {

enum class AggregateKind { kCountRows, kCount, kSum, kAvg, kMin, kMax };

std::string_view aggregate_name(AggregateKind kind);

// Result types: COUNT int64; SUM of signed integers int64, of unsigned ones uint64 (both checked),
// of floats float64, of decimals decimal(38, scale); AVG float64; MIN and MAX the argument's type.
// Nothing when the argument's type does not fit.
std::optional<DataType> aggregate_result_type(AggregateKind kind, const DataType& argument);

struct BoundAggregate {
  AggregateKind kind = AggregateKind::kCountRows;
  BoundExpressionPtr argument;  // null for COUNT(*)
  BoundExpressionPtr filter;    // FILTER (WHERE ...); may be null
  DataType result_type;

  std::string to_string() const;  // "sum(distance)", "count(*)"
};

bool same_aggregate(const BoundAggregate& a, const BoundAggregate& b);

}  // namespace velaria
