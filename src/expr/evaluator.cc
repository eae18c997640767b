#include "src/expr/evaluator.h"

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/column/builder.h"
#include "src/column/selection_recycling.h"
#include "src/kernel/cast.h"
#include "src/kernel/compare.h"
#include "src/kernel/take.h"

namespace velaria {

EvaluationBatch::EvaluationBatch(const EvaluationBatch& parent, const std::vector<uint32_t>& rows)
    : chunk_(parent.chunk_), gathered_(parent.chunk_.columns.size()) {
  auto composed = new_selection();
  *composed = rows;
  if (parent.selection_) {
    for (uint32_t& row : *composed) row = (*parent.selection_)[row];
  }
  selection_ = std::move(composed);
}

const ColumnPtr& EvaluationBatch::column(size_t i) {
  VELARIA_CHECK(i < gathered_.size());
  if (!gathered_[i]) {
    gathered_[i] =
        selection_ ? take(chunk_.columns[i], selection_->data(), rows()) : chunk_.columns[i];
  }
  return gathered_[i];
}

ColumnPtr EvaluationBatch::remembered(const BoundExpression& expression) const {
  for (const auto& [known, value] : remembered_) {
    if (known == &expression) return value;
  }
  return nullptr;
}

namespace {

// Three-valued: each row true, false or NULL.
struct TruthColumn {
  explicit TruthColumn(const ColumnPtr& column) : flat(flatten(column)) {}
  bool known(int64_t i) const { return !flat->type().is_null() && flat->validity().valid(i); }
  bool value(int64_t i) const { return flat->values<uint8_t>()[i] != 0; }
  ColumnPtr flat;
};

ColumnPtr evaluate_logic(const BoundExpression& expression, EvaluationBatch& batch) {
  const bool is_and = expression.kind == BoundKind::kAnd;
  const int64_t rows = batch.rows();
  // The value that decides a row alone: false for AND, true for OR.
  const bool decisive = !is_and;
  std::vector<uint8_t> decided(static_cast<size_t>(rows), 0);
  std::vector<uint8_t> unknown(static_cast<size_t>(rows), 0);
  std::vector<uint32_t> open;
  for (size_t c = 0; c < expression.children.size(); ++c) {
    const BoundExpression& child = *expression.children[c];
    if (c > 0 && child.can_fail) {
      // Only the rows still open, so that `x <> 0 AND f(x)` never runs f where x is 0.
      open.clear();
      for (int64_t i = 0; i < rows; ++i) {
        if (!decided[static_cast<size_t>(i)]) open.push_back(static_cast<uint32_t>(i));
      }
      if (open.empty()) break;
      EvaluationBatch subset(batch, open);
      const TruthColumn truth(evaluate(child, subset));
      for (size_t j = 0; j < open.size(); ++j) {
        const auto at = static_cast<int64_t>(j);
        if (!truth.known(at)) {
          unknown[open[j]] = 1;
        } else if (truth.value(at) == decisive) {
          decided[open[j]] = 1;
        }
      }
      continue;
    }
    const TruthColumn truth(evaluate(child, batch));
    if (truth.flat->type().is_null()) {
      std::fill(unknown.begin(), unknown.end(), uint8_t{1});
      continue;
    }
    const uint8_t* values = truth.flat->values<uint8_t>();
    if (truth.flat->validity().all_valid()) {
      const uint8_t flip = is_and ? 1 : 0;
      for (int64_t i = 0; i < rows; ++i) {
        decided[static_cast<size_t>(i)] =
            static_cast<uint8_t>(decided[static_cast<size_t>(i)] | (values[i] ^ flip));
      }
    } else {
      for (int64_t i = 0; i < rows; ++i) {
        const bool known = truth.known(i);
        if (!known) unknown[static_cast<size_t>(i)] = 1;
        if (known && truth.value(i) == decisive) decided[static_cast<size_t>(i)] = 1;
      }
    }
  }
  auto out = Buffer::allocate(static_cast<size_t>(rows));
  ValidityBuilder present;
  bool any_unknown = false;
  for (int64_t i = 0; i < rows; ++i) {
    const auto at = static_cast<size_t>(i);
    out->mutable_data()[i] = decided[at] ? decisive : !decisive;
    any_unknown = any_unknown || (unknown[at] && !decided[at]);
  }
  if (any_unknown) {
    for (size_t at = 0; at < decided.size(); ++at) present.append(decided[at] || !unknown[at]);
  }
  return Column::flat(DataType(TypeId::kBool), rows, std::move(out), 0, present.finish());
}

ColumnPtr evaluate_case(const BoundExpression& expression, EvaluationBatch& batch) {
  const int64_t rows = batch.rows();
  const size_t pairs = expression.children.size() / 2;
  // Branch b of row i; rows that no condition takes go to the last part (ELSE or NULL).
  std::vector<uint32_t> branch(static_cast<size_t>(rows), static_cast<uint32_t>(pairs));
  std::vector<uint32_t> open(static_cast<size_t>(rows));
  for (size_t i = 0; i < open.size(); ++i) open[i] = static_cast<uint32_t>(i);
  std::vector<ColumnPtr> parts;
  std::vector<uint32_t> taken;
  std::vector<uint32_t> taken_rows;
  for (size_t p = 0; p < pairs; ++p) {
    EvaluationBatch remaining(batch, open);
    // All rows are open at first: columns are there already, and values may be remembered.
    const ColumnPtr condition = evaluate(*expression.children[2 * p], p == 0 ? batch : remaining);
    if (condition->type().is_null()) {
      taken.clear();
    } else {
      select_true(*flatten(condition), &taken);
    }
    taken_rows.clear();
    for (uint32_t t : taken) {
      taken_rows.push_back(open[t]);
      branch[open[t]] = static_cast<uint32_t>(p);
    }
    EvaluationBatch subset(batch, taken_rows);
    parts.push_back(evaluate(*expression.children[2 * p + 1], subset));
    std::vector<uint32_t> rest;
    size_t next_taken = 0;
    for (size_t j = 0; j < open.size(); ++j) {
      if (next_taken < taken.size() && taken[next_taken] == j) {
        ++next_taken;
      } else {
        rest.push_back(open[j]);
      }
    }
    open = std::move(rest);
  }
  if (expression.has_else) {
    EvaluationBatch subset(batch, open);
    parts.push_back(evaluate(*expression.children.back(), subset));
  } else {
    parts.push_back(Column::nulls(expression.type, static_cast<int64_t>(open.size())));
  }
  return interleave(expression.type, parts, branch);
}

// An argument that can fail is computed only for the rows whose earlier arguments are NULL.
ColumnPtr evaluate_coalesce(const BoundExpression& expression, EvaluationBatch& batch) {
  const int64_t rows = batch.rows();
  std::vector<uint32_t> which(static_cast<size_t>(rows), 0);
  std::vector<uint32_t> open(static_cast<size_t>(rows));
  for (size_t i = 0; i < open.size(); ++i) open[i] = static_cast<uint32_t>(i);
  std::vector<ColumnPtr> parts;
  for (size_t p = 0; p < expression.children.size(); ++p) {
    EvaluationBatch remaining(batch, open);
    const ColumnPtr values = flatten(evaluate(*expression.children[p], p == 0 ? batch : remaining));
    const bool is_last = p + 1 == expression.children.size();
    std::vector<uint32_t> present;
    std::vector<uint32_t> rest;
    for (size_t j = 0; j < open.size(); ++j) {
      if (!is_last && values->is_null(static_cast<int64_t>(j))) {
        rest.push_back(open[j]);
      } else {
        present.push_back(static_cast<uint32_t>(j));
        which[open[j]] = static_cast<uint32_t>(p);
      }
    }
    parts.push_back(take(values, present.data(), static_cast<int64_t>(present.size())));
    open = std::move(rest);
  }
  return interleave(expression.type, parts, which);
}

ColumnPtr call_user_function(const UserFunction& function, const std::vector<ColumnPtr>& arguments,
                             int64_t rows) {
  ColumnPtr result = function.call(arguments, rows);
  if (!result || result->type() != function.result_type() || result->length() != rows) {
    throw Error(ErrorKind::kTypeMismatch,
                concat("function ", function.signature(), " gave ",
                       result ? concat(result->length(), " values of ", result->type().to_string())
                              : std::string("nothing"),
                       " for ", rows, " rows; it must give ", rows, " of ",
                       function.result_type().to_string()));
  }
  return result;
}

ColumnPtr apply(const BoundExpression& expression, const std::vector<ColumnPtr>& arguments,
                int64_t rows) {
  if (expression.user_function) {
    return call_user_function(*expression.user_function, arguments, rows);
  }
  return expression.kernel(arguments, rows, expression.type);
}

// By any of its names.
bool is_coalesce(const std::string& name) {
  return name == "coalesce" || name == "ifnull" || name == "nvl";
}

ColumnPtr evaluate_call(const BoundExpression& expression, EvaluationBatch& batch) {
  if (expression.can_fail && is_coalesce(expression.name)) {
    return evaluate_coalesce(expression, batch);
  }
  std::vector<ColumnPtr> arguments;
  arguments.reserve(expression.children.size());
  bool all_constant = true;
  bool null_constant = false;
  for (const auto& child : expression.children) {
    ColumnPtr argument = evaluate(*child, batch);
    if (argument->is_dictionary()) argument = flatten(argument);
    all_constant = all_constant && argument->is_constant();
    null_constant = null_constant || (argument->is_constant() && argument->is_null(0));
    arguments.push_back(std::move(argument));
  }
  const int64_t rows = batch.rows();
  // Without rows a constant argument has no value to look at, so kernels are not called.
  if (rows == 0 || (expression.strict && null_constant)) {
    return Column::nulls(expression.type, rows);
  }
  if (!all_constant) return apply(expression, arguments, rows);
  // Pure functions of constants are constants.
  for (ColumnPtr& argument : arguments) argument = argument->repeat(1);
  return Column::constant(apply(expression, arguments, 1)->value(0), rows);
}

// Casts know values, not where they come from. Those of constants are told by their place in the
// text instead.
ColumnPtr evaluate_cast(const BoundExpression& expression, EvaluationBatch& batch) {
  const ColumnPtr value = evaluate(*expression.children[0], batch);
  if (expression.try_cast) return cast(value, expression.type, CastMode::kTry);
  try {
    return cast(value, expression.type, CastMode::kStrict);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kTypeMismatch || expression.children[0]->is_constant()) throw;
    throw Error(error.kind(),
                concat(error.message(), "\nin ", excerpt(expression.to_string(), 200)));
  }
}

ColumnPtr evaluate_try(const BoundExpression& expression, EvaluationBatch& batch) {
  try {
    return evaluate(*expression.children[0], batch);
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::kCancelled || error.kind() == ErrorKind::kInternal) throw;
    return Column::constant(Value::boolean(true), batch.rows());
  }
}

