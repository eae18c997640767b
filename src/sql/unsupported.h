// The SQL that people know and Velaria refuses by name: one table for the parser, the tests and
// docs.
#pragma once

#include <string_view>
#include <vector>

namespace velaria::sql {

struct UnsupportedSql {
  std::string_view name;     // as the error names it: "GROUPING SETS", "ALTER"
  std::string_view example;  // a statement that is refused for it
  std::string_view instead;  // what to do, a sentence without its full stop
  bool statement = false;    // the first word of a statement: refused wherever one begins
};

const std::vector<UnsupportedSql>& unsupported_sql();

// What the grammar takes, and is refused by name when the statement is bound to its tables. The
// examples are over t(a, b) and s(a, d), all BIGINT.
const std::vector<UnsupportedSql>& unsupported_when_bound();

// The row of `name`, in any case; null when there is none.
const UnsupportedSql* find_unsupported(std::string_view name);

}  // namespace velaria::sql
