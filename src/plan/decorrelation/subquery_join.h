// A query and a subquery inside one of its expressions -> one plan without the outer columns that
// tied them together.
//
// Works by moving conditions with outer columns up and out of the subquery until they can become
// the condition of a join. Where an aggregate, a limit or the like is in the way, the distinct
// outer values become columns of the subquery instead (T. Neumann, A. Kemper: Unnesting Arbitrary
// Queries, BTW 2015).
#pragma once

#include <string>

#include "src/plan/logical_plan.h"

namespace velaria {

enum class SubqueryKind {
  // Filters: the outer plan's columns.
  kExists,
  kNotExists,
  kIn,
  kNotIn,
  // One more column.
  kExistsMark,
  kInMark,
  kScalar,
  // The subquery's columns behind the outer plan's: LATERAL.
  kLateralInner,
  kLateralLeft,
};

struct Subquery {
  SubqueryKind kind = SubqueryKind::kExists;
  // Outer columns of level 1 are columns of `outer`; deeper levels stay, one level nearer.
  PlanPtr plan;
  // x of x IN (...), over the columns of `outer`; of the type of the subquery's only column, unless
  // one is a 64-bit integer and the other a float, which no common type holds exactly.
  BoundExpressionPtr operand;
  std::string name;  // of the added column
};

PlanPtr join_subquery(const PlanPtr& outer, const Subquery& subquery);

}  // namespace velaria