ColumnPtr evaluate_node(const BoundExpression& expression, EvaluationBatch& batch) {
  switch (expression.kind) {
    case BoundKind::kConstant: return Column::constant(expression.constant, batch.rows());
    case BoundKind::kColumn: return batch.column(expression.column);
    case BoundKind::kOuterColumn: break;  // plans are decorrelated before they run
    case BoundKind::kCast: return evaluate_cast(expression, batch);
    case BoundKind::kAnd:
    case BoundKind::kOr: return evaluate_logic(expression, batch);
    case BoundKind::kCase: return evaluate_case(expression, batch);
    case BoundKind::kCall: return evaluate_call(expression, batch);
    case BoundKind::kTry: return evaluate_try(expression, batch);
  }
  VELARIA_CHECK(false);
  return nullptr;
}

}  // namespace

ColumnPtr evaluate(const BoundExpression& expression, EvaluationBatch& batch) {
  if (!expression.is_repeated) return evaluate_node(expression, batch);
  ColumnPtr value = batch.remembered(expression);
  if (value) return value;
  value = evaluate_node(expression, batch);
  batch.remember(expression, value);
  return value;
}

BoundExpressionPtr fold_constants(const BoundExpressionPtr& expression) {
  if (expression->children.empty()) return expression;
  auto node = std::make_shared<BoundExpression>(*expression);
  bool all_constant = true;
  for (BoundExpressionPtr& child : node->children) {
    child = fold_constants(child);
    all_constant = all_constant && child->is_constant();
  }
  node->update_can_fail();
  if (node->kind == BoundKind::kCall && node->strict && !node->can_fail) {
    for (const BoundExpressionPtr& child : node->children) {
      if (child->is_constant() && child->constant.is_null()) {
        return bound_constant(Value::null(node->type));
      }
    }
  }
  if (!all_constant) return node;
  try {
    Chunk one_row;
    one_row.rows = 1;
    EvaluationBatch batch(one_row);
    return bound_constant(evaluate(*node, batch)->value(0));
  } catch (const Error&) {
    return node;
  }
}

}  // namespace velaria
