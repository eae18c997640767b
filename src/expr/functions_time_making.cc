// Dates and timestamps from their parts, from text and as text; time zones.
#include <cmath>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/column/calendar.h"
#include "src/expr/function_registry.h"
#include "src/expr/row_functions.h"
#include "src/kernel/cast.h"
#include "src/kernel/time_format.h"
#include "src/kernel/time_zone.h"

namespace velaria {

namespace {

const DataType kText(TypeId::kUtf8);
const DataType kInt64(TypeId::kInt64);
const DataType kFloat64(TypeId::kFloat64);
const DataType kDate(TypeId::kDate32);
const DataType kTime(TypeId::kTime64);
const DataType kMoment = DataType::timestamp(TimeUnit::kMicro);
const DataType kMomentUtc = DataType::timestamp(TimeUnit::kMicro, "UTC");

int64_t real_days(int64_t year, int64_t month, int64_t day) {
  const bool in_range = year >= -9999 && year <= 9999 && month >= 1 && month <= 12 && day >= 1;
  const CivilDate date{year, static_cast<int>(in_range ? month : 1),
                       static_cast<int>(std::min<int64_t>(day, 99))};
  if (!in_range || !is_real_date(date)) {
    throw Error(ErrorKind::kTypeMismatch,
                concat("year ", year, ", month ", month, ", day ", day, " is no date"));
  }
  return days_from_civil(date);
}

int64_t real_clock(int64_t hour, int64_t minute, double second) {
  // The rounded seconds may be 60: that is the next minute, as in Postgres.
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || !(second >= 0 && second <= 60)) {
    throw Error(ErrorKind::kTypeMismatch, concat("hour ", hour, ", minute ", minute, ", second ",
                                                 format_double(second), " is no time of day"));
  }
  return (hour * 3600 + minute * 60) * 1000000 + static_cast<int64_t>(std::nearbyint(second * 1e6));
}

ColumnPtr make_date_kernel(const std::vector<ColumnPtr>& a, int64_t rows, const DataType& type) {
  return build_fixed<int32_t>(a, rows, type, [](const FlatColumns& c, int64_t i) {
    return static_cast<int32_t>(
        real_days(int64_at(*c[0], i), int64_at(*c[1], i), int64_at(*c[2], i)));
  });
}

ColumnPtr make_time_kernel(const std::vector<ColumnPtr>& a, int64_t rows, const DataType& type) {
  return build_fixed<int64_t>(a, rows, type, [](const FlatColumns& c, int64_t i) {
    const int64_t micros = real_clock(int64_at(*c[0], i), int64_at(*c[1], i), float64_at(*c[2], i));
    if (micros >= 86400000000) {
      throw Error(ErrorKind::kTypeMismatch, "24:00:00 is no time of day");
    }
    return micros;
  });
}

ColumnPtr make_timestamp_kernel(const std::vector<ColumnPtr>& a, int64_t rows,
                                const DataType& type) {
  return build_fixed<int64_t>(a, rows, type, [](const FlatColumns& c, int64_t i) {
    return real_days(int64_at(*c[0], i), int64_at(*c[1], i), int64_at(*c[2], i)) * 86400000000 +
           real_clock(int64_at(*c[3], i), int64_at(*c[4], i), float64_at(*c[5], i));
  });
}

// Whole numbers, and for the last `kFractions` arguments any number.
template <size_t kFractions, ScalarKernel kKernel>
std::optional<ResolvedFunction> resolve_making(const std::vector<DataType>& types,
                                               const DataType& result) {
  ResolvedFunction out;
  for (size_t i = 0; i < types.size(); ++i) {
    const bool fraction = i + kFractions >= types.size();
    if (!types[i].is_null() && !(fraction ? types[i].is_numeric() : types[i].is_integer())) {
      return std::nullopt;
    }
    out.argument_types.push_back(fraction ? kFloat64 : kInt64);
  }
  out.result_type = result;
  out.kernel = kKernel;
  out.can_fail = true;
  return out;
}

[[noreturn]] void beyond_timestamps(const std::string& value) {
  throw Error(ErrorKind::kTypeMismatch, concat(value, " is beyond the range of timestamps"));
}

ColumnPtr to_timestamp_kernel(const std::vector<ColumnPtr>& a, int64_t rows, const DataType& type) {
  return build_fixed<int64_t>(a, rows, type, [](const FlatColumns& c, int64_t i) {
    const double micros = std::nearbyint(float64_at(*c[0], i) * 1e6);
    if (!(std::fabs(micros) < 9.2e18)) beyond_timestamps(format_double(float64_at(*c[0], i)));
    return static_cast<int64_t>(micros);
  });
}

template <int64_t kMicrosPerUnit>
ColumnPtr from_epoch_kernel(const std::vector<ColumnPtr>& a, int64_t rows, const DataType& type) {
  return build_fixed<int64_t>(a, rows, type, [](const FlatColumns& c, int64_t i) {
    int64_t micros = 0;
    if (__builtin_mul_overflow(int64_at(*c[0], i), kMicrosPerUnit, &micros)) {
      beyond_timestamps(std::to_string(int64_at(*c[0], i)));
    }
    return micros;
  });
}

std::optional<ResolvedFunction> resolve_to_timestamp(const std::vector<DataType>& types) {
  if (types[0].is_integer()) {
    return ResolvedFunction{{kInt64}, kMomentUtc, from_epoch_kernel<1000000>, true};
  }
  if (!types[0].is_numeric() && !types[0].is_null()) return std::nullopt;
  return ResolvedFunction{{kFloat64}, kMomentUtc, to_timestamp_kernel, true};
}

// epoch_ms of a moment is a number, of a number a moment.
template <int64_t kPerSecond>
ColumnPtr to_epoch_kernel(const std::vector<ColumnPtr>& a, int64_t rows, const DataType& type) {
  const int64_t units = units_per_second(a[0]->type().unit());
  return build_fixed<int64_t>(a, rows, type, [units](const FlatColumns& c, int64_t i) {
    const int64_t value = int64_at(*c[0], i);
    if (units >= kPerSecond) return floor_div(value, units / kPerSecond);
    int64_t out = 0;
    if (__builtin_mul_overflow(value, kPerSecond / units, &out)) {
      beyond_timestamps(c[0]->value(i).to_string());
    }
    return out;
  });
}

template <int64_t kPerSecond>
std::optional<ResolvedFunction> resolve_epoch(const std::vector<DataType>& types) {
  if (types[0].is_integer()) {
    return ResolvedFunction{{kInt64}, kMoment, from_epoch_kernel<1000000 / kPerSecond>, true};
  }
  const auto moment = moment_type(types[0]);
  if (!moment) return std::nullopt;
  return ResolvedFunction{{*moment}, kInt64, to_epoch_kernel<kPerSecond>, true};
}

ColumnPtr strftime_kernel(const std::vector<ColumnPtr>& a, int64_t rows, const DataType&) {
  const TimeUnit unit = a[0]->type().unit();
  std::string_view checked;
  return build_text(a, rows, [unit, checked](const FlatColumns& c, int64_t i) mutable {
    const std::string_view pattern = text_at(*c[1], i);
    if (i == 0 || pattern != checked) check_time_pattern(pattern, false);
    checked = pattern;
    return write_time(int64_at(*c[0], i), unit, pattern);
  });
}

std::optional<ResolvedFunction> resolve_strftime(const std::vector<DataType>& types) {
  const auto moment = moment_type(types[0]);
  if (!moment || !text_like(types[1])) return std::nullopt;
  return ResolvedFunction{{*moment, kText}, kText, strftime_kernel, true};
}

template <bool kForReading>
void refine_pattern(const std::vector<BoundExpressionPtr>& arguments, ResolvedFunction*) {
  const BoundExpression& pattern = *arguments[1];
  if (pattern.is_constant() && !pattern.constant.is_null()) {
    check_time_pattern(pattern.constant.as_text(), kForReading);
  }
}

template <bool kTry>
ColumnPtr strptime_kernel(const std::vector<ColumnPtr>& a, int64_t rows, const DataType& type) {
  return build_fixed<int64_t>(
      a, rows, type, [](const FlatColumns& c, int64_t i) -> std::optional<int64_t> {
        const std::string_view pattern = text_at(*c[1], i);
        check_time_pattern(pattern, true);
        const auto micros = read_time(text_at(*c[0], i), pattern);
        if (!micros && !kTry) {
          throw Error(ErrorKind::kTypeMismatch,
                      concat(quote_sql_string(excerpt(text_at(*c[0], i))),
                             " does not fit the time pattern ", quote_sql_string(excerpt(pattern)),
                             "; use try_strptime to get NULL for such values"));
        }
        return micros;
      });
}

template <bool kTry>
std::optional<ResolvedFunction> resolve_strptime(const std::vector<DataType>& types) {
  if (!text_like(types[0]) || !text_like(types[1])) return std::nullopt;
  return ResolvedFunction{{kText, kText}, kMoment, strptime_kernel<kTry>, true};
}

template <char kLetter>
ColumnPtr name_kernel(const std::vector<ColumnPtr>& a, int64_t rows, const DataType&) {
  const TimeUnit unit = a[0]->type().unit();
  return build_text(a, rows, [unit](const FlatColumns& c, int64_t i) {
    constexpr char kPattern[] = {'%', kLetter};
    return write_time(int64_at(*c[0], i), unit, std::string_view(kPattern, 2));
  });
}

template <char kLetter>
std::optional<ResolvedFunction> resolve_name(const std::vector<DataType>& types) {
  const auto moment = moment_type(types[0]);
  if (!moment) return std::nullopt;
  return ResolvedFunction{{*moment}, kText, name_kernel<kLetter>};
}

// timezone(zone, moment): a moment with a zone as the clock there; a clock there as a moment.
ColumnPtr time_zone_kernel(const std::vector<ColumnPtr>& a, int64_t rows, const DataType& type) {
  const bool to_clock = type.time_zone().empty();
  const int64_t units = units_per_second(type.unit());
  std::string last;
  TimeZonePtr zone;
  return build_fixed<int64_t>(
      a, rows, type, [&](const FlatColumns& c, int64_t i) -> std::optional<int64_t> {
        if (!zone || last != text_at(*c[0], i)) {
          last = std::string(text_at(*c[0], i));
          zone = find_time_zone(last);
        }
        const int64_t value = int64_at(*c[1], i);
        const int64_t seconds = floor_div(value, units);
        const int64_t offset =
            to_clock ? zone->offset_at(seconds) : -zone->offset_at_clock(seconds);
        int64_t moved = 0;
        if (__builtin_add_overflow(value, offset * units, &moved)) {
          beyond_timestamps(c[1]->value(i).to_string());
        }
        return moved;
      });
}

std::optional<ResolvedFunction> resolve_time_zone(const std::vector<DataType>& types) {
  const auto moment = moment_type(types[1]);
  if (!moment || !text_like(types[0])) return std::nullopt;
  const DataType result =
      DataType::timestamp(moment->unit(), moment->time_zone().empty() ? "UTC" : "");
  return ResolvedFunction{{kText, *moment}, result, time_zone_kernel, true};
}

void refine_time_zone(const std::vector<BoundExpressionPtr>& arguments, ResolvedFunction*) {
  const BoundExpression& zone = *arguments[0];
  if (zone.is_constant() && !zone.constant.is_null()) find_time_zone(zone.constant.as_text());
}

}  // namespace

