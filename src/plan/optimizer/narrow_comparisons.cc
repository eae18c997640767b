#include <optional>

#include "src/base/error.h"
#include "src/expr/function_registry.h"
#include "src/plan/optimizer/rules.h"

namespace velaria {

namespace {

bool is_comparison(const std::string& name) {
  for (const char* one : {"=", "<>", "<", "<=", ">", ">=", "in"}) {
    if (name == one) return true;
  }
  return false;
}

// The constant as a value of `type`, when nothing of it is lost.
std::optional<BoundExpressionPtr> constant_as(const BoundExpressionPtr& constant,
                                              const DataType& type) {
  if (constant->constant.is_null()) return bound_constant(Value::null(type));
  try {
    BoundExpressionPtr narrow = bound_cast(constant, type, true);
    if (!narrow->is_constant() || narrow->constant.is_null()) return std::nullopt;
    const BoundExpressionPtr back = bound_cast(narrow, constant->type, true);
    if (!back->is_constant() || !(back->constant == constant->constant)) return std::nullopt;
    return narrow;
  } catch (const Error&) {
    return std::nullopt;
  }
}

bool is_exact_number(const DataType& type) {
  return type.is_integer() || type.id() == TypeId::kDecimal128;
}

// The column, when a comparison with constants may as well look at it in its own type.
const BoundExpressionPtr* own_value(const BoundExpressionPtr& side) {
  if (side->is_constant()) return nullptr;
  const bool from_date = side->kind == BoundKind::kCast && !side->try_cast &&
                         side->type.id() == TypeId::kTimestamp && side->type.time_zone().empty() &&
                         side->children[0]->type.id() == TypeId::kDate32;
  if (from_date) return &side->children[0];
  if (!is_exact_number(side->type)) return nullptr;
  const bool widened = side->kind == BoundKind::kCast && !side->fails_itself && !side->try_cast &&
                       is_exact_number(side->children[0]->type);
  return widened ? &side->children[0] : &side;
}

BoundExpressionPtr narrow(const BoundExpressionPtr& node) {
  if (node->kind != BoundKind::kCall || !is_comparison(node->name)) return node;
  const BoundExpressionPtr* value = nullptr;
  for (const auto& child : node->children) {
    if (child->is_constant()) continue;
    if (value != nullptr) return node;
    value = own_value(child);
    if (value == nullptr) return node;
  }
  if (value == nullptr) return node;
  bool changed = false;
  std::vector<BoundExpressionPtr> children;
  for (const auto& child : node->children) {
    if (!child->is_constant()) {
      changed = changed || child != *value;
      children.push_back(*value);
      continue;
    }
    const auto constant = constant_as(child, (*value)->type);
    if (!constant) return node;
    changed = changed || child->type != (*constant)->type;
    children.push_back(*constant);
  }
  if (!changed) return node;
  return FunctionRegistry::builtin().bind(node->name, std::move(children));
}

}  // namespace

PlanPtr narrow_comparisons(const PlanPtr& plan) {
  return rewrite_bottom_up(plan, [](const PlanPtr& node) {
    return map_expressions(
        node, [](const BoundExpressionPtr& e) { return rewrite_expression(e, narrow); });
  });
}

}  // namespace velaria
