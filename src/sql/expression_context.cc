#include "src/sql/expression_context.h"

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/expr/function_registry.h"
#include "src/plan/decorrelation/outer_columns.h"
#include "src/sql/select_binder.h"
#include "src/sql/window_binder.h"

namespace velaria::sql {

namespace {

// Larger than any real column number.
constexpr size_t kFirstPendingColumn = size_t{1} << 40;

// The child of NOT, or the expression itself.
const Expression& without_not(const Expression& expression, bool* negated) {
  const bool is_not = expression.kind == ExpressionKind::kCall && expression.name == "not" &&
                      expression.children.size() == 1;
  if (!is_not) return expression;
  *negated = !*negated;
  return without_not(*expression.children[0], negated);
}

}  // namespace

BoundExpressionPtr ExpressionContext::outer_column(const Expression& column) {
  return select_.outer_column(column);
}

Subquery ExpressionContext::bind_subquery(const Expression& expression, ExpressionBinder& binder,
                                          SubqueryKind kind) const {
  if (subqueries_ == Subqueries::kRefused) {
    throw Error(ErrorKind::kSqlUnsupported,
                "a subquery is not possible here; compute its value in a table of FROM");
  }
  Subquery out;
  out.kind = kind;
  out.name = expression.to_string();
  out.plan = select_.bind_inner(*expression.subquery, scope_);
  if (expression.kind == ExpressionKind::kExists) return out;
  const Schema& schema = out.plan->schema();
  if (schema.size() != 1) {
    throw Error(ErrorKind::kSqlSemantic,
                concat(expression.kind == ExpressionKind::kSubquery ? "a subquery used as a value"
                                                                    : "the subquery of IN",
                       " needs one column, but has ", schema.size(), ": ",
                       excerpt(join_texts(schema.names(), ", "), 200)));
  }
  if (expression.kind == ExpressionKind::kSubquery) return out;
  out.operand = binder.bind(*expression.children[0]);
  const Field& field = schema.field(0);
  refuse_nested(*out.operand, "IN");
  const BoundExpressionPtr value = bound_column(0, field.type, field.name);
  refuse_nested(*value, "IN");
  // As in comparisons: a number literal beside a decimal keeps its digits, and a text constant
  // takes the other side's type.
  std::vector<BoundExpressionPtr> operands{out.operand, value};
  settle_number_constants(&operands);
  out.operand = operands[0];
  const auto common = common_type(out.operand->type, field.type);
  if (!common) {
    throw Error(
        ErrorKind::kTypeMismatch,
        concat(excerpt(out.operand->to_string(), 80), " is ", out.operand->type.to_string(),
               ", but the subquery of IN gives ", field.type.to_string(), "; cast one of them"));
  }
  // No float64 holds every 64-bit integer: join_subquery compares those exactly.
  if (loses_digits(out.operand->type, field.type)) return out;
  out.operand = bound_cast(out.operand, *common);
  if (field.type != *common) {
    out.plan = std::make_shared<ProjectPlan>(
        out.plan, std::vector<BoundExpressionPtr>{bound_cast(value, *common)},
        std::vector<std::string>{field.name});
  }
  return out;
}

BoundExpressionPtr ExpressionContext::subquery(const Expression& expression,
                                               ExpressionBinder& binder) {
  const SubqueryKind kind = expression.kind == ExpressionKind::kExists ? SubqueryKind::kExistsMark
                            : expression.kind == ExpressionKind::kInSubquery
                                ? SubqueryKind::kInMark
                                : SubqueryKind::kScalar;
  Subquery subquery = bind_subquery(expression, binder, kind);
  const DataType type = kind == SubqueryKind::kScalar ? subquery.plan->schema().field(0).type
                                                      : DataType(TypeId::kBool);
  const std::string name = subquery.name;
  pending_.push_back({std::move(subquery), std::nullopt});
  return bound_column(kFirstPendingColumn + pending_.size() - 1, type, name);
}

bool ExpressionContext::visit_subquery_levels(size_t column,
                                              const std::function<void(size_t)>& f) const {
  if (column < kFirstPendingColumn) return false;
  const Subquery& subquery = pending_[column - kFirstPendingColumn].subquery;
  visit_plan_outer_columns(*subquery.plan,
                           [&](const BoundExpression& outer) { f(outer.outer_level); });
  if (subquery.operand) {  // it stands beside the subquery
    visit_columns(*subquery.operand, [&](size_t beside) {
      if (!visit_subquery_levels(beside, f)) f(1);
    });
    visit_outer_columns(*subquery.operand,
                        [&](const BoundExpression& outer) { f(outer.outer_level + 1); });
  }
  return true;
}

BoundExpressionPtr ExpressionContext::window_function(const Expression& call,
                                                      ExpressionBinder& binder) {
  return windows_ == nullptr ? nullptr : windows_->bind_call(call, binder);
}

bool ExpressionContext::filter_by_subquery(const Expression& conjunct, ExpressionBinder& binder,
                                           PlanPtr* plan) {
  bool negated = false;
  const Expression& test = without_not(conjunct, &negated);
  SubqueryKind kind = SubqueryKind::kExists;
  if (test.kind == ExpressionKind::kExists) {
    kind = negated ? SubqueryKind::kNotExists : SubqueryKind::kExists;
  } else if (test.kind == ExpressionKind::kInSubquery) {
    kind = negated ? SubqueryKind::kNotIn : SubqueryKind::kIn;
  } else {
    return false;
  }
  Subquery subquery = bind_subquery(test, binder, kind);
  // The operand may hold subqueries of its own.
  *plan = join_pending(std::move(*plan));
  if (subquery.operand) subquery.operand = resolved(subquery.operand);
  *plan = join_subquery(*plan, subquery);
  return true;
}

PlanPtr ExpressionContext::join_pending(
    PlanPtr plan, const std::function<BoundExpressionPtr(const BoundExpression&)>& place_outer) {
  for (Pending& pending : pending_) {
    if (pending.column) continue;
    Subquery& subquery = pending.subquery;
    if (subquery.operand) subquery.operand = resolved(subquery.operand);
    if (place_outer) {
      subquery.plan = replace_plan_outer_columns(subquery.plan, [&](const BoundExpression& column) {
        if (column.outer_level == 1) return place_outer(column);
        return bound_outer_column(column.outer_level, column.column, column.type, column.name);
      });
    }
    plan = join_subquery(plan, subquery);
    pending.column = plan->schema().size() - 1;
  }
  return plan;
}

BoundExpressionPtr ExpressionContext::resolved(const BoundExpressionPtr& expression) const {
  if (pending_.empty()) return expression;
  return replace_columns(expression, [&](const BoundExpression& column) {
    const size_t at = column.column < kFirstPendingColumn
                          ? column.column
                          : pending_[column.column - kFirstPendingColumn].column.value();
    return bound_column(at, column.type, column.name);
  });
}

}  // namespace velaria::sql
