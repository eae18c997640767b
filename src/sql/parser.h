// SQL text -> tree. Nothing is looked up here.
//
//   Statement statement = parse_statement("SELECT carrier, count(*) FROM flights GROUP BY 1");
//
// What the tree does not show:
//   x BETWEEN a AND b         and(>=(x, a), <=(x, b)), sharing x
//   a AND b AND c ...         binary calls, balanced: thousands of terms stay a low tree
//   CASE x WHEN v ...         CASE WHEN x = v ..., sharing x
//   x ~ p, x ~* p             regexp_matches(x, p), regexp_matches(x, p, 'i')
//   EXTRACT(f FROM x)         date_part('f', x);  POSITION(a IN b) strpos(b, a)
//   TRIM(LEADING c FROM x)    ltrim(x, c);  x AT TIME ZONE z: timezone(z, x)
//   != is "<>"; IN (list) is in(x, a, b, ...); NOT IN, NOT LIKE ... are not(...)
//
// Errors: SqlSyntaxError, SqlUnsupportedError, and SqlSemanticError for a literal, type or size
// that does not exist (DATE '2013-02-30', EVERY 0); all with line:column and a caret under the
// place. Any thread; no state.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "src/sql/ast.h"
#include "src/sql/parameters.h"
#include "src/sql/source_position.h"

namespace velaria::sql {

// Exactly one statement, optionally ended by ';'.
Statement parse_statement(std::string_view text);
// The same with its parameters replaced by literals. SqlSemanticError for a parameter without a
// value, and for a value without a parameter.
Statement parse_statement(std::string_view text, const Parameters& parameters);
// Any number of statements separated by ';'.
std::vector<Statement> parse_script(std::string_view text);
// One expression, as frame verbs take it: "distance / 2 > 100".
ExpressionPtr parse_expression(std::string_view text);
// One select item: an expression with an optional alias, or a star.
SelectItem parse_select_item(std::string_view text);
// One sort key: "arr_delay DESC NULLS FIRST".
SortKey parse_sort_key(std::string_view text);

}  // namespace velaria::sql
