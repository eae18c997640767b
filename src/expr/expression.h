// Expressions as written: names, literals and calls, before anything is looked up.
//
// SQL text and frame verbs both make these; the binder turns them into BoundExpressions.
// Immutable and shared.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "src/column/type.h"
#include "src/column/value.h"

namespace velaria {

namespace sql {
struct SelectStatement;  // subqueries; the SQL room knows what is inside
}

struct Expression;
using ExpressionPtr = std::shared_ptr<const Expression>;

enum class ExpressionKind {
  kLiteral,     // `literal`
  kColumn,      // `name`, optionally `qualifier`
  kStar,        // * or qualifier.*
  kCall,        // function or operator `name` over `children`
  kCast,        // children[0] to `type`
  kCase,        // WHEN/THEN pairs in `children`, then ELSE if `has_else`; operand form is rewritten
  kSubquery,    // scalar subquery
  kExists,      // EXISTS (subquery)
  kInSubquery,  // children[0] IN (subquery)
  kParameter,   // ? or $1; `name` is its text
};

struct SortKey;

// Frame of a window function call.
struct FrameBound {
  enum class Kind { kUnboundedPreceding, kPreceding, kCurrentRow, kFollowing, kUnboundedFollowing };
  Kind kind = Kind::kCurrentRow;
  ExpressionPtr offset;  // of kPreceding and kFollowing
};
struct WindowSpec {
  enum class FrameUnit { kRows, kRange, kGroups };
  std::string base_name;  // OVER name, or OVER (name ...)
  std::vector<ExpressionPtr> partition_by;
  std::vector<SortKey> order_by;
  bool has_frame = false;
  FrameUnit unit = FrameUnit::kRange;
  FrameBound start{FrameBound::Kind::kUnboundedPreceding, nullptr};
  FrameBound end{FrameBound::Kind::kCurrentRow, nullptr};
};

struct Expression {
  ExpressionKind kind = ExpressionKind::kLiteral;
  int64_t position = -1;  // byte in the SQL text where it starts; -1: not from text
  std::string name;  // column or function, as written; operators: "+", "=", "and", "not", "||" ...
  bool quoted = false;    // kColumn, kCall: the name was in double quotes
  std::string qualifier;  // kColumn, kStar
  Value literal;
  Value exact;  // kLiteral: the decimal digits of a number such as 0.05, which is float64
  bool parameter = false;     // kLiteral: the value of a parameter, such as $1
  DataType type;              // kCast
  bool try_cast = false;      // kCast: TRY_CAST, NULL instead of an error
  bool has_else = false;      // kCase
  bool distinct = false;      // kCall: f(DISTINCT ...)
  bool ignore_nulls = false;  // kCall: f(...) IGNORE NULLS OVER (...)
  std::vector<ExpressionPtr> children;
  ExpressionPtr filter;                                  // kCall: FILTER (WHERE ...)
  std::vector<SortKey> order_by;                         // kCall: f(x ORDER BY ...), WITHIN GROUP
  std::shared_ptr<const WindowSpec> over;                // kCall: OVER (...)
  std::shared_ptr<const sql::SelectStatement> subquery;  // `name`: its text, shortened

  // Recursive code (destructors, binder, to_string) is as deep as the tree is high, so makers
  // refuse more than kMaxHeight. A subquery counts with what is inside. `node_count` counts a
  // shared child each time it is reached: nested BETWEENs share, and would take forever to walk.
  static constexpr int32_t kMaxHeight = 500;
  static constexpr int64_t kMaxNodeCount = 4000000;
  int32_t height = 1;
  int64_t node_count = 1;

  // Sets height and node_count from the parts; whoever makes a node calls it before sharing it.
  void measure();

  // SQL-like text, the default column name of a select item and the text in errors: lower-case
  // function names, few parentheses. Long subqueries are cut, so it is no identity.
  std::string to_string() const;
};

struct SortKey {
  ExpressionPtr expression;
  bool descending = false;
  std::optional<bool> nulls_first;  // not said: NULLS LAST in both directions
};

// These throw ResourceError for a tree beyond kMaxHeight.
ExpressionPtr make_literal(Value value, int64_t position = -1);
ExpressionPtr make_column(std::string name, int64_t position = -1);
ExpressionPtr make_call(std::string name, std::vector<ExpressionPtr> children,
                        int64_t position = -1);
ExpressionPtr make_cast(ExpressionPtr child, DataType type, int64_t position = -1);

}  // namespace velaria
