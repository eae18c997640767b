// Parts of dates, times, timestamps and intervals; cutting and counting them.
#include "src/base/error.h"
#include "src/base/text.h"
#include "src/expr/function_registry.h"
#include "src/expr/row_functions.h"
#include "src/kernel/cast.h"
#include "src/kernel/temporal.h"

namespace velaria {

namespace {

const DataType kText(TypeId::kUtf8);
const DataType kInt64(TypeId::kInt64);
const DataType kFloat64(TypeId::kFloat64);
const DataType kDate(TypeId::kDate32);
const DataType kInterval(TypeId::kInterval);
const DataType kTime(TypeId::kTime64);

// What has parts: moments, times of day and intervals.
std::optional<DataType> parted_type(const DataType& type) {
  return type == kInterval || type == kTime ? type : moment_type(type);
}

DatePart constant_part(const BoundExpression& argument) {
  if (!argument.is_constant()) {
    throw Error(ErrorKind::kSqlUnsupported,
                "the part of a date must be written as a constant, such as 'hour'");
  }
  return date_part_from_name(argument.constant.as_text());
}

bool is_null_constant(const BoundExpression& argument) {
  return argument.is_constant() && argument.constant.is_null();
}

DatePart part_at(const Column& column) { return date_part_from_name(column.value(0).as_text()); }

ColumnPtr part_of(DatePart part, const ColumnPtr& value, const DataType& result) {
  if (value->type() == kInterval) return interval_part(part, value, result);
  if (value->type() == kTime) {
    return date_part(part, value->with_type(DataType::timestamp(TimeUnit::kMicro)), result);
  }
  return date_part(part, value, result);
}

void check_part_of_time(DatePart part) {
  switch (part) {
    case DatePart::kHour:
    case DatePart::kMinute:
    case DatePart::kSecond:
    case DatePart::kMillisecond:
    case DatePart::kMicrosecond:
    case DatePart::kEpoch: return;
    default:
      throw Error(ErrorKind::kSqlSemantic,
                  "a time of day has the parts hour, minute, second, millisecond, microsecond and "
                  "epoch only");
  }
}

// Throws what interval_part() throws for a part that no interval has.
void check_part_of_interval(DatePart part) {
  const DataType& type = has_fraction(part) ? kFloat64 : kInt64;
  interval_part(part, Column::constant(Value::interval(Interval()), 1), type);
}

ColumnPtr date_part_kernel(const std::vector<ColumnPtr>& a, int64_t, const DataType& result) {
  return part_of(part_at(*a[0]), a[1], result);
}

std::optional<ResolvedFunction> resolve_date_part(const std::vector<DataType>& types) {
  const auto value = parted_type(types[1]);
  if (!value || !text_like(types[0])) return std::nullopt;
  return ResolvedFunction{{kText, *value}, kInt64, date_part_kernel, true};
}

void refine_date_part(const std::vector<BoundExpressionPtr>& arguments, ResolvedFunction* out) {
  if (is_null_constant(*arguments[0])) return;
  const DatePart part = constant_part(*arguments[0]);
  if (arguments[1]->type == kTime) check_part_of_time(part);
  if (arguments[1]->type == kInterval) check_part_of_interval(part);
  if (has_fraction(part)) out->result_type = kFloat64;
}

ColumnPtr date_trunc_kernel(const std::vector<ColumnPtr>& a, int64_t, const DataType&) {
  return date_trunc(part_at(*a[0]), a[1]);
}

std::optional<ResolvedFunction> resolve_date_trunc(const std::vector<DataType>& types) {
  const auto moment = moment_type(types[1]);
  if (!moment || !text_like(types[0])) return std::nullopt;
  return ResolvedFunction{{kText, *moment}, *moment, date_trunc_kernel, true};
}

void refine_part(const std::vector<BoundExpressionPtr>& arguments, ResolvedFunction*) {
  if (!is_null_constant(*arguments[0])) constant_part(*arguments[0]);
}

// year(x), second(x) ...: whole numbers.
template <DatePart kPart>
ColumnPtr one_part_kernel(const std::vector<ColumnPtr>& a, int64_t, const DataType& result) {
  return part_of(kPart, a[0], result);
}

template <DatePart kPart>
std::optional<ResolvedFunction> resolve_one_part(const std::vector<DataType>& types) {
  const auto value = parted_type(types[0]);
  if (!value) return std::nullopt;
  if (*value == kTime) check_part_of_time(kPart);
  if (*value == kInterval) check_part_of_interval(kPart);
  return ResolvedFunction{{*value},
                          has_fraction(kPart) && kPart != DatePart::kSecond ? kFloat64 : kInt64,
                          one_part_kernel<kPart>,
                          *value == kInterval};
}

ColumnPtr date_diff_kernel(const std::vector<ColumnPtr>& a, int64_t, const DataType&) {
  return date_difference(part_at(*a[0]), a[1], a[2]);
}

std::optional<ResolvedFunction> resolve_date_diff(const std::vector<DataType>& types) {
  const auto from = moment_type(types[1]);
  const auto to = moment_type(types[2]);
  if (!from || !to || !text_like(types[0])) return std::nullopt;
  const auto both = common_type(*from, *to);
  return ResolvedFunction{{kText, *both, *both}, kInt64, date_diff_kernel, true};
}

ColumnPtr age_kernel(const std::vector<ColumnPtr>& a, int64_t rows, const DataType& result) {
  const TimeUnit unit = a[0]->type().unit();
  return build_fixed<Interval>(a, rows, result, [unit](const FlatColumns& c, int64_t i) {
    return calendar_age(int64_at(*c[0], i), int64_at(*c[1], i), unit);
  });
}

std::optional<ResolvedFunction> resolve_age(const std::vector<DataType>& types) {
  const auto a = moment_type(types[0]);
  const auto b = moment_type(types[1]);
  if (!a || !b) return std::nullopt;
  const auto both = common_type(*a, *b);
  return ResolvedFunction{{*both, *both}, kInterval, age_kernel, true};
}

ColumnPtr dates_of(const ColumnPtr& moments) { return cast(moments, kDate); }

ColumnPtr last_day_kernel(const std::vector<ColumnPtr>& a, int64_t rows, const DataType& result) {
  return build_fixed<int32_t>({dates_of(a[0])}, rows, result, [](const FlatColumns& c, int64_t i) {
    return last_day_of_month(c[0]->values<int32_t>()[i]);
  });
}

std::optional<ResolvedFunction> resolve_last_day(const std::vector<DataType>& types) {
  const auto moment = types[0] == kDate ? types[0] : moment_type(types[0]);
  if (!moment) return std::nullopt;
  return ResolvedFunction{{*moment}, kDate, last_day_kernel, true};
}

}  // namespace

void register_time(FunctionRegistry* registry) {
  const char* group = "time";
  registry->add({"date_part", group, "date_part(part, value)",
                 "A part of a date, time, timestamp or interval; also EXTRACT(part FROM value). "
                 "second, millisecond and epoch are float64 with their fraction",
                 2, 2, resolve_date_part, refine_date_part});
  registry->add_alias("datepart", "date_part");
  registry->add({"date_trunc", group, "date_trunc(part, moment)", "The start of the moment's part",
                 2, 2, resolve_date_trunc, refine_part});
  registry->add_alias("datetrunc", "date_trunc");
  registry->add({"date_diff", group, "date_diff(part, from, to)",
                 "How many starts of the part lie between the two moments", 3, 3, resolve_date_diff,
                 refine_part});
  registry->add_alias("datediff", "date_diff");
  registry->add({"age", group, "age(later, earlier)",
                 "Years, months, days and time between two moments", 2, 2, resolve_age});
  registry->add({"last_day", group, "last_day(moment)", "The last date of the moment's month", 1, 1,
                 resolve_last_day});
  registry->add({"year", group, "year(moment)", "Year", 1, 1, resolve_one_part<DatePart::kYear>});
  registry->add({"quarter", group, "quarter(moment)", "Quarter, 1 to 4", 1, 1,
                 resolve_one_part<DatePart::kQuarter>});
  registry->add({"month", group, "month(moment)", "Month, 1 to 12", 1, 1,
                 resolve_one_part<DatePart::kMonth>});
  registry->add({"week", group, "week(moment)", "ISO week, 1 to 53", 1, 1,
                 resolve_one_part<DatePart::kWeek>});
  registry->add_alias("weekofyear", "week");
  registry->add(
      {"day", group, "day(moment)", "Day of the month", 1, 1, resolve_one_part<DatePart::kDay>});
  registry->add_alias("dayofmonth", "day");
  registry->add({"dayofweek", group, "dayofweek(moment)", "Day of the week, 0 for Sunday", 1, 1,
                 resolve_one_part<DatePart::kDayOfWeek>});
  registry->add({"isodow", group, "isodow(moment)", "Day of the week, 1 for Monday to 7", 1, 1,
                 resolve_one_part<DatePart::kIsoDayOfWeek>});
  registry->add({"isoyear", group, "isoyear(moment)", "Year of the ISO week", 1, 1,
                 resolve_one_part<DatePart::kIsoYear>});
  registry->add({"dayofyear", group, "dayofyear(moment)", "Day of the year, 1 to 366", 1, 1,
                 resolve_one_part<DatePart::kDayOfYear>});
  registry->add(
      {"hour", group, "hour(moment)", "Hour, 0 to 23", 1, 1, resolve_one_part<DatePart::kHour>});
  registry->add(
      {"minute", group, "minute(moment)", "Minute", 1, 1, resolve_one_part<DatePart::kMinute>});
  registry->add({"second", group, "second(moment)", "Second, without its fraction", 1, 1,
                 resolve_one_part<DatePart::kSecond>});
  registry->add({"epoch", group, "epoch(moment)", "Seconds since 1970-01-01 UTC, with fraction", 1,
                 1, resolve_one_part<DatePart::kEpoch>});
}

}  // namespace velaria
