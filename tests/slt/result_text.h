// Rows of a result as text, one line a row: what the tests of SQL compare.
#pragma once

#include <string>
#include <vector>

#include "src/session/data_frame.h"

namespace velaria {

// "1|abc|NULL". Text is shown so that no two results look alike: an empty one as (empty), one that
// reads NULL or (empty) in quotes, and \, | and control characters behind a backslash.
std::string value_text(const Value& value);
std::vector<std::string> row_texts(const QueryResult& result);

// The same, but floats as their bits; all NaN are one value.
std::vector<std::string> row_bits(const QueryResult& result);

}  // namespace velaria
