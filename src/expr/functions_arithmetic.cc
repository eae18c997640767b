// + - * / % and unary minus: numbers, dates, timestamps, intervals.
#include "src/base/error.h"
#include "src/base/text.h"
#include "src/column/builder.h"
#include "src/expr/function_registry.h"
#include "src/kernel/arithmetic.h"
#include "src/kernel/cast.h"
#include "src/kernel/decimal_arithmetic.h"
#include "src/kernel/take.h"

namespace velaria {

namespace {

template <ArithmeticOp kOp>
ColumnPtr arithmetic_kernel(const std::vector<ColumnPtr>& a, int64_t, const DataType&) {
  return arithmetic(kOp, a[0], a[1]);
}

ColumnPtr negate_kernel(const std::vector<ColumnPtr>& a, int64_t, const DataType&) {
  return negate(a[0]);
}

template <bool kSubtract>
ColumnPtr shift_timestamp(const std::vector<ColumnPtr>& a, int64_t, const DataType&) {
  return add_interval(a[0], a[1], kSubtract);
}

ColumnPtr shift_timestamp_swapped(const std::vector<ColumnPtr>& a, int64_t, const DataType&) {
  return add_interval(a[1], a[0], false);
}

// Days between two dates: int32 values never overflow the int64 result.
ColumnPtr subtract_dates(const std::vector<ColumnPtr>& a, int64_t, const DataType& result) {
  const auto days = [&](const ColumnPtr& dates) {
    return cast(dates->with_type(DataType(TypeId::kInt32)), result);
  };
  return arithmetic(ArithmeticOp::kSubtract, days(a[0]), days(a[1]));
}

template <ArithmeticOp kOp>
ColumnPtr shift_date(const std::vector<ColumnPtr>& a, int64_t, const DataType& result) {
  const DataType wide(TypeId::kInt64);
  const ColumnPtr days = cast(a[0]->with_type(DataType(TypeId::kInt32)), wide);
  return cast(arithmetic(kOp, days, a[1]), DataType(TypeId::kInt32))->with_type(result);
}

ColumnPtr subtract_timestamps(const std::vector<ColumnPtr>& a, int64_t rows,
                              const DataType& result) {
  // Both are in one unit; the difference is exact, then counted in microseconds.
  const int64_t units = units_per_second(a[0]->type().unit());
  const DataType wide(TypeId::kInt64);
  const ColumnPtr difference =
      flatten(arithmetic(ArithmeticOp::kSubtract, a[0]->with_type(wide), a[1]->with_type(wide)));
  FixedBuilder<Interval> builder(result);
  for (int64_t i = 0; i < rows; ++i) {
    if (difference->is_null(i)) {
      builder.append_null();
      continue;
    }
    const Int128 micros = static_cast<Int128>(difference->values<int64_t>()[i]) * 1000000 / units;
    // Whole days apart, as in Postgres; both parts fit whatever the unit was.
    constexpr int64_t kMicrosPerDay = 86400000000;
    Interval interval;
    interval.days = static_cast<decltype(interval.days)>(micros / kMicrosPerDay);
    interval.micros = static_cast<int64_t>(micros % kMicrosPerDay);
    if (interval.days != micros / kMicrosPerDay) {
      throw Error(ErrorKind::kTypeMismatch, "the difference of two timestamps overflows");
    }
    builder.append(interval);
  }
  return builder.finish();
}

// interval * whole number: every part is multiplied.
ColumnPtr scale_interval(const std::vector<ColumnPtr>& a, int64_t rows, const DataType& result) {
  const bool interval_first = a[0]->type().id() == TypeId::kInterval;
  const ColumnPtr intervals = flatten(a[interval_first ? 0 : 1]);
  const ColumnPtr factors = flatten(a[interval_first ? 1 : 0]);
  FixedBuilder<Interval> builder(result);
  for (int64_t i = 0; i < rows; ++i) {
    if (intervals->is_null(i) || factors->is_null(i)) {
      builder.append_null();
      continue;
    }
    const Interval& interval = intervals->values<Interval>()[i];
    const int64_t factor = factors->values<int64_t>()[i];
    Interval scaled;
    if (__builtin_mul_overflow(interval.months, factor, &scaled.months) ||
        __builtin_mul_overflow(interval.days, factor, &scaled.days) ||
        __builtin_mul_overflow(interval.micros, factor, &scaled.micros)) {
      throw Error(ErrorKind::kTypeMismatch,
                  concat("interval overflow in ", intervals->value(i).to_sql(), " * ", factor));
    }
    builder.append(scaled);
  }
  return builder.finish();
}

// The type numbers are computed in: int64 or uint64 for integers, else float64 or float32.
std::optional<DataType> number_type(const DataType& a, const DataType& b) {
  const bool a_ok = a.is_numeric() || a.is_null();
  const bool b_ok = b.is_numeric() || b.is_null();
  if (!a_ok || !b_ok || (a.is_null() && b.is_null())) return std::nullopt;
  // uint64 beside a signed type is computed in int64: a value above it is an error.
  if (a.is_integer() && b.is_integer() && a.is_signed_integer() != b.is_signed_integer()) {
    return DataType(TypeId::kInt64);
  }
  const auto common = common_type(a, b);
  if (!common || common->id() == TypeId::kDecimal128 || common->is_float()) return common;
  return DataType(common->id() == TypeId::kUInt64 ? TypeId::kUInt64 : TypeId::kInt64);
}

template <ArithmeticOp kOp>
ColumnPtr decimal_kernel(const std::vector<ColumnPtr>& a, int64_t, const DataType& result) {
  return decimal_arithmetic(kOp, a[0], a[1], result);
}

template <ArithmeticOp kOp>
std::optional<ResolvedFunction> resolve_numbers(const std::vector<DataType>& types) {
  const auto type = number_type(types[0], types[1]);
  if (!type) return std::nullopt;
  if (type->id() == TypeId::kDecimal128) {
    const DataType a = decimal_of(types[0].is_null() ? types[1] : types[0]);
    const DataType b = decimal_of(types[1].is_null() ? types[0] : types[1]);
    return ResolvedFunction{{a, b}, decimal_result_type(kOp, a, b), decimal_kernel<kOp>, true};
  }
  return ResolvedFunction{{*type, *type}, *type, arithmetic_kernel<kOp>, !type->is_float()};
}

std::optional<ResolvedFunction> resolve_multiply(const std::vector<DataType>& types) {
  const DataType interval(TypeId::kInterval);
  const DataType whole(TypeId::kInt64);
  if (types[0] == interval && types[1].is_integer()) {
    return ResolvedFunction{{interval, whole}, interval, scale_interval, true};
  }
  if (types[0].is_integer() && types[1] == interval) {
    return ResolvedFunction{{whole, interval}, interval, scale_interval, true};
  }
  return resolve_numbers<ArithmeticOp::kMultiply>(types);
}

DataType micros_like(const DataType& type) {
  return type.id() == TypeId::kDate32 ? DataType::timestamp(TimeUnit::kMicro) : type;
}

std::optional<ResolvedFunction> resolve_add(const std::vector<DataType>& types) {
  const DataType interval(TypeId::kInterval);
  const auto is_moment = [](const DataType& t) {
    return t.id() == TypeId::kTimestamp || t.id() == TypeId::kDate32;
  };
  if (is_moment(types[0]) && types[1].id() == TypeId::kInterval) {
    const DataType type = micros_like(types[0]);
    return ResolvedFunction{{type, interval}, type, shift_timestamp<false>, true};
  }
  if (types[0].id() == TypeId::kInterval && is_moment(types[1])) {
    const DataType type = micros_like(types[1]);
    return ResolvedFunction{{interval, type}, type, shift_timestamp_swapped, true};
  }
  if (types[0].id() == TypeId::kDate32 && types[1].is_integer()) {
    return ResolvedFunction{
        {types[0], DataType(TypeId::kInt64)}, types[0], shift_date<ArithmeticOp::kAdd>, true};
  }
  return resolve_numbers<ArithmeticOp::kAdd>(types);
}

std::optional<ResolvedFunction> resolve_subtract(const std::vector<DataType>& types) {
  const DataType interval(TypeId::kInterval);
  const DataType& a = types[0];
  const DataType& b = types[1];
  if ((a.id() == TypeId::kTimestamp || a.id() == TypeId::kDate32) && b.id() == TypeId::kInterval) {
    const DataType type = micros_like(a);
    return ResolvedFunction{{type, interval}, type, shift_timestamp<true>, true};
  }
  if (a.id() == TypeId::kDate32 && b.id() == TypeId::kDate32) {
    return ResolvedFunction{{a, b}, DataType(TypeId::kInt64), subtract_dates, false};
  }
  if (a.id() == TypeId::kDate32 && b.is_integer()) {
    return ResolvedFunction{
        {a, DataType(TypeId::kInt64)}, a, shift_date<ArithmeticOp::kSubtract>, true};
  }
  if ((a.id() == TypeId::kTimestamp &&
       (b.id() == TypeId::kTimestamp || b.id() == TypeId::kDate32)) ||
      (a.id() == TypeId::kDate32 && b.id() == TypeId::kTimestamp)) {
    const auto type = common_type(a, b);
    return ResolvedFunction{{*type, *type}, interval, subtract_timestamps, true};
  }
  return resolve_numbers<ArithmeticOp::kSubtract>(types);
}

std::optional<ResolvedFunction> resolve_negate(const std::vector<DataType>& types) {
  const DataType& type = types[0];
  if (type.is_integer()) {
    const DataType wide(TypeId::kInt64);
    return ResolvedFunction{{wide}, wide, negate_kernel, true};
  }
  if (type.is_float() || type.id() == TypeId::kDecimal128) {
    return ResolvedFunction{{type}, type, negate_kernel, !type.is_float()};
  }
  return std::nullopt;
}

}  // namespace

void register_arithmetic(FunctionRegistry* registry) {
  registry->add(
      {"+", "operator", "a + b", "Sum; also of a moment and an interval", 2, 2, resolve_add});
  registry->add(
      {"-", "operator", "a - b", "Difference; of two moments an interval", 2, 2, resolve_subtract});
  registry->add({"*", "operator", "a * b", "Product; also of an interval and a whole number", 2, 2,
                 resolve_multiply});
  registry->add({"/", "operator", "a / b",
                 "Quotient; truncates for integers, NULL when an integer is divided by zero", 2, 2,
                 resolve_numbers<ArithmeticOp::kDivide>});
  registry->add({"%", "operator", "a % b", "Remainder with the sign of a; NULL for an integer % 0",
                 2, 2, resolve_numbers<ArithmeticOp::kModulo>});
  registry->add_alias("mod", "%");
  registry->add({"negate", "operator", "-a", "Negation", 1, 1, resolve_negate});
}

}  // namespace velaria
