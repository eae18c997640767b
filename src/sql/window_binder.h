// Window functions of one SELECT: calls with OVER become pending columns while the select list,
// QUALIFY and ORDER BY are bound; then the functions are put into plans, one for all functions over
// the same window, and the pending columns get their places:
//
//   WindowBinder windows(statement.windows);
//   context.set_windows(&windows);            // of the clauses that may hold window functions
//   BoundExpressionPtr bound = binder.bind(expression);
//   plan = windows.add_plans(plan, [](const BoundExpressionPtr& e) { return e; });
//   bound = windows.resolved(bound);
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "src/expr/binder.h"
#include "src/plan/logical_plan.h"
#include "src/sql/ast.h"

namespace velaria::sql {

class WindowBinder {
 public:
  using NamedWindows = std::vector<std::pair<std::string, WindowSpec>>;
  // `named`: of the WINDOW clause; outlives the binder.
  explicit WindowBinder(const NamedWindows& named) : named_(named) {}

  // A call with OVER; `binder` binds its parts. Throws SqlSemanticError, SqlUnsupportedError,
  // TypeMismatchError.
  BoundExpressionPtr bind_call(const Expression& call, ExpressionBinder& binder);

  // Computes all functions bound so far over `plan`; `place` is applied to their expressions.
  PlanPtr add_plans(PlanPtr plan,
                    const std::function<BoundExpressionPtr(const BoundExpressionPtr&)>& place);
  // After add_plans().
  BoundExpressionPtr resolved(const BoundExpressionPtr& expression) const;

 private:
  struct Window {
    std::vector<BoundExpressionPtr> partition_by;
    std::vector<BoundSortKey> order_by;
  };
  struct Function {
    size_t window;
    BoundWindowFunction function;
    size_t column = 0;  // once planned
  };

  // The window that a specification means with the one it builds on.
  WindowSpec full_spec(const WindowSpec& spec, size_t visible_names) const;
  size_t bind_window(const WindowSpec& spec, ExpressionBinder& binder);
  BoundWindowFrame bind_frame(const WindowSpec& spec, const Window& window,
                              ExpressionBinder& binder) const;
  BoundWindowFunction bind_function(const Expression& call, ExpressionBinder& binder) const;

  const NamedWindows& named_;
  std::vector<Window> windows_;
  std::vector<Function> functions_;
  bool inside_ = false;  // the parts of a call are being bound
};

// Whether the expression calls a window function.
bool contains_window_function(const Expression& expression);

}  // namespace velaria::sql
