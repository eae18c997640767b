#include "src/kernel/decimal_arithmetic.h"

#include <algorithm>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/column/decimal.h"
#include "src/kernel/operand_rows.h"
#include "src/kernel/take.h"

namespace velaria {

namespace {

using UInt128 = unsigned __int128;

constexpr int kMaxDigits = 38;
constexpr int kLeastQuotientScale = 6;
constexpr int kWordDigits = 18;  // 10^18 fits int64

[[noreturn]] void overflowed(ArithmeticOp op, const Column& a, const Column& b, int64_t row,
                             const DataType& result) {
  throw Error(ErrorKind::kTypeMismatch,
              concat("decimal overflow in ", a.value(row).to_string(), " ", symbol_of(op), " ",
                     b.value(row).to_string(), " (", a.type().to_string(), " ", symbol_of(op), " ",
                     b.type().to_string(), " gives ", result.to_string(),
                     "); cast an operand to a DECIMAL of fewer digits, or to DOUBLE"));
}

UInt128 magnitude(Int128 value) {
  return value < 0 ? -static_cast<UInt128>(value) : static_cast<UInt128>(value);
}

// 256 bits as two words.
struct Wide {
  UInt128 high = 0;
  UInt128 low = 0;
};

Wide multiply_wide(UInt128 a, UInt128 b) {
  constexpr UInt128 kLow = ~uint64_t{0};
  const UInt128 a0 = a & kLow, a1 = a >> 64, b0 = b & kLow, b1 = b >> 64;
  const UInt128 low = a0 * b0;
  const UInt128 middle = a1 * b0 + (low >> 64);
  const UInt128 other = a0 * b1 + (middle & kLow);
  return {a1 * b1 + (middle >> 64) + (other >> 64), (other << 64) | (low & kLow)};
}

// Schoolbook division, one bit at a time: only numbers beyond 128 bits come here. False when the
// quotient does not fit 128 bits.
bool divide_wide(Wide n, UInt128 divisor, UInt128* quotient, UInt128* remainder) {
  if (n.high >= divisor) return false;
  for (int bit = 0; bit < 128; ++bit) {
    const bool carry = (n.high >> 127) != 0;
    n.high = (n.high << 1) | (n.low >> 127);
    n.low <<= 1;
    if (carry || n.high >= divisor) {
      n.high -= divisor;
      n.low |= 1;
    }
  }
  *quotient = n.low;
  *remainder = n.high;
  return true;
}

bool round_quotient(UInt128 quotient, UInt128 remainder, UInt128 divisor, bool negative,
                    UInt128 limit, Int128* out) {
  if (remainder >= divisor - remainder) ++quotient;
  if (quotient >= limit) return false;
  *out = negative ? -static_cast<Int128>(quotient) : static_cast<Int128>(quotient);
  return true;
}

bool within(Int128 value, UInt128 limit, Int128* out) {
  *out = value;
  return magnitude(value) < limit;
}

// The rows of one operation in all their generality. Each gives false for overflow.
bool add_row(Int128 x, Int128 y, Int128 x_factor, Int128 y_factor, bool subtract, UInt128 limit,
             Int128* out) {
  Int128 sum = 0;
  if (__builtin_mul_overflow(x, x_factor, &x) || __builtin_mul_overflow(y, y_factor, &y) ||
      (subtract ? __builtin_sub_overflow(x, y, &sum) : __builtin_add_overflow(x, y, &sum))) {
    return false;
  }
  return within(sum, limit, out);
}

bool multiply_row(Int128 x, Int128 y, UInt128 cut, UInt128 limit, Int128* out) {
  Int128 product = 0;
  if (cut == 1) return !__builtin_mul_overflow(x, y, &product) && within(product, limit, out);
  UInt128 quotient = 0;
  UInt128 remainder = 0;
  return divide_wide(multiply_wide(magnitude(x), magnitude(y)), cut, &quotient, &remainder) &&
         round_quotient(quotient, remainder, cut, (x < 0) != (y < 0), limit, out);
}

// x * 10^shift / y, rounded; y is not 0.
bool divide_row(Int128 x, Int128 y, int shift, UInt128 limit, Int128* out) {
  const bool negative = (x < 0) != (y < 0);
  UInt128 divisor = magnitude(y);
  if (shift < 0) {
    const Wide scaled = multiply_wide(divisor, static_cast<UInt128>(power_of_ten(-shift)));
    if (scaled.high != 0) return within(0, limit, out);  // more than twice any x: rounds to 0
    divisor = scaled.low;
    const UInt128 left = magnitude(x);
    return round_quotient(left / divisor, left % divisor, divisor, negative, limit, out);
  }
  Wide scaled =
      multiply_wide(magnitude(x), static_cast<UInt128>(power_of_ten(std::min(shift, kMaxDigits))));
  if (shift > kMaxDigits) {
    const auto factor = static_cast<UInt128>(power_of_ten(shift - kMaxDigits));
    const Wide low = multiply_wide(scaled.low, factor);
    const Wide high = multiply_wide(scaled.high, factor);
    // Beyond 256 bits the quotient has more than 38 digits whatever y is.
    if (high.high != 0 || __builtin_add_overflow(high.low, low.high, &scaled.high)) return false;
    scaled.low = low.low;
  }
  if (scaled.high == 0) {
    constexpr UInt128 kWord = ~uint64_t{0};
    if (scaled.low <= kWord && divisor <= kWord) {
      const auto n = static_cast<uint64_t>(scaled.low);
      const auto d = static_cast<uint64_t>(divisor);
      return round_quotient(n / d, n % d, d, negative, limit, out);
    }
    return round_quotient(scaled.low / divisor, scaled.low % divisor, divisor, negative, limit,
                          out);
  }
  UInt128 quotient = 0;
  UInt128 remainder = 0;
  return divide_wide(scaled, divisor, &quotient, &remainder) &&
         round_quotient(quotient, remainder, divisor, negative, limit, out);
}

// At most one of the factors is above 1.
bool modulo_row(Int128 x, Int128 y, Int128 x_factor, Int128 y_factor, UInt128 limit, Int128* out) {
  const Wide divisor = multiply_wide(magnitude(y), static_cast<UInt128>(y_factor));
  const Wide left = multiply_wide(magnitude(x), static_cast<UInt128>(x_factor));
  UInt128 rest = 0;
  if (divisor.high != 0) {
    rest = left.low;  // x itself, which is below such a divisor
  } else if (left.high == 0) {
    rest = left.low % divisor.low;
  } else {
    // The high word first, so that the quotient that nobody needs fits.
    UInt128 quotient = 0;
    divide_wide({left.high % divisor.low, left.low}, divisor.low, &quotient, &rest);
  }
  if (rest >= limit) return false;
  *out = x < 0 ? -static_cast<Int128>(rest) : static_cast<Int128>(rest);
  return true;
}

// Not 0 when the value does not fit 64 bits.
inline uint64_t beyond_word(Int128 value) {
  return static_cast<uint64_t>(value >> 64) ^
         static_cast<uint64_t>(static_cast<int64_t>(value) >> 63);
}

// The common case, values of 64 bits: one pass whose results cannot overflow 128 bits. False when
// some slot was larger, and `out` is to be computed again.
bool add_words(const Column& a, const Column& b, int64_t rows, Int128 x_factor, Int128 y_factor,
               bool subtract, Int128* out) {
  uint64_t beyond = 0;
  const auto fx = static_cast<int64_t>(x_factor);
  const auto fy = static_cast<int64_t>(subtract ? -y_factor : y_factor);
  if (fx == 1 && (fy == 1 || fy == -1)) {
    for_rows(a, b, rows, out, [&](Int128 x, Int128 y) {
      beyond |= beyond_word(x) | beyond_word(y);
      return subtract ? static_cast<Int128>(static_cast<int64_t>(x)) - static_cast<int64_t>(y)
                      : static_cast<Int128>(static_cast<int64_t>(x)) + static_cast<int64_t>(y);
    });
  } else {
    for_rows(a, b, rows, out, [&](Int128 x, Int128 y) {
      beyond |= beyond_word(x) | beyond_word(y);
      return static_cast<Int128>(static_cast<int64_t>(x)) * fx +
             static_cast<Int128>(static_cast<int64_t>(y)) * fy;
    });
  }
  return beyond == 0;
}

bool multiply_words(const Column& a, const Column& b, int64_t rows, Int128* out) {
  uint64_t beyond = 0;
  for_rows(a, b, rows, out, [&](Int128 x, Int128 y) {
    beyond |= beyond_word(x) | beyond_word(y);
    return static_cast<Int128>(static_cast<int64_t>(x)) * static_cast<int64_t>(y);
  });
  return beyond == 0;
}

}  // namespace

DataType decimal_result_type(ArithmeticOp op, const DataType& a, const DataType& b) {
  const int a_whole = a.precision() - a.scale();
  const int b_whole = b.precision() - b.scale();
  const int common_scale = std::max(a.scale(), b.scale());
  int whole = 0;
  int scale = common_scale;
  switch (op) {
    case ArithmeticOp::kAdd:
    case ArithmeticOp::kSubtract: whole = std::max(a_whole, b_whole) + 1; break;
    case ArithmeticOp::kModulo: whole = std::min(a_whole, b_whole); break;
    case ArithmeticOp::kMultiply:
      whole = a_whole + b_whole;
      scale = a.scale() + b.scale();
      if (scale > kMaxDigits) scale = std::max(kMaxDigits - whole, kLeastQuotientScale);
      break;
    case ArithmeticOp::kDivide:
      whole = a_whole + b.scale();
      scale = std::max(kLeastQuotientScale, a.scale() + b.precision() + 1);
      if (whole + scale > kMaxDigits) scale = std::max(kMaxDigits - whole, kLeastQuotientScale);
      break;
  }
  return DataType::decimal(std::max(1, std::min(kMaxDigits, whole + scale)), scale);
}

ColumnPtr decimal_arithmetic(ArithmeticOp op, const ColumnPtr& a, const ColumnPtr& b,
                             const DataType& result) {
  const int64_t rows = a->length();
  VELARIA_CHECK(b->length() == rows && result.id() == TypeId::kDecimal128);
  if (is_null_constant(*a) || is_null_constant(*b)) return Column::nulls(result, rows);
  if (a->is_constant() && b->is_constant()) return decimal_arithmetic(op, flatten(a), b, result);
  const int a_scale = a->type().scale();
  const int b_scale = b->type().scale();
  Validity validity = intersect(operand_validity(*a), operand_validity(*b), rows);
  auto buffer = Buffer::allocate(static_cast<size_t>(rows) * sizeof(Int128));
  auto* out = reinterpret_cast<Int128*>(buffer->mutable_data());
  const bool sum = op == ArithmeticOp::kAdd || op == ArithmeticOp::kSubtract;
  const bool subtract = op == ArithmeticOp::kSubtract;
  const int common_scale = std::max(a_scale, b_scale);
  const Int128 x_factor = power_of_ten(common_scale - a_scale);
  const Int128 y_factor = power_of_ten(common_scale - b_scale);
  const int cut_digits = op == ArithmeticOp::kMultiply ? a_scale + b_scale - result.scale() : 0;
  bool done = false;
  if (sum && common_scale - std::min(a_scale, b_scale) <= kWordDigits) {
    done = add_words(*a, *b, rows, x_factor, y_factor, subtract, out);
  } else if (op == ArithmeticOp::kMultiply && cut_digits == 0) {
    done = multiply_words(*a, *b, rows, out);
  }
  if (done) return Column::flat(result, rows, std::move(buffer), 0, std::move(validity));

  const Int128* x = a->values<Int128>();
  const Int128* y = b->values<Int128>();
  const auto limit = static_cast<UInt128>(power_of_ten(result.precision()));
  const auto cut = static_cast<UInt128>(power_of_ten(cut_digits));
  const int shift = result.scale() + b_scale - a_scale;
  const bool division = op == ArithmeticOp::kDivide || op == ArithmeticOp::kModulo;
  ValidityBuilder present;
  for (int64_t i = 0; i < rows; ++i) {
    const Int128 left = x[a->is_constant() ? 0 : i];
    const Int128 right = y[b->is_constant() ? 0 : i];
    const bool valid = validity.valid(i) && !(division && right == 0);
    present.append(valid);
    out[i] = 0;
    if (!valid) continue;
    bool fits = false;
    switch (op) {
      case ArithmeticOp::kAdd:
      case ArithmeticOp::kSubtract:
        fits = add_row(left, right, x_factor, y_factor, subtract, limit, &out[i]);
        break;
      case ArithmeticOp::kMultiply: fits = multiply_row(left, right, cut, limit, &out[i]); break;
      case ArithmeticOp::kDivide: fits = divide_row(left, right, shift, limit, &out[i]); break;
      case ArithmeticOp::kModulo:
        fits = modulo_row(left, right, x_factor, y_factor, limit, &out[i]);
        break;
    }
    if (!fits) overflowed(op, *a, *b, i, result);
  }
  return Column::flat(result, rows, std::move(buffer), 0, present.finish());
}

int compare_decimals(Int128 a, int a_scale, Int128 b, int b_scale) {
  if (a_scale == b_scale) return compare_values(a, b);
  if (a_scale > b_scale) return -compare_decimals(b, b_scale, a, a_scale);
  Int128 scaled = 0;
  if (__builtin_mul_overflow(a, power_of_ten(b_scale - a_scale), &scaled)) return a < 0 ? -1 : 1;
  return compare_values(scaled, b);
}

ColumnPtr compare_decimals(CompareOp op, const ColumnPtr& a, const ColumnPtr& b) {
  const int64_t rows = a->length();
  const DataType boolean(TypeId::kBool);
  if (is_null_constant(*a) || is_null_constant(*b)) return Column::nulls(boolean, rows);
  const int a_scale = a->type().scale();
  const int b_scale = b->type().scale();
  if (a_scale == b_scale && !(a->is_constant() && b->is_constant())) {
    return compare(op, a, b->with_type(a->type()));
  }
  const Int128* x = a->values<Int128>();
  const Int128* y = b->values<Int128>();
  auto out = Buffer::allocate(static_cast<size_t>(rows));
  for (int64_t i = 0; i < rows; ++i) {
    const int order = compare_decimals(x[a->is_constant() ? 0 : i], a_scale,
                                       y[b->is_constant() ? 0 : i], b_scale);
    bool holds = false;
    switch (op) {
      case CompareOp::kEqual: holds = order == 0; break;
      case CompareOp::kNotEqual: holds = order != 0; break;
      case CompareOp::kLess: holds = order < 0; break;
      case CompareOp::kLessEqual: holds = order <= 0; break;
      case CompareOp::kGreater: holds = order > 0; break;
      case CompareOp::kGreaterEqual: holds = order >= 0; break;
    }
    out->mutable_data()[i] = holds;
  }
  return Column::flat(boolean, rows, std::move(out), 0,
                      intersect(operand_validity(*a), operand_validity(*b), rows));
}

}  // namespace velaria
