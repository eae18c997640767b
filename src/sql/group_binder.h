// Binding expressions above a GROUP BY: group keys and aggregates become columns of the aggregate.
#pragma once

#include <optional>
#include <vector>

#include "src/expr/aggregate.h"
#include "src/expr/binder.h"

namespace velaria::sql {

class GroupBinder : public ExpressionBinder {
 public:
  // `scope` and `keys` describe the aggregate's input and stay alive. `has_sets`: behind the keys
  // comes the column that tells which of them the row's grouping set is without.
  GroupBinder(const NameScope& scope, const std::vector<BoundExpressionPtr>& keys, bool has_sets)
      : ExpressionBinder(scope), keys_(keys), has_sets_(has_sets) {}

  // For what stands inside aggregates, and for finding keys; set_context() is for what stands above
  // the aggregate.
  void set_input_contexts(BindingContext* arguments, BindingContext* keys) {
    argument_context_ = arguments;
    key_context_ = keys;
  }

  // Binds what stands alone in the select list.
  BoundExpressionPtr bind_item(const Expression& item);

  std::vector<BoundAggregate> take_aggregates() { return std::move(aggregates_); }

 protected:
  BoundExpressionPtr intercept(const Expression& expression) override;
  BoundExpressionPtr bind_column(const Expression& expression) override;

 private:
  BoundExpressionPtr bind_aggregate(const Expression& expression);
  BoundExpressionPtr bind_grouping(const Expression& call);
  // Of the key that the expression is.
  std::optional<size_t> find_key(const Expression& expression) const;

  const std::vector<BoundExpressionPtr>& keys_;
  const bool has_sets_;
  std::vector<BoundAggregate> aggregates_;
  BindingContext* argument_context_ = nullptr;
  BindingContext* key_context_ = nullptr;
};

// The aggregate that a call means, with everything that may stand inside: DISTINCT, ORDER BY,
// WITHIN GROUP, FILTER. `input` binds its parts over the aggregate's input. The window of OVER is
// not looked at.
BoundAggregate bind_aggregate_call(const Expression& call, ExpressionBinder& input);

// The aggregate that a call means over its bound argument (null for count(*)).
BoundAggregate make_bound_aggregate(std::string_view name, BoundExpressionPtr argument);

}  // namespace velaria::sql
