// Running bound expressions over chunks.
#pragma once

#include <utility>
#include <vector>

#include "src/column/chunk.h"
#include "src/expr/bound_expression.h"

namespace velaria {

// The selected rows of a chunk. Columns are gathered the first time an expression asks for them, so
// columns nobody reads are never moved.
class EvaluationBatch {
 public:
  explicit EvaluationBatch(const Chunk& chunk)
      : chunk_(chunk), selection_(chunk.selection), gathered_(chunk.columns.size()) {}
  // The given rows (positions in `parent`'s rows) of another batch.
  EvaluationBatch(const EvaluationBatch& parent, const std::vector<uint32_t>& rows);

  int64_t rows() const {
    return selection_ ? static_cast<int64_t>(selection_->size()) : chunk_.rows;
  }
  const ColumnPtr& column(size_t i);
  // The value of a repeated expression, when it was evaluated for these rows before; else null.
  ColumnPtr remembered(const BoundExpression& expression) const;
  // `expression` outlives the batch.
  void remember(const BoundExpression& expression, ColumnPtr value) {
    remembered_.push_back({&expression, std::move(value)});
  }

 private:
  const Chunk& chunk_;  // outlives the batch
  SelectionPtr selection_;
  std::vector<ColumnPtr> gathered_;
  std::vector<std::pair<const BoundExpression*, ColumnPtr>> remembered_;
};

// One value per row of the batch; any encoding. Rows whose value is not needed (the right side of
// an AND that is already false, a CASE branch not taken) are not evaluated when that could fail.
ColumnPtr evaluate(const BoundExpression& expression, EvaluationBatch& batch);

// Constants below folded to their values. What would fail stays as it is, to fail when it is run.
BoundExpressionPtr fold_constants(const BoundExpressionPtr& expression);

}  // namespace velaria
