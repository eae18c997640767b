// Timestamps to text and back by a pattern, as C's strftime and strptime in the English locale.
//
//   %Y year, at least 4 digits   %y year of the century: 00-68 is 20xx, 69-99 is 19xx
//   %m month 01-12   %b %h Jan   %B January   %d day 01-31   %e day, space padded   %j day 001-366
//   %H hour 00-23    %I hour 01-12   %p AM or PM   %M minute   %S second
//   %f microseconds, 6 digits (read: 1 to 6)   %L milliseconds, 3 digits
//   %a Mon   %A Monday   %u day of week 1-7 from Monday   %w 0-6 from Sunday
//   %V ISO week 01-53   %G ISO year   %U %W week of the year from Sunday, from Monday
//   %s seconds since 1970   %z offset, +0000   %Z zone, UTC
//   %F is %Y-%m-%d   %T is %H:%M:%S   %D is %m/%d/%y   %R is %H:%M   %% is %   %n newline   %t tab
// %V %G %U %W and %Z are written only. %Y reads 1 to 6 digits, at most 4 where a number follows at
// once. Patterns with other letters are a SqlSemanticError.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "src/column/type.h"

namespace velaria {

// Throws for a pattern with unknown letters, or one that cannot be read with.
void check_time_pattern(std::string_view pattern, bool for_reading);

std::string write_time(int64_t value, TimeUnit unit, std::string_view pattern);

// Microseconds since 1970 UTC. Spaces in the pattern stand for any white space; missing parts are
// those of 1900-01-01 00:00:00. Nothing when the text does not fit, or names no real date.
std::optional<int64_t> read_time(std::string_view text, std::string_view pattern);

}  // namespace velaria
