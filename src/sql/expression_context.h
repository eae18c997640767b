// Subqueries and outer columns inside the expressions of one SELECT.
//
// A subquery in an expression becomes a pending column; when the whole clause is bound, the
// subqueries are joined to the plan below it and the pending columns get their places:
//
//   BoundExpressionPtr bound = binder.bind(expression);   // binder.set_context(&context)
//   plan = context.join_pending(plan);
//   bound = context.resolved(bound);
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "src/expr/binder.h"
#include "src/plan/decorrelation/subquery_join.h"

namespace velaria::sql {

class SelectBinder;
class WindowBinder;

class ExpressionContext : public BindingContext {
 public:
  enum class Subqueries { kAllowed, kRefused };

  // `scope`: the columns that subqueries see as the nearest outer ones. All outlive the context.
  ExpressionContext(const SelectBinder& select, const NameScope& scope,
                    Subqueries subqueries = Subqueries::kAllowed)
      : select_(select), scope_(scope), subqueries_(subqueries) {}

  BoundExpressionPtr outer_column(const Expression& column) override;
  BoundExpressionPtr subquery(const Expression& expression, ExpressionBinder& binder) override;
  bool visit_subquery_levels(size_t column, const std::function<void(size_t)>& f) const override;
  BoundExpressionPtr window_function(const Expression& call, ExpressionBinder& binder) override;

  // Who binds window functions from here on; null: nobody, as at the start.
  void set_windows(WindowBinder* windows) { windows_ = windows; }

  // A conjunct of WHERE that is nothing but [NOT] EXISTS or [NOT] IN: filters `plan` by a join.
  // False when it is something else.
  bool filter_by_subquery(const Expression& conjunct, ExpressionBinder& binder, PlanPtr* plan);

  // Joins every subquery met so far. `place_outer`, when given, says where the columns of `scope`
  // are in `plan`.
  PlanPtr join_pending(
      PlanPtr plan,
      const std::function<BoundExpressionPtr(const BoundExpression&)>& place_outer = nullptr);
  BoundExpressionPtr resolved(const BoundExpressionPtr& expression) const;

 private:
  struct Pending {
    Subquery subquery;
    std::optional<size_t> column;  // once joined
  };

  Subquery bind_subquery(const Expression& expression, ExpressionBinder& binder,
                         SubqueryKind kind) const;

  const SelectBinder& select_;
  const NameScope& scope_;
  Subqueries subqueries_;
  WindowBinder* windows_ = nullptr;
  std::vector<Pending> pending_;
};

}  // namespace velaria::sql
