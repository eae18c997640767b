#include "src/plan/condition_cost.h"

namespace velaria {

double condition_cost(const BoundExpression& expression) {
  double cost = 0;
  bool text = false;
  for (const auto& child : expression.children) {
    cost += condition_cost(*child);
    text = text || child->type.is_string();
  }
  switch (expression.kind) {
    case BoundKind::kColumn:
    case BoundKind::kConstant:
    case BoundKind::kAnd:
    case BoundKind::kOr:
    case BoundKind::kTry: return cost;
    case BoundKind::kCast: return cost + (text || expression.type.is_string() ? 20 : 2);
    case BoundKind::kCall: break;
    default: return cost + 10;
  }
  if (expression.user_function) return cost + 1000;  // calls out of the kernel
  const std::string& name = expression.name;
  const bool is_equality = name == "=" || name == "<>";
  if (is_equality || name == "<" || name == "<=" || name == ">" || name == ">=") {
    if (text) return cost + (is_equality ? 4 : 8);
    return cost + (expression.children[0]->type.id() == TypeId::kDecimal128 ? 2 : 1);
  }
  if (name == "is_null" || name == "is_not_null" || name == "not") return cost + 1;
  if (name == "in") {
    return cost + (text ? 4 : 1) * (1 + static_cast<double>(expression.children.size()) / 4);
  }
  return cost + (text ? 20 : 5);
}

}  // namespace velaria
