#include "src/kernel/arithmetic.h"

#include <cmath>
#include <limits>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/column/calendar.h"
#include "src/kernel/operand_rows.h"
#include "src/kernel/take.h"

namespace velaria {

const char* symbol_of(ArithmeticOp op) {
  switch (op) {
    case ArithmeticOp::kAdd: return "+";
    case ArithmeticOp::kSubtract: return "-";
    case ArithmeticOp::kMultiply: return "*";
    case ArithmeticOp::kDivide: return "/";
    case ArithmeticOp::kModulo: return "%";
  }
  return "?";
}

namespace {

[[noreturn]] void overflowed(ArithmeticOp op, const Column& a, const Column& b, int64_t row) {
  throw Error(ErrorKind::kTypeMismatch,
              concat("integer overflow in ", a.value(row).to_string(), " ", symbol_of(op), " ",
                     b.value(row).to_string(), " (", a.type().to_string(),
                     "); cast an operand to DOUBLE or DECIMAL if that is what you want"));
}

// Overflow of add, subtract and multiply, false for what fits.
template <typename T>
bool overflows(ArithmeticOp op, T x, T y) {
  T result;
  switch (op) {
    case ArithmeticOp::kAdd: return __builtin_add_overflow(x, y, &result);
    case ArithmeticOp::kSubtract: return __builtin_sub_overflow(x, y, &result);
    default: return __builtin_mul_overflow(x, y, &result);
  }
}

template <typename T>
ColumnPtr checked_integers(ArithmeticOp op, const Column& a, const Column& b, int64_t rows,
                           Validity validity) {
  using Unsigned = std::conditional_t<
      std::is_same_v<T, Int128>, unsigned __int128,
      std::make_unsigned_t<std::conditional_t<std::is_same_v<T, Int128>, int64_t, T>>>;
  auto buffer = Buffer::allocate(static_cast<size_t>(rows) * sizeof(T));
  T* out = reinterpret_cast<T*>(buffer->mutable_data());
  // The loops compute with wrap-around and gather the overflow in one flag, so that they vectorize;
  // the rare flagged chunk is looked at again row by row, because a null slot may hold garbage.
  Unsigned flag = 0;
  constexpr int kTopBit = static_cast<int>(sizeof(T) * 8 - 1);
  switch (op) {
    case ArithmeticOp::kAdd:
      for_rows<T>(a, b, rows, out, [&](T x, T y) {
        const auto sum = static_cast<Unsigned>(x) + static_cast<Unsigned>(y);
        if constexpr (std::is_unsigned_v<T>) {
          flag |= static_cast<Unsigned>(sum < static_cast<Unsigned>(x));
        } else {
          flag |= ((static_cast<Unsigned>(x) ^ sum) & (static_cast<Unsigned>(y) ^ sum)) >> kTopBit;
        }
        return static_cast<T>(sum);
      });
      break;
    case ArithmeticOp::kSubtract:
      for_rows<T>(a, b, rows, out, [&](T x, T y) {
        const auto difference = static_cast<Unsigned>(x) - static_cast<Unsigned>(y);
        if constexpr (std::is_unsigned_v<T>) {
          flag |= static_cast<Unsigned>(y > x);
        } else {
          flag |= ((static_cast<Unsigned>(x) ^ static_cast<Unsigned>(y)) &
                   (static_cast<Unsigned>(x) ^ difference)) >>
                  kTopBit;
        }
        return static_cast<T>(difference);
      });
      break;
    default:
      for_rows<T>(a, b, rows, out, [&](T x, T y) {
        T product;
        flag |= static_cast<Unsigned>(__builtin_mul_overflow(x, y, &product));
        return product;
      });
  }
  if (flag != 0) {
    const T* x = a.values<T>();
    const T* y = b.values<T>();
    for (int64_t i = 0; i < rows; ++i) {
      if (validity.valid(i) &&
          overflows<T>(op, x[a.is_constant() ? 0 : i], y[b.is_constant() ? 0 : i])) {
        overflowed(op, a, b, i);
      }
    }
  }
  return Column::flat(a.type(), rows, std::move(buffer), 0, std::move(validity));
}

template <typename T>
ColumnPtr divide_integers(ArithmeticOp op, const Column& a, const Column& b, int64_t rows,
                          const Validity& validity) {
  auto buffer = Buffer::allocate(static_cast<size_t>(rows) * sizeof(T));
  T* out = reinterpret_cast<T*>(buffer->mutable_data());
  const T* x = a.values<T>();
  const T* y = b.values<T>();
  ValidityBuilder present;
  for (int64_t i = 0; i < rows; ++i) {
    const T left = x[a.is_constant() ? 0 : i];
    const T right = y[b.is_constant() ? 0 : i];
    const bool valid = validity.valid(i) && right != 0;
    present.append(valid);
    if (!valid) {
      out[i] = 0;
      continue;
    }
    if constexpr (std::is_signed_v<T>) {
      if (right == -1) {  // the one quotient that does not fit, and a remainder that traps
        if (op == ArithmeticOp::kDivide && left == std::numeric_limits<T>::min()) {
          overflowed(op, a, b, i);
        }
        out[i] = op == ArithmeticOp::kDivide ? -left : 0;
        continue;
      }
    }
    out[i] = op == ArithmeticOp::kDivide ? left / right : left % right;
  }
  return Column::flat(a.type(), rows, std::move(buffer), 0, present.finish());
}

template <typename T>
ColumnPtr floats(ArithmeticOp op, const Column& a, const Column& b, int64_t rows,
                 Validity validity) {
  auto buffer = Buffer::allocate(static_cast<size_t>(rows) * sizeof(T));
  T* out = reinterpret_cast<T*>(buffer->mutable_data());
  switch (op) {
    case ArithmeticOp::kAdd: for_rows<T>(a, b, rows, out, [](T x, T y) { return x + y; }); break;
    case ArithmeticOp::kSubtract:
      for_rows<T>(a, b, rows, out, [](T x, T y) { return x - y; });
      break;
    case ArithmeticOp::kMultiply:
      for_rows<T>(a, b, rows, out, [](T x, T y) { return x * y; });
      break;
    case ArithmeticOp::kDivide: for_rows<T>(a, b, rows, out, [](T x, T y) { return x / y; }); break;
    case ArithmeticOp::kModulo:
      for_rows<T>(a, b, rows, out, [](T x, T y) { return std::fmod(x, y); });
      break;
  }
  return Column::flat(a.type(), rows, std::move(buffer), 0, std::move(validity));
}

}  // namespace

ColumnPtr arithmetic(ArithmeticOp op, const ColumnPtr& a, const ColumnPtr& b) {
  const int64_t rows = a->length();
  VELARIA_CHECK(b->length() == rows && a->type() == b->type());
  if (is_null_constant(*a) || is_null_constant(*b)) return Column::nulls(a->type(), rows);
  if (a->is_constant() && b->is_constant()) return arithmetic(op, flatten(a), b);
  Validity validity = intersect(operand_validity(*a), operand_validity(*b), rows);
  const bool division = op == ArithmeticOp::kDivide || op == ArithmeticOp::kModulo;
  switch (a->type().id()) {
    case TypeId::kInt64:
      return division ? divide_integers<int64_t>(op, *a, *b, rows, validity)
                      : checked_integers<int64_t>(op, *a, *b, rows, std::move(validity));
    case TypeId::kUInt64:
      return division ? divide_integers<uint64_t>(op, *a, *b, rows, validity)
                      : checked_integers<uint64_t>(op, *a, *b, rows, std::move(validity));
    case TypeId::kDecimal128:
      VELARIA_CHECK(op == ArithmeticOp::kAdd || op == ArithmeticOp::kSubtract);
      return checked_integers<Int128>(op, *a, *b, rows, std::move(validity));
    case TypeId::kFloat64: return floats<double>(op, *a, *b, rows, std::move(validity));
    case TypeId::kFloat32: return floats<float>(op, *a, *b, rows, std::move(validity));
    default: break;
  }
  throw Error(ErrorKind::kInternal, "arithmetic over " + a->type().to_string());
}

ColumnPtr negate(const ColumnPtr& a) {
  const Value zero = a->type().is_float()
                         ? Value::floating(a->type(), -0.0)  // -0.0 - x is -x also for x = 0
                         : (a->type().id() == TypeId::kDecimal128 ? Value::decimal(a->type(), 0)
                                                                  : Value::integral(a->type(), 0));
  return arithmetic(ArithmeticOp::kSubtract, Column::constant(zero, a->length()), a);
}

ColumnPtr add_interval(const ColumnPtr& timestamps, const ColumnPtr& intervals, bool subtract) {
  const int64_t rows = timestamps->length();
  const DataType& type = timestamps->type();
  const ColumnPtr x = flatten(timestamps);
  const ColumnPtr y = flatten(intervals);
  const int64_t units = units_per_second(type.unit());
  const int64_t day_units = 86400 * units;
  auto buffer = Buffer::allocate(static_cast<size_t>(rows) * sizeof(int64_t));
  auto* out = reinterpret_cast<int64_t*>(buffer->mutable_data());
  ValidityBuilder present;
  for (int64_t i = 0; i < rows; ++i) {
    const bool valid = !x->is_null(i) && !y->is_null(i);
    present.append(valid);
    out[i] = 0;
    if (!valid) continue;
    const int64_t start = x->values<int64_t>()[i];
    const Interval& step = y->values<Interval>()[i];
    const int64_t sign = subtract ? -1 : 1;
    int64_t days = floor_div(start, day_units);
    const int64_t time_of_day = floor_mod(start, day_units);
    if (step.months != 0) {
      CivilDate date = civil_from_days(days);
      const int64_t months = date.year * 12 + (date.month - 1) + sign * step.months;
      date.year = floor_div(months, 12);
      date.month = static_cast<int>(floor_mod(months, 12)) + 1;
      date.day = std::min(date.day, days_in_month(date.year, date.month));
      days = days_from_civil(date);
    }
    days += sign * step.days;
    // In 128 bits nothing here can overflow; what does not fit the column is then an error.
    const Int128 micros = static_cast<Int128>(sign) * step.micros * units;
    if (micros % 1000000 != 0) {
      throw Error(ErrorKind::kTypeMismatch,
                  concat(x->value(i).to_string(), subtract ? " - " : " + ", y->value(i).to_sql(),
                         " is between two values of ", type.to_string(),
                         "; cast the timestamp to TIMESTAMP(6)"));
    }
    const Int128 fine = micros / 1000000;
    const Int128 total = static_cast<Int128>(days) * day_units + time_of_day + fine;
    if (total > std::numeric_limits<int64_t>::max() ||
        total < std::numeric_limits<int64_t>::min()) {
      throw Error(ErrorKind::kTypeMismatch,
                  concat("timestamp overflow in ", x->value(i).to_string(),
                         subtract ? " - " : " + ", y->value(i).to_string()));
    }
    out[i] = static_cast<int64_t>(total);
  }
  return Column::flat(type, rows, std::move(buffer), 0, present.finish());
}

}  // namespace velaria
