// Scripts: the texts of their statements.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace velaria::sql {

// The texts of the statements of a script, without the ';' and without those that are empty; they
// need not be SQL, but must be tokens: a ';' in a text, a name or a comment separates nothing.
// SqlSyntaxError as tokenize() throws it, for a text or comment that does not end among others.
std::vector<std::string> split_statements(std::string_view text);

}  // namespace velaria::sql
