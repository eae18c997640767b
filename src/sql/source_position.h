// Where in a SQL text something is, shown to people.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "src/base/error.h"

namespace velaria::sql {

// The lines that point at byte `position` of `text`, for errors of every room:
//   "line 1:8\n  SELECT carier FROM flights\n         ^"
// Lines and columns count from 1, columns in code points. A long line is cut around the place.
std::string point_at(std::string_view text, int64_t position);

// Throws an Error with `message`, a line break, and point_at().
[[noreturn]] void fail_at(ErrorKind kind, std::string_view message, std::string_view text,
                          int64_t position);

// The code point at byte `*position`, which moves behind it; -1 (and one byte) for invalid UTF-8.
int32_t next_code_point(std::string_view text, size_t* position);

}  // namespace velaria::sql
