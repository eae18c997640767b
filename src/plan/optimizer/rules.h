// The rules, one a file. Each takes a plan and gives an equal one.
#pragma once

#include <functional>

#include "src/plan/logical_plan.h"

namespace velaria {

// Constant parts of expressions become values; a filter that is always true goes away.
PlanPtr fold_plan_constants(const PlanPtr& plan);

// CAST(a AS int64) > 5 looks at a in its own type, when the constants fit that type exactly.
PlanPtr narrow_comparisons(const PlanPtr& plan);

// (a AND b) OR (a AND c) becomes a AND (b OR c), so that a can move and join.
PlanPtr factor_common_conditions(const PlanPtr& plan);

// Filters move toward the scan: through projections, time windows, sorts, unions, joins and group
// keys; neighbours become one, equalities over a join become its keys, and outer joins whose padded
// rows a filter drops become inner ones.
PlanPtr push_filters_down(const PlanPtr& plan);

// Inner joins in the cheapest order found, semi and anti joins among them or above, and the smaller
// side of a join where the hash table is built.
PlanPtr order_joins(const PlanPtr& plan);

// Neighbouring projections become one.
PlanPtr merge_projections(const PlanPtr& plan);

// A limit above a sort becomes a top-n.
PlanPtr make_top_n_nodes(const PlanPtr& plan);

// A top-n by one distance to a constant vector, nearest first, becomes a VectorTopK below the
// projection: other columns are then looked at for the rows that come out only.
PlanPtr make_vector_top_k_nodes(const PlanPtr& plan);

// Equal subtrees become SharedPlans, computed once: below the places where filters stopped and
// before columns are pruned, so that places which read different columns still share. Not in
// streams.
PlanPtr share_common_subplans(const PlanPtr& plan);

// Of the conditions of a filter, those come first that take most rows away for what they cost, and
// last those that may fail.
PlanPtr order_conditions(const PlanPtr& plan);

// Expressions that occur several times in one node become one, which is computed once for a chunk.
PlanPtr share_expressions(const PlanPtr& plan);

// Scans give only the columns that somebody above reads; unread expressions and aggregates go away.
PlanPtr prune_columns(const PlanPtr& plan);

// f over every node, children first.
PlanPtr rewrite_bottom_up(const PlanPtr& plan, const std::function<PlanPtr(const PlanPtr&)>& f);

}  // namespace velaria
