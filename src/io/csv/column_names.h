// Names of columns as a header gives them, made unique.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace velaria {

// `given` are the names of the columns at `places` (counted from 0, for made-up names and for
// warnings). A name that stands there once keeps it; an empty one becomes column<place + 1>, one
// that repeats gets _2, _3, ... in order, and both go around the names that are there. Each change
// appends a warning; `warnings` may be null.
std::vector<std::string> unique_column_names(const std::vector<std::string>& given,
                                             const std::vector<size_t>& places,
                                             std::vector<std::string>* warnings);

}  // namespace velaria
