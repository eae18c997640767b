#include "src/kernel/temporal.h"

#include <cmath>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/column/calendar.h"
#include "src/kernel/rounded_ratio.h"
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
    {"isodow", DatePart::kIsoDayOfWeek},
    {"doy", DatePart::kDayOfYear},
    {"hour", DatePart::kHour},
    {"minute", DatePart::kMinute},
    {"second", DatePart::kSecond},
    {"millisecond", DatePart::kMillisecond},
    {"microsecond", DatePart::kMicrosecond},
    {"epoch", DatePart::kEpoch},
    {"isoyear", DatePart::kIsoYear},
    {"decade", DatePart::kDecade},
    {"century", DatePart::kCentury},
    {"millennium", DatePart::kMillennium},
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

int64_t iso_year(int64_t days) {
  return civil_from_days(days - weekday_from_monday(days) + 3).year;
}

// The first century is the years 1 to 100; before it comes -1, as in Postgres.
int64_t group_of_years(int64_t year, int64_t length) {
  return year > 0 ? (year + length - 1) / length : -((length - 1 + (1 - year)) / length);
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
    case DatePart::kIsoDayOfWeek: return weekday_from_monday(days) + 1;
    case DatePart::kIsoYear: return iso_year(days);
    case DatePart::kDecade: return floor_div(civil_from_days(days).year, 10);
    case DatePart::kCentury: return group_of_years(civil_from_days(days).year, 100);
    case DatePart::kMillennium: return group_of_years(civil_from_days(days).year, 1000);
  }
  return 0;
}

// Seconds of a minute with their fraction, or all since 1970. Rounded once.
double fraction_part_of(DatePart part, int64_t value, int64_t units) {
  const auto scale = static_cast<double>(units);
  switch (part) {
    case DatePart::kEpoch: {
      constexpr int64_t kMostExact = int64_t{1} << 53;  // whole numbers beyond are no doubles
      const bool exact = -kMostExact <= value && value <= kMostExact;
      return exact ? static_cast<double>(value) / scale : rounded_ratio(value, units);
    }
    case DatePart::kMillisecond:
      return static_cast<double>(floor_mod(value, 60 * units) * 1000) / scale;
    case DatePart::kSecond: return static_cast<double>(floor_mod(value, 60 * units)) / scale;
    default: return static_cast<double>(part_of(part, value, units));
  }
}

[[noreturn]] void truncation_overflowed(int64_t value) {
  throw Error(ErrorKind::kTypeMismatch,
              concat("date_trunc of the timestamp value ", value,
                     " starts before what its type can hold; cast it to TIMESTAMP(6) or coarser"));
}

int64_t checked_units(int64_t days, int64_t day_units, int64_t value) {
  int64_t out = 0;
  if (__builtin_mul_overflow(days, day_units, &out)) truncation_overflowed(value);
  return out;
}

int64_t less(int64_t value, int64_t offset) {
  int64_t out = 0;
  if (__builtin_sub_overflow(value, offset, &out)) truncation_overflowed(value);
  return out;
}

int64_t truncate(DatePart part, int64_t value, int64_t units) {
  const int64_t day_units = 86400 * units;
  switch (part) {
    case DatePart::kYear:
    case DatePart::kQuarter:
    case DatePart::kMonth:
    case DatePart::kDecade:
    case DatePart::kCentury:
    case DatePart::kMillennium: {
      CivilDate date = civil_from_days(floor_div(value, day_units));
      if (part == DatePart::kQuarter) {
        date.month = (date.month - 1) / 3 * 3 + 1;
      } else if (part != DatePart::kMonth) {
        date.month = 1;
      }
      if (part == DatePart::kDecade) date.year = floor_div(date.year, 10) * 10;
      if (part == DatePart::kCentury) date.year = floor_div(date.year - 1, 100) * 100 + 1;
      if (part == DatePart::kMillennium) date.year = floor_div(date.year - 1, 1000) * 1000 + 1;
      date.day = 1;
      return checked_units(days_from_civil(date), day_units, value);
    }
    case DatePart::kWeek: {
      const int64_t days = floor_div(value, day_units);
      return checked_units(days - weekday_from_monday(days), day_units, value);
    }
    case DatePart::kDay: return less(value, floor_mod(value, day_units));
    case DatePart::kHour: return less(value, floor_mod(value, 3600 * units));
    case DatePart::kMinute: return less(value, floor_mod(value, 60 * units));
    case DatePart::kSecond: return less(value, floor_mod(value, units));
    case DatePart::kMillisecond:
      return units < 1000 ? value : less(value, floor_mod(value, units / 1000));
    case DatePart::kMicrosecond:
      return units < 1000000 ? value : less(value, floor_mod(value, units / 1000000));
    default: break;
  }
  throw Error(ErrorKind::kSqlSemantic,
              "date_trunc cuts to millennium, century, decade, year, quarter, month, week, day, "
              "hour, minute, second, millisecond or microsecond");
}

