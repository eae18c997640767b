// Expressions ready to run: types known, names replaced by positions, functions by kernels.
//
// Immutable and shared. Positions refer to the columns of the chunk that the expression is given.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "src/column/column.h"
#include "src/expr/user_function.h"

namespace velaria {

struct BoundExpression;
using BoundExpressionPtr = std::shared_ptr<const BoundExpression>;

// Arguments are flat or constant (never dictionary), `rows` long, of exactly the types the function
// was bound with. The result is of type `result`, any encoding, `rows` long. Kernels are pure.
using ScalarKernel = ColumnPtr (*)(const std::vector<ColumnPtr>& arguments, int64_t rows,
                                   const DataType& result);

enum class BoundKind {
  kConstant,
  kColumn,
  kOuterColumn,  // of a query around this one; gone when plans are decorrelated, never evaluated
  kCall,
  kCast,
  kCase,
  kAnd,
  kOr,
  kTry  // a condition, but true for all rows when it fails for one of them: drops rows early that
        // the same condition drops again where a failure counts
};

struct BoundExpression {
  BoundKind kind = BoundKind::kConstant;
  DataType type;
  Value constant;                 // kConstant
  size_t column = 0;              // kColumn, kOuterColumn
  size_t outer_level = 0;         // kOuterColumn: 1 is the query directly around, 2 the next ...
  std::string name;               // columns: the column's; kCall: the function's
  ScalarKernel kernel = nullptr;  // kCall
  UserFunctionPtr user_function;  // kCall: in place of the kernel
  bool strict = true;             // kCall: NULL in, NULL out; the kernel never sees a constant NULL
  bool try_cast = false;          // kCast
  bool has_else = false;          // kCase: children are WHEN, THEN pairs, then ELSE
  bool fails_itself = false;      // kCall, kCast: may throw on some values
  bool is_repeated = false;       // this very node occurs at several places: worth remembering
  bool can_fail = false;          // this node or one below may throw on some values
  std::vector<BoundExpressionPtr> children;
  // float64 made of literals such as 0.05 only: the same as an exact decimal, taken beside
  // decimals.
  BoundExpressionPtr exact;

  // "distance > 500", "CAST(x AS int64)": explain text. Equal texts with equal columns mean equal
  // expressions.
  std::string to_string() const;
  // Sets can_fail from the node and its children.
  void update_can_fail();
  bool is_constant() const { return kind == BoundKind::kConstant; }
};

BoundExpressionPtr bound_constant(Value value);
BoundExpressionPtr bound_column(size_t column, DataType type, std::string name);
BoundExpressionPtr bound_outer_column(size_t level, size_t column, DataType type, std::string name);
// The child itself when it has the type already; constants are cast at once when they can be.
BoundExpressionPtr bound_cast(BoundExpressionPtr child, const DataType& type,
                              bool try_cast = false);
// AND or OR over boolean children; one child is that child.
BoundExpressionPtr bound_logic(BoundKind kind, std::vector<BoundExpressionPtr> children);

// kTry over a boolean expression that calls no user function.
BoundExpressionPtr bound_try(BoundExpressionPtr condition);
bool calls_user_function(const BoundExpression& expression);

// Lists, structs and maps are carried whole: whatever compares, orders, groups or computes with
// values refuses them. The text of the TypeMismatchError for `clause` ("GROUP BY", "min()") over
// `name` of `type`.
std::string nested_refusal(std::string_view clause, std::string_view name, const DataType& type);
// Throws it when the expression is nested.
void refuse_nested(const BoundExpression& expression, std::string_view clause);

bool same_expression(const BoundExpression& a, const BoundExpression& b);

// Calls f(column) for every column the expression reads.
void visit_columns(const BoundExpression& expression, const std::function<void(size_t)>& f);
// The same for columns of the queries around.
void visit_outer_columns(const BoundExpression& expression,
                         const std::function<void(const BoundExpression&)>& f);
// The same expression with every column replaced by what f says (a constant share of the tree is
// shared).
BoundExpressionPtr replace_columns(
    const BoundExpressionPtr& expression,
    const std::function<BoundExpressionPtr(const BoundExpression&)>& f);
// f over every node, children first; f gives back the node itself or another of the same type.
BoundExpressionPtr rewrite_expression(
    const BoundExpressionPtr& expression,
    const std::function<BoundExpressionPtr(const BoundExpressionPtr&)>& f);
// Equal expressions among and inside these become one node, marked as repeated, whose value a batch
// of rows remembers. Nothing changes when there are none.
void share_repeated_expressions(std::vector<BoundExpressionPtr>* expressions);
// The conjuncts of an AND tree.
std::vector<BoundExpressionPtr> split_conjuncts(const BoundExpressionPtr& expression);

}  // namespace velaria
