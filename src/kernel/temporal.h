// Parts of dates and timestamps, and the starts of time windows.
#pragma once

#include <optional>
#include <string_view>

#include "src/column/column.h"

namespace velaria {

enum class DatePart {
  kYear,
  kQuarter,
  kMonth,
  kWeek,
  kDay,
  kDayOfWeek,
  kIsoDayOfWeek,
  kDayOfYear,
  kHour,
  kMinute,
  kSecond,
  kMillisecond,
  kMicrosecond,
  kEpoch,
  kIsoYear,
  kDecade,
  kCentury,
  kMillennium,
};

// "year", "dow", "hour" ...: throws SqlSemanticError with a suggestion.
DatePart date_part_from_name(std::string_view name);

// Whether the part may have a fraction: second, millisecond and epoch.
bool has_fraction(DatePart part);

// The part of a timestamp column (flat or constant), as int64 or, with its fraction, as float64:
// `result` says which. Week and isoyear are ISO 8601, dow is 0 for Sunday, isodow 7. As int64 the
// fraction of seconds is dropped. Moments with a time zone are taken apart in UTC.
ColumnPtr date_part(DatePart part, const ColumnPtr& timestamps, const DataType& result);

// Parts of intervals as in Postgres: month is 0 to 11, day and hour are not carried over; epoch
// counts a year as 365.25 days and a month as 30. Throws SqlSemanticError for parts that an
// interval has not (week, dow, ...).
ColumnPtr interval_part(DatePart part, const ColumnPtr& intervals, const DataType& result);

// The timestamp cut down to the start of its millennium, century, decade, year, quarter, month,
// week (Monday), day, hour, minute, second, millisecond or microsecond.
ColumnPtr date_trunc(DatePart part, const ColumnPtr& timestamps);

// How many starts of `part` lie between two timestamps of one type: 1 day between 23:59 and 00:01.
ColumnPtr date_difference(DatePart part, const ColumnPtr& from, const ColumnPtr& to);

// a - b in years, months, days and a clock, as Postgres's age(): adding it to b gives a.
Interval calendar_age(int64_t a, int64_t b, TimeUnit unit);

// Days since 1970 of the last day of the date's month; TypeMismatchError beyond the range of dates.
int32_t last_day_of_month(int32_t days);

// interval * factor / divisor, as in Postgres: what is left of a month becomes days of 30 to the
// month, what is left of a day becomes time. Nothing when it overflows or is not finite.
std::optional<Interval> scale_interval(const Interval& interval, double factor,
                                       double divisor = 1.0);

// The same by a whole number, exact to the microsecond (a half goes to the even one).
std::optional<Interval> divide_interval(const Interval& interval, int64_t divisor);

// floor(t / step) * step for every timestamp: the start of the window that t falls in, for windows
// that begin at multiples of `step_ms` since 1970-01-01 UTC. NULL stays NULL.
ColumnPtr window_start(const ColumnPtr& timestamps, int64_t step_ms);

}  // namespace velaria
