// Parts of dates and timestamps, and the starts of time windows.
#pragma once

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
  kDayOfYear,
  kHour,
  kMinute,
  kSecond,
  kMillisecond,
  kMicrosecond,
  kEpoch,
};

// "year", "dow", "hour" ...: throws SqlSemanticError with a suggestion.
DatePart date_part_from_name(std::string_view name);

// The part as int64 of a timestamp column (flat or constant). Week is ISO 8601, day of week is 0
// for Sunday, epoch is whole seconds. Seconds drop the fraction.
ColumnPtr date_part(DatePart part, const ColumnPtr& timestamps);

// The timestamp cut down to the start of its year, quarter, month, week (Monday), day, hour ...
ColumnPtr date_trunc(DatePart part, const ColumnPtr& timestamps);

// floor(t / step) * step for every timestamp: the start of the window that t falls in, for windows
// that begin at multiples of `step_ms` since 1970-01-01 UTC. NULL stays NULL.
ColumnPtr window_start(const ColumnPtr& timestamps, int64_t step_ms);

}  // namespace velaria
