// Conditions as filters: which rows they keep. Twin of evaluate() for the place where false and
// NULL mean the same, so that comparisons become row masks without a column between.
#pragma once

#include "src/expr/evaluator.h"
#include "src/kernel/mask.h"

namespace velaria {

// The rows of the batch for which the condition (a bool) is true. Rows that an AND or OR has
// decided already are not evaluated when that could fail, as in evaluate().
void evaluate_mask(const BoundExpression& condition, EvaluationBatch& batch, RowMask* mask);

}  // namespace velaria
