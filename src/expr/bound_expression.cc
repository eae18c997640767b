#include "src/expr/bound_expression.h"

#include <cmath>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/kernel/cast.h"
#include "src/kernel/nested_cast.h"

namespace velaria {

namespace {

bool is_operator(const std::string& name) {
  for (const char* op : {"+", "-", "*", "/", "%", "=", "<>", "<", "<=", ">", ">=", "||"}) {
    if (name == op) return true;
  }
  return false;
}

std::string operand_text(const BoundExpression& operand) {
  const bool wrap = operand.kind == BoundKind::kAnd || operand.kind == BoundKind::kOr ||
                    (operand.kind == BoundKind::kCall && is_operator(operand.name) &&
                     operand.children.size() == 2);
  return wrap ? "(" + operand.to_string() + ")" : operand.to_string();
}

// Casts that take every value of the type.
bool always_fits(const DataType& from, const DataType& to) {
  if (from.is_null()) return true;
  if (to.id() == TypeId::kUtf8) return from.id() != TypeId::kBinary && !from.is_nested();
  const int from_bytes = from.value_width_bytes();
  const int to_bytes = to.value_width_bytes();
  if (from.is_integer() && to.is_integer()) {
    if (from.is_unsigned_integer() == to.is_unsigned_integer()) return from_bytes <= to_bytes;
    return from.is_unsigned_integer() && from_bytes < to_bytes;
  }
  if (to.is_float()) return from.is_integer() || (from.is_float() && from_bytes <= to_bytes);
  if (to.id() == TypeId::kDecimal128) {
    const int whole_digits = to.precision() - to.scale();
    // 3 digits in one byte, 5 in two, 10 in four, 20 in eight.
    if (from.is_integer()) return whole_digits >= (from_bytes == 1 ? 3 : from_bytes * 5 / 2);
    return from.id() == TypeId::kDecimal128 && to.scale() >= from.scale() &&
           whole_digits >= from.precision() - from.scale();
  }
  return false;
}

std::shared_ptr<BoundExpression> new_node(BoundKind kind, DataType type) {
  auto node = std::make_shared<BoundExpression>();
  node->kind = kind;
  node->type = std::move(type);
  return node;
}

}  // namespace

std::string BoundExpression::to_string() const {
  switch (kind) {
    case BoundKind::kConstant: return constant.to_sql();
    case BoundKind::kColumn: return name;
    case BoundKind::kOuterColumn: return concat("outer", outer_level, ".", name);
    case BoundKind::kCast:
      return concat(try_cast ? "TRY_CAST(" : "CAST(", children[0]->to_string(), " AS ",
                    type.to_string(), ")");
    case BoundKind::kAnd:
    case BoundKind::kOr: {
      std::vector<std::string> parts;
      for (const auto& child : children) parts.push_back(operand_text(*child));
      return join_texts(parts, kind == BoundKind::kAnd ? " AND " : " OR ");
    }
    case BoundKind::kCase: {
      std::string out = "CASE";
      const size_t pairs = children.size() / 2;
      for (size_t i = 0; i < pairs; ++i) {
        out += concat(" WHEN ", children[2 * i]->to_string(), " THEN ",
                      children[2 * i + 1]->to_string());
      }
      if (has_else) out += " ELSE " + children.back()->to_string();
      return out + " END";
    }
    case BoundKind::kTry: return concat("try(", children[0]->to_string(), ")");
    case BoundKind::kCall: break;
  }
  if (is_operator(name) && children.size() == 2) {
    return operand_text(*children[0]) + " " + name + " " + operand_text(*children[1]);
  }
  if (name == "is_null" || name == "is_not_null") {
    return operand_text(*children[0]) + (name == "is_null" ? " IS NULL" : " IS NOT NULL");
  }
  std::vector<std::string> parts;
  for (const auto& child : children) parts.push_back(child->to_string());
  return name + "(" + join_texts(parts, ", ") + ")";
}

void BoundExpression::update_can_fail() {
  can_fail = fails_itself;
  if (kind == BoundKind::kTry) return;
  for (const auto& child : children) can_fail = can_fail || child->can_fail;
}

BoundExpressionPtr bound_constant(Value value) {
  auto node = new_node(BoundKind::kConstant, value.type());
  node->constant = std::move(value);
  return node;
}

BoundExpressionPtr bound_column(size_t column, DataType type, std::string name) {
  auto node = new_node(BoundKind::kColumn, std::move(type));
  node->column = column;
  node->name = std::move(name);
  return node;
}

BoundExpressionPtr bound_outer_column(size_t level, size_t column, DataType type,
                                      std::string name) {
  auto node = new_node(BoundKind::kOuterColumn, std::move(type));
  node->outer_level = level;
  node->column = column;
  node->name = std::move(name);
  return node;
}

BoundExpressionPtr bound_cast(BoundExpressionPtr child, const DataType& type, bool try_cast) {
  if (child->type == type) return child;
  if (child->exact && type.id() == TypeId::kDecimal128) {
    return bound_cast(child->exact, type, try_cast);
  }
  if (!can_cast(child->type, type)) {
    throw Error(ErrorKind::kTypeMismatch,
                concat("there is no cast from ", child->type.to_string(), " to ", type.to_string(),
                       ", needed for ", excerpt(child->to_string(), 120)));
  }
  if (child->is_constant()) {
    const ColumnPtr one = cast(Column::constant(child->constant, 1), type,
                               try_cast ? CastMode::kTry : CastMode::kStrict);
    return bound_constant(one->value(0));
  }
  auto node = new_node(BoundKind::kCast, type);
  node->try_cast = try_cast;
  node->fails_itself = !(try_cast || always_fits(child->type, type));
  node->children.push_back(std::move(child));
  node->update_can_fail();
  return node;
}

BoundExpressionPtr bound_logic(BoundKind kind, std::vector<BoundExpressionPtr> children) {
  VELARIA_CHECK(!children.empty());
  if (children.size() == 1) return children[0];
  auto node = new_node(kind, DataType(TypeId::kBool));
  for (BoundExpressionPtr& child : children) {
    node->can_fail = node->can_fail || child->can_fail;
    if (child->kind == kind) {
      // (a AND b) AND c is one list: the filter looks at it as conjuncts.
      node->children.insert(node->children.end(), child->children.begin(), child->children.end());
    } else {
      node->children.push_back(std::move(child));
    }
  }
  return node;
}

BoundExpressionPtr bound_try(BoundExpressionPtr condition) {
  VELARIA_CHECK(condition->type.id() == TypeId::kBool && !calls_user_function(*condition));
  auto node = new_node(BoundKind::kTry, DataType(TypeId::kBool));
  node->children.push_back(std::move(condition));
  return node;
}

bool calls_user_function(const BoundExpression& expression) {
  return expression.user_function ||
         std::any_of(expression.children.begin(), expression.children.end(),
                     [](const auto& child) { return calls_user_function(*child); });
}

std::string nested_refusal(std::string_view clause, std::string_view name, const DataType& type) {
  return concat(clause, " is not possible over ", excerpt(name, 80), ", which is ",
                excerpt(type.to_string(), 120),
                ": lists, structs and maps are carried through a query, but not compared, ordered, "
                "grouped or computed with; use another column, or CAST(... AS VARCHAR), its JSON "
                "text",
                is_list_of_floats(type) ? "; as a vector it is CAST(... AS FLOAT[n])" : "");
}

void refuse_nested(const BoundExpression& expression, std::string_view clause) {
  if (!expression.type.is_nested()) return;
  throw Error(ErrorKind::kTypeMismatch,
              nested_refusal(clause, expression.to_string(), expression.type));
}

bool same_expression(const BoundExpression& a, const BoundExpression& b) {
  if (&a == &b) return true;
  if (a.kind != b.kind || a.type != b.type || a.children.size() != b.children.size()) return false;
  switch (a.kind) {
    case BoundKind::kConstant:
      if (!(a.constant == b.constant)) return false;
      // 0.0 = -0.0, but 1 / 0.0 is another number than 1 / -0.0.
      if (a.type.is_float() && !a.constant.is_null() &&
          std::signbit(a.constant.as_double()) != std::signbit(b.constant.as_double())) {
        return false;
      }
      break;
    case BoundKind::kColumn:
      if (a.column != b.column) return false;
      break;
    case BoundKind::kOuterColumn:
      if (a.column != b.column || a.outer_level != b.outer_level) return false;
      break;
    case BoundKind::kCall:
      if (a.name != b.name || a.kernel != b.kernel || a.user_function != b.user_function) {
        return false;
      }
      break;
    case BoundKind::kCast:
      if (a.try_cast != b.try_cast) return false;
      break;
    case BoundKind::kCase:
      if (a.has_else != b.has_else) return false;
      break;
    default: break;
  }
  for (size_t i = 0; i < a.children.size(); ++i) {
    if (!same_expression(*a.children[i], *b.children[i])) return false;
  }
  return true;
}

void visit_columns(const BoundExpression& expression, const std::function<void(size_t)>& f) {
  if (expression.kind == BoundKind::kColumn) f(expression.column);
  for (const auto& child : expression.children) visit_columns(*child, f);
}

void visit_outer_columns(const BoundExpression& expression,
                         const std::function<void(const BoundExpression&)>& f) {
  if (expression.kind == BoundKind::kOuterColumn) f(expression);
  for (const auto& child : expression.children) visit_outer_columns(*child, f);
}

BoundExpressionPtr rewrite_expression(
    const BoundExpressionPtr& expression,
    const std::function<BoundExpressionPtr(const BoundExpressionPtr&)>& f) {
  std::vector<BoundExpressionPtr> children;
  bool changed = false;
  for (const auto& child : expression->children) {
    children.push_back(rewrite_expression(child, f));
    changed = changed || children.back() != child;
  }
  if (!changed) return f(expression);
  auto node = std::make_shared<BoundExpression>(*expression);
  node->children = std::move(children);
  node->update_can_fail();
  node->exact = nullptr;
  return f(node);
}

BoundExpressionPtr replace_columns(
    const BoundExpressionPtr& expression,
    const std::function<BoundExpressionPtr(const BoundExpression&)>& f) {
  if (expression->kind == BoundKind::kColumn) return f(*expression);
  if (expression->children.empty()) return expression;
  auto node = std::make_shared<BoundExpression>(*expression);
  for (BoundExpressionPtr& child : node->children) child = replace_columns(child, f);
  // A column may have become an expression that fails; guards must know.
  node->update_can_fail();
  return node;
}

std::vector<BoundExpressionPtr> split_conjuncts(const BoundExpressionPtr& expression) {
  if (expression->kind != BoundKind::kAnd) return {expression};
  std::vector<BoundExpressionPtr> out;
  for (const auto& child : expression->children) {
    for (auto& conjunct : split_conjuncts(child)) out.push_back(std::move(conjunct));
  }
  return out;
}

}  // namespace velaria
