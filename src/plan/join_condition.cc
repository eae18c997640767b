#include "src/plan/join_condition.h"

#include "src/expr/function_registry.h"

namespace velaria {

namespace {

enum class Side { kNone, kLeft, kRight, kBoth };

Side side_of(const BoundExpression& expression, size_t left_columns) {
  bool left = false;
  bool right = false;
  visit_columns(expression, [&](size_t column) { (column < left_columns ? left : right) = true; });
  if (left && right) return Side::kBoth;
  if (left) return Side::kLeft;
  return right ? Side::kRight : Side::kNone;
}

BoundExpressionPtr to_right_columns(const BoundExpressionPtr& expression, size_t left_columns) {
  return replace_columns(expression, [&](const BoundExpression& column) {
    return bound_column(column.column - left_columns, column.type, column.name);
  });
}

}  // namespace

bool has_equals_that_differ(const DataType& type) {
  return type.is_float() || type.is_vector() || type.id() == TypeId::kInterval;
}

std::optional<Equality> as_equality(const BoundExpression& expression) {
  if (expression.kind != BoundKind::kCall || expression.children.size() != 2) return std::nullopt;
  const bool null_safe = expression.name == "is_not_distinct_from";
  if (!null_safe && expression.name != "=") return std::nullopt;
  if (expression.children[0]->type != expression.children[1]->type) return std::nullopt;
  return Equality{expression.children[0], expression.children[1], null_safe};
}

JoinCondition split_join_condition(const std::vector<BoundExpressionPtr>& conjuncts,
                                   size_t left_columns) {
  JoinCondition out;
  for (size_t i = 0; i < conjuncts.size(); ++i) {
    const auto equality = as_equality(*conjuncts[i]);
    if (equality && (!conjuncts[i]->can_fail || i == 0)) {
      const Side a = side_of(*equality->a, left_columns);
      const Side b = side_of(*equality->b, left_columns);
      if (a == Side::kLeft && b == Side::kRight) {
        out.keys.push_back(
            {equality->a, to_right_columns(equality->b, left_columns), equality->null_equals_null});
        continue;
      }
      if (a == Side::kRight && b == Side::kLeft) {
        out.keys.push_back(
            {equality->b, to_right_columns(equality->a, left_columns), equality->null_equals_null});
        continue;
      }
    }
    out.rest.push_back(conjuncts[i]);
  }
  return out;
}

BoundExpressionPtr key_condition(const JoinKey& key, size_t left_columns) {
  return FunctionRegistry::builtin().bind(key.null_equals_null ? "is_not_distinct_from" : "=",
                                          {key.left, shift_columns(key.right, left_columns)});
}

BoundExpressionPtr all_of(std::vector<BoundExpressionPtr> conjuncts) {
  if (conjuncts.empty()) return nullptr;
  return bound_logic(BoundKind::kAnd, std::move(conjuncts));
}

BoundExpressionPtr shift_columns(const BoundExpressionPtr& expression, size_t offset) {
  if (offset == 0) return expression;
  return replace_columns(expression, [&](const BoundExpression& column) {
    return bound_column(column.column + offset, column.type, column.name);
  });
}

}  // namespace velaria
