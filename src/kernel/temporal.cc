#include "src/kernel/temporal.h"

#include <limits>
#include <string>
#include <vector>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/column/calendar.h"
#include "src/kernel/take.h"

namespace velaria {

namespace {

struct NamedPart {
  const char* name;
  DatePart part;
};

constexpr NamedPart kParts[] = {
    {"year", DatePart::kYear},
    {"quarter", DatePart::kQuarter},
    {"month", DatePart::kMonth},
    {"week", DatePart::kWeek},
    {"day", DatePart::kDay},
    {"dow", DatePart::kDayOfWeek},
    {"doy", DatePart::kDayOfYear},
    {"hour", DatePart::kHour},
    {"minute", DatePart::kMinute},
    {"second", DatePart::kSecond},
    {"millisecond", DatePart::kMillisecond},
    {"microsecond", DatePart::kMicrosecond},
    {"epoch", DatePart::kEpoch},
};

// Monday = 0.
int64_t weekday_from_monday(int64_t days) { return floor_mod(days + 3, 7); }

int64_t iso_week(int64_t days) {
  // The week belongs to the year of its Thursday.
  const int64_t thursday = days - weekday_from_monday(days) + 3;
  const CivilDate date = civil_from_days(thursday);
  const int64_t first = days_from_civil({date.year, 1, 1});
  return (thursday - first) / 7 + 1;
}

int64_t part_of(DatePart part, int64_t value, int64_t units) {
  const int64_t seconds = floor_div(value, units);
  const int64_t days = floor_div(seconds, 86400);
  const int64_t second_of_day = floor_mod(seconds, 86400);
  switch (part) {
    case DatePart::kYear: return civil_from_days(days).year;
    case DatePart::kQuarter: return (civil_from_days(days).month - 1) / 3 + 1;
    case DatePart::kMonth: return civil_from_days(days).month;
    case DatePart::kWeek: return iso_week(days);
    case DatePart::kDay: return civil_from_days(days).day;
    case DatePart::kDayOfWeek: return floor_mod(days + 4, 7);
    case DatePart::kDayOfYear:
      return days - days_from_civil({civil_from_days(days).year, 1, 1}) + 1;
    case DatePart::kHour: return second_of_day / 3600;
    case DatePart::kMinute: return second_of_day / 60 % 60;
    case DatePart::kSecond: return second_of_day % 60;
    case DatePart::kMillisecond:
      return second_of_day % 60 * 1000 + floor_mod(value, units) * 1000 / units;
    case DatePart::kMicrosecond:
      return second_of_day % 60 * 1000000 + floor_mod(value, units) * 1000000 / units;
    case DatePart::kEpoch: return seconds;
  }
  return 0;
}

int64_t truncate(DatePart part, int64_t value, int64_t units) {
  const int64_t day_units = 86400 * units;
  switch (part) {
    case DatePart::kYear:
    case DatePart::kQuarter:
    case DatePart::kMonth: {
      CivilDate date = civil_from_days(floor_div(value, day_units));
      if (part == DatePart::kYear) date.month = 1;
      if (part == DatePart::kQuarter) date.month = (date.month - 1) / 3 * 3 + 1;
      date.day = 1;
      return days_from_civil(date) * day_units;
    }
    case DatePart::kWeek: {
      const int64_t days = floor_div(value, day_units);
      return (days - weekday_from_monday(days)) * day_units;
    }
    case DatePart::kDay: return value - floor_mod(value, day_units);
    case DatePart::kHour: return value - floor_mod(value, 3600 * units);
    case DatePart::kMinute: return value - floor_mod(value, 60 * units);
    case DatePart::kSecond: return value - floor_mod(value, units);
    case DatePart::kMillisecond:
      return units < 1000 ? value : value - floor_mod(value, units / 1000);
    case DatePart::kMicrosecond:
      return units < 1000000 ? value : value - floor_mod(value, units / 1000000);
    default: break;
  }
  throw Error(ErrorKind::kSqlSemantic,
              "date_trunc cuts to year, quarter, month, week, day, hour, minute, second, "
              "millisecond or microsecond");
}

template <typename F>
ColumnPtr map_timestamps(const ColumnPtr& timestamps, DataType result, F f) {
  const ColumnPtr flat = flatten(timestamps);
  const int64_t rows = flat->length();
  auto buffer = Buffer::allocate(static_cast<size_t>(rows) * sizeof(int64_t));
  auto* out = reinterpret_cast<int64_t*>(buffer->mutable_data());
  const int64_t* values = flat->values<int64_t>();
  for (int64_t i = 0; i < rows; ++i) out[i] = flat->validity().valid(i) ? f(values[i]) : 0;
  return Column::flat(std::move(result), rows, std::move(buffer), 0, flat->validity());
}

}  // namespace

DatePart date_part_from_name(std::string_view name) {
  std::string folded = to_lower_ascii(name);
  if (folded == "dayofweek") folded = "dow";
  if (folded == "dayofyear") folded = "doy";
  if (folded.size() > 1 && folded.back() == 's') folded.pop_back();
  std::vector<std::string> names;
  for (const NamedPart& known : kParts) {
    if (folded == known.name) return known.part;
    names.emplace_back(known.name);
  }
  throw Error(ErrorKind::kSqlSemantic,
              concat("'", excerpt(name), "' is not a part of a date", did_you_mean(folded, names),
                     "; the parts are ", join_texts(names, ", ")));
}

ColumnPtr date_part(DatePart part, const ColumnPtr& timestamps) {
  const int64_t units = units_per_second(timestamps->type().unit());
  return map_timestamps(timestamps, DataType(TypeId::kInt64),
                        [=](int64_t v) { return part_of(part, v, units); });
}

ColumnPtr date_trunc(DatePart part, const ColumnPtr& timestamps) {
  const int64_t units = units_per_second(timestamps->type().unit());
  return map_timestamps(timestamps, timestamps->type(),
                        [=](int64_t v) { return truncate(part, v, units); });
}

ColumnPtr window_start(const ColumnPtr& timestamps, int64_t step_ms) {
  const DataType& type = timestamps->type();
  // In whole units of the column; a step finer than a unit cannot be told apart there.
  const Int128 exact = static_cast<Int128>(step_ms) * units_per_second(type.unit());
  if (step_ms <= 0 || exact % 1000 != 0 || exact / 1000 > std::numeric_limits<int64_t>::max()) {
    throw Error(ErrorKind::kSqlSemantic,
                concat("a window step of ", step_ms, " ms does not fit a column of type ",
                       type.to_string(), "; use a whole multiple of the column's unit"));
  }
  const auto step = static_cast<int64_t>(exact / 1000);
  return map_timestamps(timestamps, type, [=](int64_t v) {
    const int64_t offset = floor_mod(v, step);
    if (v < std::numeric_limits<int64_t>::min() + offset) {
      throw Error(ErrorKind::kTypeMismatch,
                  concat("the window of timestamp value ", v, " starts before what ",
                         type.to_string(), " can hold"));
    }
    return v - offset;
  });
}

}  // namespace velaria
