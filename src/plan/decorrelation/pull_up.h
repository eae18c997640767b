// Moving conditions with outer columns up to the top of a subquery.
#pragma once

#include <optional>
#include <vector>

#include "src/plan/logical_plan.h"

namespace velaria {

struct PulledUp {
  // Without outer columns of level 0. Its first columns are those of the plan it was made of.
  PlanPtr plan;
  // What its rows must still fulfil: over its columns and outer columns of level 0.
  std::vector<BoundExpressionPtr> conditions;
};

// Nothing when something that looks at several rows stands in the way.
std::optional<PulledUp> pull_up_conditions(const PlanPtr& plan);

// The same for the input of an aggregate over all rows: it then needs the keys found here, so that
// every condition is `outer = key`. Nothing when another kind of condition is in the way.
struct PulledUpKeys {
  PlanPtr plan;
  std::vector<BoundExpressionPtr> inner;  // over the plan's columns
  std::vector<BoundExpressionPtr> outer;  // over outer columns of level 0
};
std::optional<PulledUpKeys> pull_up_keys(const PlanPtr& plan);

// Some columns of a plan, in this order.
PlanPtr pick_columns(const PlanPtr& plan, const std::vector<size_t>& columns);

}  // namespace velaria
