// + - * / % and unary minus: numbers, dates, timestamps, intervals.
#include "src/base/error.h"
#include "src/base/text.h"
#include "src/column/builder.h"
#include "src/expr/function_registry.h"
#include "src/expr/row_functions.h"
#include "src/kernel/arithmetic.h"
#include "src/kernel/cast.h"
#include "src/kernel/decimal_arithmetic.h"
#include "src/kernel/take.h"
#include "src/kernel/temporal.h"

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

ColumnPtr shift_date_swapped(const std::vector<ColumnPtr>& a, int64_t rows,
                             const DataType& result) {
  return shift_date<ArithmeticOp::kAdd>({a[1], a[0]}, rows, result);
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
    const Int128 scaled = static_cast<Int128>(difference->values<int64_t>()[i]) * 1000000;
    if (scaled % units != 0) {
      throw Error(
          ErrorKind::kTypeMismatch,
          concat("the difference of ", a[0]->value(i).to_sql(), " and ", a[1]->value(i).to_sql(),
                 " is no whole number of microseconds, which an interval counts; use "
                 "CAST(... AS TIMESTAMP(6)) on both"));
    }
    const Int128 micros = scaled / units;
    // Whole days apart, as in Postgres; both parts fit whatever the unit was.
    constexpr int64_t kDayMicros = 86400000000;
    Interval interval;
    interval.days = static_cast<decltype(interval.days)>(micros / kDayMicros);
    interval.micros = static_cast<int64_t>(micros % kDayMicros);
    if (interval.days != micros / kDayMicros) {
      throw Error(ErrorKind::kTypeMismatch, "the difference of two timestamps overflows");
    }
    builder.append(interval);
  }
  return builder.finish();
}

[[noreturn]] void interval_overflowed(const Value& a, const char* op, const std::string& b) {
  throw Error(ErrorKind::kTypeMismatch,
              concat("interval overflow in ", a.to_sql(), " ", op, " ", b));
}

// interval * whole number: every part is multiplied.
ColumnPtr multiply_interval(const std::vector<ColumnPtr>& a, int64_t rows, const DataType& result) {
  const bool interval_first = a[0]->type().id() == TypeId::kInterval;
  return build_fixed<Interval>(a, rows, result, [&](const FlatColumns& c, int64_t i) {
    const Column& intervals = *c[interval_first ? 0 : 1];
    const Interval& interval = intervals.values<Interval>()[i];
    const int64_t factor = int64_at(*c[interval_first ? 1 : 0], i);
    Interval out;
    if (__builtin_mul_overflow(interval.months, factor, &out.months) ||
        __builtin_mul_overflow(interval.days, factor, &out.days) ||
        __builtin_mul_overflow(interval.micros, factor, &out.micros)) {
      interval_overflowed(intervals.value(i), "*", std::to_string(factor));
    }
    return out;
  });
}

// interval / integer; NULL for zero.
ColumnPtr divide_intervals(const std::vector<ColumnPtr>& a, int64_t rows, const DataType& result) {
  return build_fixed<Interval>(
      a, rows, result, [](const FlatColumns& c, int64_t i) -> std::optional<Interval> {
        const int64_t divisor = int64_at(*c[1], i);
        if (divisor == 0) return std::nullopt;
        const auto out = divide_interval(c[0]->values<Interval>()[i], divisor);
        if (!out) interval_overflowed(c[0]->value(i), "/", std::to_string(divisor));
        return out;
      });
}

// interval * float, float * interval, interval / float (NULL for zero).
template <bool kDivide>
ColumnPtr scale_intervals(const std::vector<ColumnPtr>& a, int64_t rows, const DataType& result) {
  const bool interval_first = a[0]->type().id() == TypeId::kInterval;
  return build_fixed<Interval>(
      a, rows, result, [&](const FlatColumns& c, int64_t i) -> std::optional<Interval> {
        const Column& intervals = *c[interval_first ? 0 : 1];
        const double number = float64_at(*c[interval_first ? 1 : 0], i);
        if (kDivide && number == 0) return std::nullopt;
        const auto out = scale_interval(intervals.values<Interval>()[i], kDivide ? 1.0 : number,
                                        kDivide ? number : 1.0);
        if (!out) {
          interval_overflowed(intervals.value(i), kDivide ? "/" : "*", format_double(number));
        }
        return out;
      });
}

template <bool kSubtract>
ColumnPtr combine_intervals(const std::vector<ColumnPtr>& a, int64_t rows, const DataType& result) {
  return build_fixed<Interval>(a, rows, result, [](const FlatColumns& c, int64_t i) {
    const Interval& x = c[0]->values<Interval>()[i];
    const Interval& y = c[1]->values<Interval>()[i];
    Interval out;
    const bool overflow = kSubtract ? __builtin_sub_overflow(x.months, y.months, &out.months) ||
                                          __builtin_sub_overflow(x.days, y.days, &out.days) ||
                                          __builtin_sub_overflow(x.micros, y.micros, &out.micros)
                                    : __builtin_add_overflow(x.months, y.months, &out.months) ||
                                          __builtin_add_overflow(x.days, y.days, &out.days) ||
                                          __builtin_add_overflow(x.micros, y.micros, &out.micros);
    if (overflow) {
      interval_overflowed(c[0]->value(i), kSubtract ? "-" : "+", c[1]->value(i).to_sql());
    }
    return out;
  });
}

ColumnPtr negate_interval(const std::vector<ColumnPtr>& a, int64_t rows, const DataType& result) {
  return combine_intervals<true>({Column::constant(Value::interval(Interval()), rows), a[0]}, rows,
                                 result);
}

