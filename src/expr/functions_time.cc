// Functions over dates and timestamps.
#include "src/base/error.h"
#include "src/expr/function_registry.h"
#include "src/kernel/temporal.h"

namespace velaria {

namespace {

const DataType kText(TypeId::kUtf8);
const DataType kInt64(TypeId::kInt64);

std::optional<DataType> moment_type(const DataType& type) {
  if (type.id() == TypeId::kTimestamp) return type;
  if (type.id() == TypeId::kDate32 || type.is_null()) return DataType::timestamp(TimeUnit::kMicro);
  return std::nullopt;
}

std::string part_name(const Column& column) {
  if (!column.is_constant()) {
    throw Error(ErrorKind::kSqlUnsupported,
                "the part of a date must be written as a constant, such as 'hour'");
  }
  return column.value(0).as_text();
}

ColumnPtr date_part_kernel(const std::vector<ColumnPtr>& a, int64_t, const DataType&) {
  return date_part(date_part_from_name(part_name(*a[0])), a[1]);
}

ColumnPtr date_trunc_kernel(const std::vector<ColumnPtr>& a, int64_t, const DataType&) {
  return date_trunc(date_part_from_name(part_name(*a[0])), a[1]);
}

template <DatePart kPart>
ColumnPtr one_part_kernel(const std::vector<ColumnPtr>& a, int64_t, const DataType&) {
  return date_part(kPart, a[0]);
}

std::optional<ResolvedFunction> resolve_date_part(const std::vector<DataType>& types) {
  const auto moment = moment_type(types[1]);
  if (!moment || (types[0].id() != TypeId::kUtf8 && !types[0].is_null())) return std::nullopt;
  return ResolvedFunction{{kText, *moment}, kInt64, date_part_kernel, true};
}

std::optional<ResolvedFunction> resolve_date_trunc(const std::vector<DataType>& types) {
  const auto moment = moment_type(types[1]);
  if (!moment || (types[0].id() != TypeId::kUtf8 && !types[0].is_null())) return std::nullopt;
  return ResolvedFunction{{kText, *moment}, *moment, date_trunc_kernel, true};
}

template <DatePart kPart>
std::optional<ResolvedFunction> resolve_one_part(const std::vector<DataType>& types) {
  const auto moment = moment_type(types[0]);
  if (!moment) return std::nullopt;
  return ResolvedFunction{{*moment}, kInt64, one_part_kernel<kPart>};
}

}  // namespace

void register_time(FunctionRegistry* registry) {
  const char* group = "time";
  registry->add({"date_part", group, "date_part(part, moment)",
                 "A part of a date or timestamp as a whole number; also EXTRACT(part FROM moment)",
                 2, 2, resolve_date_part});
  registry->add({"date_trunc", group, "date_trunc(part, moment)", "The start of the moment's part",
                 2, 2, resolve_date_trunc});
  registry->add({"year", group, "year(moment)", "Year", 1, 1, resolve_one_part<DatePart::kYear>});
  registry->add({"month", group, "month(moment)", "Month, 1 to 12", 1, 1,
                 resolve_one_part<DatePart::kMonth>});
  registry->add(
      {"day", group, "day(moment)", "Day of the month", 1, 1, resolve_one_part<DatePart::kDay>});
  registry->add(
      {"hour", group, "hour(moment)", "Hour, 0 to 23", 1, 1, resolve_one_part<DatePart::kHour>});
  registry->add(
      {"minute", group, "minute(moment)", "Minute", 1, 1, resolve_one_part<DatePart::kMinute>});
  registry->add({"second", group, "second(moment)", "Second, without its fraction", 1, 1,
                 resolve_one_part<DatePart::kSecond>});
}

}  // namespace velaria
