// GROUPING SETS, ROLLUP, CUBE: one aggregate for each set over the same rows, one behind the other.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "src/expr/aggregate.h"
#include "src/plan/logical_plan.h"

namespace velaria::sql {

// Sets of positions among the keys.
using GroupingSets = std::vector<std::vector<size_t>>;

// The sets over `keys` without those that repeat: moves equal keys together, and the positions with
// them.
GroupingSets merge_equal_keys(const GroupingSets& sets, std::vector<BoundExpressionPtr>* keys,
                              std::vector<std::string>* key_names);

// Columns: every key (NULL where the row's set is without it), a number with bit k set where key k
// is not in the row's set, then the aggregates. Rows come set by set.
PlanPtr aggregate_grouping_sets(const PlanPtr& input, const GroupingSets& sets,
                                const std::vector<BoundExpressionPtr>& keys,
                                const std::vector<std::string>& key_names,
                                const std::vector<BoundAggregate>& aggregates);

// GROUPING(a, b, ...): a binary number with a digit for each of `keys`, 1 where the row's set is
// without it; the last one is the lowest. `without` is the number of aggregate_grouping_sets().
BoundExpressionPtr grouping_number(const BoundExpressionPtr& without,
                                   const std::vector<size_t>& keys);

// The keys of one plan must fit the bits of a number.
constexpr size_t kMostGroupingKeys = 62;

}  // namespace velaria::sql
