// The proleptic Gregorian calendar, and the text form of dates and times (ISO 8601 with a space).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "src/column/type.h"

namespace velaria {

struct CivilDate {
  int64_t year = 1970;
  int month = 1;  // 1..12
  int day = 1;    // 1..31
};

// Days since 1970-01-01. The date must be real (see is_real_date).
int64_t days_from_civil(const CivilDate& date);
CivilDate civil_from_days(int64_t days);
bool is_leap_year(int64_t year);
int days_in_month(int64_t year, int month);
bool is_real_date(const CivilDate& date);

// floor(a / b) and the matching remainder in [0, b), for b > 0.
inline int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }
inline int64_t floor_mod(int64_t a, int64_t b) {
  const int64_t r = a % b;
  return r < 0 ? r + b : r;
}

std::string format_date(int32_t days);                              // "2013-01-01"
std::string format_time(int64_t micros);                            // "05:00:00", "05:00:00.25"
std::string format_timestamp(int64_t value, const DataType& type);  // "2013-01-01 05:00:00[+00]"
std::string format_interval(const Interval& interval);

// Whole-text parsers; nothing is returned for a text that is not exactly of the form.
// Date: YYYY-MM-DD.  Time: HH:MM[:SS[.f{1,9}]].
// Timestamp: date, then [ T]time, then optional Z or +HH[:MM]; the result is in `unit`, in UTC when
// an offset is given (`had_offset` says so). More fraction digits than the unit holds: no value.
std::optional<int32_t> parse_date(std::string_view text);
std::optional<int64_t> parse_time(std::string_view text);
std::optional<int64_t> parse_timestamp(std::string_view text, TimeUnit unit, bool* had_offset);
// "1 day", "2 months 3 days", "90 seconds", "01:30:00", and "-1 day".
std::optional<Interval> parse_interval(std::string_view text);

}  // namespace velaria