// The number of the part since 1970, so that differences count its starts.
int64_t part_number(DatePart part, int64_t value, int64_t units) {
  const int64_t days = floor_div(value, 86400 * units);
  switch (part) {
    case DatePart::kYear: return civil_from_days(days).year;
    case DatePart::kIsoYear: return iso_year(days);
    case DatePart::kDecade: return floor_div(civil_from_days(days).year, 10);
    case DatePart::kCentury: return floor_div(civil_from_days(days).year - 1, 100);
    case DatePart::kMillennium: return floor_div(civil_from_days(days).year - 1, 1000);
    case DatePart::kQuarter: {
      const CivilDate date = civil_from_days(days);
      return date.year * 4 + (date.month - 1) / 3;
    }
    case DatePart::kMonth: {
      const CivilDate date = civil_from_days(days);
      return date.year * 12 + date.month;
    }
    case DatePart::kWeek: return floor_div(days + 3, 7);
    case DatePart::kDay:
    case DatePart::kDayOfWeek:
    case DatePart::kIsoDayOfWeek:
    case DatePart::kDayOfYear: return days;
    case DatePart::kHour: return floor_div(value, 3600 * units);
    case DatePart::kMinute: return floor_div(value, 60 * units);
    case DatePart::kSecond:
    case DatePart::kEpoch: return floor_div(value, units);
    case DatePart::kMillisecond:
    case DatePart::kMicrosecond: {
      const int64_t wanted = part == DatePart::kMillisecond ? 1000 : 1000000;
      if (units >= wanted) return floor_div(value, units / wanted);
      int64_t out = 0;
      if (__builtin_mul_overflow(value, wanted / units, &out)) {
        throw Error(ErrorKind::kTypeMismatch, "the difference of two timestamps overflows");
      }
      return out;
    }
  }
  return 0;
}

int64_t interval_part_of(DatePart part, const Interval& v) {
  switch (part) {
    case DatePart::kYear: return v.months / 12;
    case DatePart::kDecade: return v.months / 120;
    case DatePart::kCentury: return v.months / 1200;
    case DatePart::kMillennium: return v.months / 12000;
    case DatePart::kQuarter: return v.months % 12 / 3 + 1;
    case DatePart::kMonth: return v.months % 12;
    case DatePart::kDay: return v.days;
    case DatePart::kHour: return v.micros / 3600000000;
    case DatePart::kMinute: return v.micros / 60000000 % 60;
    case DatePart::kSecond: return v.micros / 1000000 % 60;
    case DatePart::kMillisecond: return v.micros / 1000 % 60000;
    case DatePart::kMicrosecond: return v.micros % 60000000;
    default: break;
  }
  throw Error(
      ErrorKind::kSqlSemantic,
      "an interval has no such part; its parts are year, quarter, month, day, hour, minute, "
      "second, millisecond, microsecond, decade, century, millennium and epoch");
}

double interval_fraction_of(DatePart part, const Interval& v) {
  switch (part) {
    case DatePart::kEpoch: {
      // Exact in quarter days; one rounding at the end.
      const Int128 quarter_days = static_cast<Int128>(v.months / 12) * 1461 +
                                  static_cast<Int128>(v.months % 12) * 120 +
                                  static_cast<Int128>(v.days) * 4;
      return static_cast<double>(quarter_days * 21600000000LL + v.micros) / 1e6;
    }
    case DatePart::kSecond: return static_cast<double>(v.micros % 60000000) / 1e6;
    case DatePart::kMillisecond: return static_cast<double>(v.micros % 60000000) / 1e3;
    default: return static_cast<double>(interval_part_of(part, v));
  }
}

