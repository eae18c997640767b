// Values for the parameters of a statement's text.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "src/column/value.h"

namespace velaria::sql {

// `positional` for ? (in their order) and $1, $2 ...; `named`, without the dollar sign, for $name.
// A statement uses one of the three forms. A value stands where it is bound as a literal of its
// type would: no text of it is ever read as SQL.
struct Parameters {
  std::vector<Value> positional;
  std::map<std::string, Value> named;
};

}  // namespace velaria::sql