void register_time_making(FunctionRegistry* registry) {
  const char* group = "time";
  registry->add({"make_date", group, "make_date(year, month, day)", "A date; an error for no date",
                 3, 3, [](const std::vector<DataType>& types) {
                   return resolve_making<0, make_date_kernel>(types, kDate);
                 }});
  registry->add({"make_time", group, "make_time(hour, minute, second)", "A time of day", 3, 3,
                 [](const std::vector<DataType>& types) {
                   return resolve_making<1, make_time_kernel>(types, kTime);
                 }});
  registry->add({"make_timestamp", group, "make_timestamp(year, month, day, hour, minute, second)",
                 "A timestamp", 6, 6, [](const std::vector<DataType>& types) {
                   return resolve_making<1, make_timestamp_kernel>(types, kMoment);
                 }});
  registry->add({"to_timestamp", group, "to_timestamp(seconds)",
                 "The moment so many seconds after 1970-01-01 UTC", 1, 1, resolve_to_timestamp});
  registry->add({"epoch_ms", group, "epoch_ms(x)",
                 "Milliseconds since 1970 of a moment; of a number the timestamp", 1, 1,
                 resolve_epoch<1000>});
  registry->add({"epoch_us", group, "epoch_us(x)",
                 "Microseconds since 1970 of a moment; of a number the timestamp", 1, 1,
                 resolve_epoch<1000000>});
  registry->add({"strftime", group, "strftime(moment, pattern)",
                 "The moment as text, such as '%Y-%m-%d %H:%M'", 2, 2, resolve_strftime,
                 refine_pattern<false>});
  registry->add({"strptime", group, "strptime(text, pattern)",
                 "The timestamp written in a pattern; an error when it does not fit", 2, 2,
                 resolve_strptime<false>, refine_pattern<true>});
  registry->add({"try_strptime", group, "try_strptime(text, pattern)",
                 "strptime with NULL for what does not fit", 2, 2, resolve_strptime<true>,
                 refine_pattern<true>});
  registry->add({"dayname", group, "dayname(moment)", "Monday to Sunday", 1, 1, resolve_name<'A'>});
  registry->add(
      {"monthname", group, "monthname(moment)", "January to December", 1, 1, resolve_name<'B'>});
  registry->add({"timezone", group, "timezone(zone, moment)",
                 "moment AT TIME ZONE zone: a moment with a zone as the clock there, a timestamp "
                 "read as the clock there as a moment",
                 2, 2, resolve_time_zone, refine_time_zone});
}

}  // namespace velaria
