// Conditions over two relations, taken apart into what a hash join looks up and what it tests.
#pragma once

#include <optional>
#include <vector>

#include "src/plan/logical_plan.h"

namespace velaria {

struct JoinCondition {
  std::vector<JoinKey> keys;
  std::vector<BoundExpressionPtr> rest;  // over left columns, then right columns
};

// `conjuncts` are over left columns, then right columns. An equality that may fail becomes a key
// only when it stands first, because keys are computed for every row, before all other conjuncts.
JoinCondition split_join_condition(const std::vector<BoundExpressionPtr>& conjuncts,
                                   size_t left_columns);

// The other way round.
BoundExpressionPtr key_condition(const JoinKey& key, size_t left_columns);

// An equality of the form a = b or a IS NOT DISTINCT FROM b over values of one type.
struct Equality {
  BoundExpressionPtr a;
  BoundExpressionPtr b;
  bool null_equals_null = false;
};
std::optional<Equality> as_equality(const BoundExpression& expression);

// Whether values of the type may be equal, and so one key and one group, but not the same: 0.0 and
// -0.0, also in vectors, 1 day and 24 hours.
bool has_equals_that_differ(const DataType& type);

// Null for no conjuncts.
BoundExpressionPtr all_of(std::vector<BoundExpressionPtr> conjuncts);
// Columns of `expression` moved by `offset`.
BoundExpressionPtr shift_columns(const BoundExpressionPtr& expression, size_t offset);

}  // namespace velaria
