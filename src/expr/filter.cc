#include "src/expr/filter.h"

#include <optional>

#include "src/column/selection_recycling.h"

namespace velaria {

namespace {

std::optional<CompareOp> comparison(const BoundExpression& expression) {
  if (expression.kind != BoundKind::kCall || expression.children.size() != 2) return std::nullopt;
  const std::string& name = expression.name;
  if (name == "=") return CompareOp::kEqual;
  if (name == "<>") return CompareOp::kNotEqual;
  if (name == "<") return CompareOp::kLess;
  if (name == "<=") return CompareOp::kLessEqual;
  if (name == ">") return CompareOp::kGreater;
  if (name == ">=") return CompareOp::kGreaterEqual;
  return std::nullopt;
}

// Also as another type, as an int32 beside an int64 is.
bool is_plain(const BoundExpression& expression) {
  if (expression.kind == BoundKind::kCast) {
    return (expression.type.is_integer() || expression.type.is_float()) &&
           is_plain(*expression.children[0]);
  }
  return expression.kind == BoundKind::kColumn || expression.kind == BoundKind::kConstant;
}

// Comparisons of plain columns with each other or with constants.
bool try_comparison(const BoundExpression& expression, EvaluationBatch& batch, RowMask* mask) {
  const auto op = comparison(expression);
  if (!op || !is_plain(*expression.children[0]) || !is_plain(*expression.children[1])) {
    return false;
  }
  const ColumnPtr a = evaluate(*expression.children[0], batch);
  const ColumnPtr b = evaluate(*expression.children[1], batch);
  return mask_compare(*op, a, b, mask);
}

bool is_cheap(const BoundExpression& expression) {
  return comparison(expression) && is_plain(*expression.children[0]) &&
         is_plain(*expression.children[1]) && !expression.children[0]->type.is_string();
}

void evaluate_logic_mask(const BoundExpression& expression, EvaluationBatch& batch, RowMask* mask) {
  const bool is_and = expression.kind == BoundKind::kAnd;
  evaluate_mask(*expression.children[0], batch, mask);
  RowMask next;
  const auto open_rows = new_selection();
  Selection& open = *open_rows;
  for (size_t c = 1; c < expression.children.size(); ++c) {
    const BoundExpression& child = *expression.children[c];
    const int64_t kept = count_rows(*mask);
    const int64_t undecided = is_and ? kept : batch.rows() - kept;
    if (undecided == 0) return;
    // Only the rows that are still open: always when the child could fail on the others, else when
    // moving them costs less than looking at all.
    if (child.can_fail || (!is_cheap(child) && undecided * 2 < batch.rows())) {
      if (!is_and) {
        for (uint64_t& word : *mask) word = ~word;
        if (batch.rows() % 64 != 0) mask->back() &= (uint64_t{1} << (batch.rows() % 64)) - 1;
      }
      mask_rows(*mask, &open);
      EvaluationBatch subset(batch, open);
      evaluate_mask(child, subset, &next);
      // Of the open rows those that are decided now lose their bit.
      for (size_t j = 0; j < open.size(); ++j) {
        const bool holds = (next[j / 64] >> (j % 64)) & 1;
        if (holds != is_and) (*mask)[open[j] / 64] &= ~(uint64_t{1} << (open[j] % 64));
      }
      if (!is_and) {
        for (uint64_t& word : *mask) word = ~word;
        if (batch.rows() % 64 != 0) mask->back() &= (uint64_t{1} << (batch.rows() % 64)) - 1;
      }
      continue;
    }
    evaluate_mask(child, batch, &next);
    for (size_t word = 0; word < mask->size(); ++word) {
      (*mask)[word] = is_and ? (*mask)[word] & next[word] : (*mask)[word] | next[word];
    }
  }
}

}  // namespace

void evaluate_mask(const BoundExpression& condition, EvaluationBatch& batch, RowMask* mask) {
  if (condition.kind == BoundKind::kAnd || condition.kind == BoundKind::kOr) {
    evaluate_logic_mask(condition, batch, mask);
  } else if (!try_comparison(condition, batch, mask)) {
    mask_true(evaluate(condition, batch), mask);
  }
}

}  // namespace velaria
