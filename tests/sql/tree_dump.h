// Syntax trees as compact s-expressions, for comparing in tests.
//
//   a + 1 -> (+ a 1);  SELECT a FROM t WHERE b -> (select [a] (from t) (where b))
#pragma once

#include <string>

#include "src/sql/ast.h"

namespace velaria::sql {

std::string dump(const Expression& node);
std::string dump(const SelectStatement& select);
std::string dump(const Statement& statement);

}  // namespace velaria::sql
