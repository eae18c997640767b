// What it costs to compute a condition: for the order of conditions, not for clocks.
#pragma once

#include "src/expr/bound_expression.h"

namespace velaria {

// For one row, where a comparison of two numbers costs 1.
double condition_cost(const BoundExpression& expression);

}  // namespace velaria
