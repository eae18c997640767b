// From names to positions and types: Expression -> BoundExpression.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "src/base/error.h"
#include "src/column/schema.h"
#include "src/expr/bound_expression.h"
#include "src/expr/expression.h"
#include "src/expr/function_registry.h"
#include "src/expr/user_function.h"

namespace velaria {

// The columns that names can mean, in the order of the input's columns.
struct ScopeColumn {
  std::string qualifier;  // table name or alias; empty: none
  std::string name;
  DataType type;
  // Found only with the qualifier: the sides' own columns behind the one that USING makes of them.
  bool qualified_only = false;
};

class NameScope {
 public:
  NameScope() = default;
  explicit NameScope(std::vector<ScopeColumn> columns);
  static NameScope of(const Schema& schema, std::string_view qualifier = "");

  const std::vector<ScopeColumn>& columns() const { return columns_; }
  // Throws SqlSemanticError: unknown (with a suggestion) or ambiguous. Unquoted names ignore case,
  // but an exact spelling wins.
  size_t resolve(const Expression& column) const;
  // Nothing when there is no such column; ambiguous ones throw as above.
  std::optional<size_t> find(const Expression& column) const;

 private:
  std::vector<ScopeColumn> columns_;
  // Positions by name in lower case; empty in narrow scopes, where looking through is as quick.
  std::unordered_map<std::string, std::vector<size_t>> by_name_;
};

class ExpressionBinder;

// What an expression may mean beyond the columns in its scope.
class BindingContext {
 public:
  virtual ~BindingContext() = default;
  // A column of a query around this one; null when there is none of that name.
  virtual BoundExpressionPtr outer_column(const Expression& column) = 0;
  // A subquery as a value, x IN (subquery), EXISTS (subquery); `binder` binds what stands beside
  // it.
  virtual BoundExpressionPtr subquery(const Expression& expression, ExpressionBinder& binder) = 0;
  // f gets the level of each column from around it that a subquery looks at, 1 for those of the
  // scope. False when `column` is not one that subquery() gave.
  virtual bool visit_subquery_levels(size_t column, const std::function<void(size_t)>& f) const = 0;
  // A call with OVER; null where window functions are not possible.
  virtual BoundExpressionPtr window_function(const Expression& call, ExpressionBinder& binder) = 0;
};

class ExpressionBinder {
 public:
  explicit ExpressionBinder(const NameScope& scope) : scope_(scope) {}
  virtual ~ExpressionBinder() = default;

  // Errors of the SQL text name the position; see `set_text`.
  BoundExpressionPtr bind(const Expression& expression);

  // What now() and its relatives are, in microseconds since 1970 UTC: the start of the statement.
  // Without it they are refused: a view or a stream query has no such time.
  void set_statement_time_us(std::optional<int64_t> time_us) { statement_time_us_ = time_us; }
  std::optional<int64_t> statement_time_us() const { return statement_time_us_; }

  // The SQL text that positions in expressions refer to; errors then show line, column and a caret.
  void set_locator(std::function<std::string(int64_t position)> locator) {
    locator_ = std::move(locator);
  }
  // Functions beside the built-in ones; outlives the binder. Null: there are none.
  void set_user_functions(const UserFunctions* functions) { user_functions_ = functions; }
  const UserFunctions* user_functions() const { return user_functions_; }

  // Outlives the binder; without one there is nothing beyond the scope.
  void set_context(BindingContext* context) { context_ = context; }
  BindingContext* context() const { return context_; }

 protected:
  // Asked first at every node: a subclass may bind it in its own way (aggregates, group keys).
  virtual BoundExpressionPtr intercept(const Expression&) { return nullptr; }
  virtual BoundExpressionPtr bind_column(const Expression& expression);

  const NameScope& scope() const { return scope_; }
  // Appends the place to the error's text once.
  [[noreturn]] void fail_at(const Expression& expression, const Error& error) const;

 private:
  BoundExpressionPtr bind_node(const Expression& expression);
  BoundExpressionPtr bind_call(const Expression& expression);
  BoundExpressionPtr bind_user_function(const UserFunctionPtr& function,
                                        std::vector<BoundExpressionPtr> arguments) const;
  BoundExpressionPtr bind_statement_time(std::string_view name) const;
  BoundExpressionPtr bind_case(const Expression& expression);

  const NameScope& scope_;
  std::function<std::string(int64_t)> locator_;
  std::optional<int64_t> statement_time_us_;
  BindingContext* context_ = nullptr;
  const UserFunctions* user_functions_ = nullptr;
};

// Whether `name` is an aggregate function ("count", "sum", ...).
bool is_aggregate_name(std::string_view name);
// Whether the expression calls an aggregate (outside of OVER).
bool contains_aggregate(const Expression& expression);
bool contains_aggregate(const WindowSpec& window);

// Binds and demands a boolean (NULL is one); `what` is "WHERE", "HAVING" ... for the error.
BoundExpressionPtr bind_condition(ExpressionBinder& binder, const Expression& expression,
                                  std::string_view what);

}  // namespace velaria