template <typename From, typename To, typename F>
ColumnPtr map_values(const ColumnPtr& column, DataType result, F f) {
  const ColumnPtr flat = flatten(column);
  const int64_t rows = flat->length();
  auto buffer = Buffer::allocate(static_cast<size_t>(rows) * sizeof(To));
  auto* out = reinterpret_cast<To*>(buffer->mutable_data());
  const From* values = flat->values<From>();
  for (int64_t i = 0; i < rows; ++i) out[i] = flat->validity().valid(i) ? f(values[i]) : To();
  return Column::flat(std::move(result), rows, std::move(buffer), 0, flat->validity());
}

template <typename F>
ColumnPtr map_timestamps(const ColumnPtr& timestamps, DataType result, F f) {
  return map_values<int64_t, int64_t>(timestamps, std::move(result), f);
}

}  // namespace

DatePart date_part_from_name(std::string_view name) {
  std::string folded = to_lower_ascii(name);
  if (folded == "dayofweek" || folded == "weekday") folded = "dow";
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

bool has_fraction(DatePart part) {
  return part == DatePart::kSecond || part == DatePart::kMillisecond || part == DatePart::kEpoch;
}

ColumnPtr date_part(DatePart part, const ColumnPtr& timestamps, const DataType& result) {
  const int64_t units = units_per_second(timestamps->type().unit());
  if (result.is_float()) {
    return map_values<int64_t, double>(timestamps, result,
                                       [=](int64_t v) { return fraction_part_of(part, v, units); });
  }
  return map_timestamps(timestamps, result, [=](int64_t v) { return part_of(part, v, units); });
}

ColumnPtr interval_part(DatePart part, const ColumnPtr& intervals, const DataType& result) {
  if (result.is_float()) {
    return map_values<Interval, double>(
        intervals, result, [=](const Interval& v) { return interval_fraction_of(part, v); });
  }
  return map_values<Interval, int64_t>(
      intervals, result, [=](const Interval& v) { return interval_part_of(part, v); });
}

ColumnPtr date_trunc(DatePart part, const ColumnPtr& timestamps) {
  const int64_t units = units_per_second(timestamps->type().unit());
  return map_timestamps(timestamps, timestamps->type(),
                        [=](int64_t v) { return truncate(part, v, units); });
}

ColumnPtr date_difference(DatePart part, const ColumnPtr& from, const ColumnPtr& to) {
  const int64_t units = units_per_second(from->type().unit());
  const ColumnPtr x = flatten(from);
  const ColumnPtr y = flatten(to);
  const int64_t rows = x->length();
  const Validity validity = intersect(x->validity(), y->validity(), rows);
  auto buffer = Buffer::allocate(static_cast<size_t>(rows) * sizeof(int64_t));
  auto* out = reinterpret_cast<int64_t*>(buffer->mutable_data());
  for (int64_t i = 0; i < rows; ++i) {
    out[i] = 0;
    if (!validity.valid(i)) continue;
    if (__builtin_sub_overflow(part_number(part, y->values<int64_t>()[i], units),
                               part_number(part, x->values<int64_t>()[i], units), &out[i])) {
      throw Error(ErrorKind::kTypeMismatch, concat("the difference of ", x->value(i).to_string(),
                                                   " and ", y->value(i).to_string(), " overflows"));
    }
  }
  return Column::flat(DataType(TypeId::kInt64), rows, std::move(buffer), 0, validity);
}

Interval calendar_age(int64_t a, int64_t b, TimeUnit unit) {
  const bool negative = a < b;
  if (negative) std::swap(a, b);
  const int64_t units = units_per_second(unit);
  const int64_t day_units = 86400 * units;
  CivilDate late = civil_from_days(floor_div(a, day_units));
  const CivilDate early = civil_from_days(floor_div(b, day_units));
  int64_t clock = floor_mod(a, day_units) - floor_mod(b, day_units);
  int64_t days = late.day - early.day;
  int64_t months = (late.year - early.year) * 12 + late.month - early.month;
  if (clock < 0) {
    clock += day_units;
    --days;
  }
  if (days < 0) {
    // A borrowed month is as long as the earlier moment's.
    days += days_in_month(early.year, early.month);
    --months;
  }
  if (months > std::numeric_limits<int32_t>::max()) {
    throw Error(ErrorKind::kTypeMismatch,
                concat("age(): ", months, " months are between the moments, an interval holds ",
                       std::numeric_limits<int32_t>::max(),
                       "; subtract them, or take date_diff('month', ...)"));
  }
  const auto micros = static_cast<int64_t>(static_cast<Int128>(clock) * 1000000 / units);
  const int sign = negative ? -1 : 1;
  Interval out;
  out.months = static_cast<int32_t>(sign * months);
  out.days = static_cast<int32_t>(sign * days);
  out.micros = sign * micros;
  return out;
}

int32_t last_day_of_month(int32_t days) {
  CivilDate date = civil_from_days(days);
  date.day = days_in_month(date.year, date.month);
  const int64_t last = days_from_civil(date);
  if (last > std::numeric_limits<int32_t>::max()) {
    throw Error(ErrorKind::kTypeMismatch, "last_day() is beyond the range of dates");
  }
  return static_cast<int32_t>(last);
}

std::optional<Interval> scale_interval(const Interval& interval, double factor, double divisor) {
  const double months = interval.months * factor / divisor;
  const double whole_months = std::trunc(months);
  // Rounded to microseconds of a month, so that 0.1 of ten months is one month.
  const double month_days = std::round((months - whole_months) * 30.0 * 86400e6) / 86400e6;
  const double days = interval.days * factor / divisor;
  const double whole_days = std::trunc(days) + std::trunc(month_days);
  const double rest_days = (days - std::trunc(days)) + (month_days - std::trunc(month_days));
  const double micros =
      std::nearbyint(static_cast<double>(interval.micros) * factor / divisor + rest_days * 86400e6);
  constexpr double kMost32 = 2147483647.0;
  constexpr double kMost64 = 9223372036854775807.0;
  if (!(std::fabs(whole_months) <= kMost32) || !(std::fabs(whole_days) <= kMost32) ||
      !(std::fabs(micros) < kMost64)) {
    return std::nullopt;
  }
  Interval out;
  out.months = static_cast<int32_t>(whole_months);
  out.days = static_cast<int32_t>(whole_days);
  out.micros = static_cast<int64_t>(micros);
  return out;
}

std::optional<Interval> divide_interval(const Interval& interval, int64_t divisor) {
  constexpr Int128 kDayMicros = Int128{86400} * 1000000;
  if (divisor == 0) return std::nullopt;
  const Int128 d = divisor;
  // All in microseconds times the divisor.
  const Int128 month_rest = interval.months % d * 30 * kDayMicros;
  const Int128 day_rest = interval.days % d * kDayMicros;
  const Int128 rest = interval.micros + month_rest % (d * kDayMicros) + day_rest;
  const Int128 days = interval.days / d + month_rest / (d * kDayMicros);
  Int128 micros = rest / d;
  const Int128 left = rest % d;
  const Int128 twice = (left < 0 ? -left : left) * 2;
  const Int128 size = d < 0 ? -d : d;
  if (twice > size || (twice == size && micros % 2 != 0)) micros += (rest < 0) == (d < 0) ? 1 : -1;
  const Int128 months = interval.months / d;
  Interval out;
  out.months = static_cast<int32_t>(months);
  out.days = static_cast<int32_t>(days);
  out.micros = static_cast<int64_t>(micros);
  if (out.months != months || out.days != days || out.micros != micros) return std::nullopt;
  return out;
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
  // Rows of one window mostly stand together, and a division costs more than a look.
  return map_timestamps(timestamps, type, [=, start = int64_t{0}](int64_t v) mutable {
    if (v >= start &&
        static_cast<uint64_t>(v) - static_cast<uint64_t>(start) < static_cast<uint64_t>(step)) {
      return start;
    }
    const int64_t offset = floor_mod(v, step);
    if (v < std::numeric_limits<int64_t>::min() + offset) {
      throw Error(ErrorKind::kTypeMismatch,
                  concat("the window of timestamp value ", v, " starts before what ",
                         type.to_string(), " can hold"));
    }
    start = v - offset;
    return start;
  });
}

}  // namespace velaria