constexpr int64_t kMicrosPerDay = 86400000000;

// A time goes round the clock; only the clock part of the interval counts, as in Postgres.
template <bool kSubtract>
ColumnPtr shift_time(const std::vector<ColumnPtr>& a, int64_t rows, const DataType& result) {
  const bool time_first = a[0]->type().id() == TypeId::kTime64;
  return build_fixed<int64_t>(a, rows, result, [&](const FlatColumns& c, int64_t i) {
    const int64_t step =
        c[time_first ? 1 : 0]->values<Interval>()[i].micros % kMicrosPerDay * (kSubtract ? -1 : 1);
    const int64_t moved = (int64_at(*c[time_first ? 0 : 1], i) + step) % kMicrosPerDay;
    return moved < 0 ? moved + kMicrosPerDay : moved;
  });
}

ColumnPtr subtract_times(const std::vector<ColumnPtr>& a, int64_t rows, const DataType& result) {
  return build_fixed<Interval>(a, rows, result, [](const FlatColumns& c, int64_t i) {
    Interval out;
    out.micros = int64_at(*c[0], i) - int64_at(*c[1], i);
    return out;
  });
}

// date + time: a timestamp in microseconds.
ColumnPtr join_date_and_time(const std::vector<ColumnPtr>& a, int64_t rows,
                             const DataType& result) {
  const bool date_first = a[0]->type().id() == TypeId::kDate32;
  const ColumnPtr dates = cast(a[date_first ? 0 : 1], result);
  return build_fixed<int64_t>(
      {dates, a[date_first ? 1 : 0]}, rows, result, [](const FlatColumns& c, int64_t i) {
        int64_t out = 0;
        if (__builtin_add_overflow(int64_at(*c[0], i), int64_at(*c[1], i), &out)) {
          throw Error(ErrorKind::kTypeMismatch,
                      concat("timestamp overflow in ", c[0]->value(i).to_string(), " + ",
                             c[1]->value(i).to_string()));
        }
        return out;
      });
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
  const DataType fraction(TypeId::kFloat64);
  if (types[0] == interval && types[1].is_integer()) {
    return ResolvedFunction{{interval, whole}, interval, multiply_interval, true};
  }
  if (types[0].is_integer() && types[1] == interval) {
    return ResolvedFunction{{whole, interval}, interval, multiply_interval, true};
  }
  if (types[0] == interval && types[1].is_numeric()) {
    return ResolvedFunction{{interval, fraction}, interval, scale_intervals<false>, true};
  }
  if (types[0].is_numeric() && types[1] == interval) {
    return ResolvedFunction{{fraction, interval}, interval, scale_intervals<false>, true};
  }
  return resolve_numbers<ArithmeticOp::kMultiply>(types);
}

std::optional<ResolvedFunction> resolve_divide(const std::vector<DataType>& types) {
  const DataType interval(TypeId::kInterval);
  if (types[0] == interval && types[1].is_integer() && types[1].id() != TypeId::kUInt64) {
    return ResolvedFunction{{interval, DataType(TypeId::kInt64)}, interval, divide_intervals, true};
  }
  if (types[0] == interval && types[1].is_numeric()) {
    return ResolvedFunction{
        {interval, DataType(TypeId::kFloat64)}, interval, scale_intervals<true>, true};
  }
  return resolve_numbers<ArithmeticOp::kDivide>(types);
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
  if (types[0] == interval && types[1] == interval) {
    return ResolvedFunction{{interval, interval}, interval, combine_intervals<false>, true};
  }
  const DataType time(TypeId::kTime64);
  if ((types[0] == time && types[1] == interval) || (types[0] == interval && types[1] == time)) {
    return ResolvedFunction{types, time, shift_time<false>};
  }
  const DataType date(TypeId::kDate32);
  if ((types[0] == date && types[1] == time) || (types[0] == time && types[1] == date)) {
    return ResolvedFunction{types, DataType::timestamp(TimeUnit::kMicro), join_date_and_time, true};
  }
  if (types[0].is_integer() && types[1] == date) {
    return ResolvedFunction{{DataType(TypeId::kInt64), date}, date, shift_date_swapped, true};
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
  if (a == interval && b == interval) {
    return ResolvedFunction{{a, b}, interval, combine_intervals<true>, true};
  }
  if (a.id() == TypeId::kTime64 && b == interval) {
    return ResolvedFunction{{a, b}, a, shift_time<true>};
  }
  if (a.id() == TypeId::kTime64 && b == a) {
    return ResolvedFunction{{a, b}, interval, subtract_times};
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
  if (type.id() == TypeId::kInterval) return ResolvedFunction{{type}, type, negate_interval, true};
  return std::nullopt;
}

}  // namespace

void register_arithmetic(FunctionRegistry* registry) {
  registry->add(
      {"+", "operator", "a + b", "Sum; also of a moment and an interval", 2, 2, resolve_add});
  registry->add(
      {"-", "operator", "a - b", "Difference; of two moments an interval", 2, 2, resolve_subtract});
  registry->add({"*", "operator", "a * b", "Product; also of an interval and a number", 2, 2,
                 resolve_multiply});
  registry->add({"/", "operator", "a / b",
                 "Quotient; truncates for integers; NULL for zero, but not beside floats", 2, 2,
                 resolve_divide});
  registry->add({"%", "operator", "a % b",
                 "Remainder with the sign of a; NULL for zero, but not beside floats", 2, 2,
                 resolve_numbers<ArithmeticOp::kModulo>});
  registry->add_alias("mod", "%");
  registry->add({"negate", "operator", "-a", "Negation", 1, 1, resolve_negate});
}

}  // namespace velaria
