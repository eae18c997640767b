// Where a quantile lies among values in order, without rounding: which value is picked, and the
// last digit of a decimal, must not depend on how a fraction is stored. Internal to aggregates and
// windows.
#pragma once

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "src/column/decimal.h"
#include "src/column/type.h"

namespace velaria {

// A fraction as a count of 2^-53, which every double from 0 to 1 nearly is.
constexpr int64_t kQuantileUnits = int64_t{1} << 53;
inline Int128 quantile_units(double fraction) {
  return std::llround(fraction * static_cast<double>(kQuantileUnits));
}

// Value `lower` and the units / unit part of the way to the next one.
struct QuantileRank {
  size_t lower;
  int64_t units;
  int64_t unit;

  // fraction * last, for 0 <= fraction <= 1 and values numbered 0 to `last`. A fraction of at most
  // 15 digits counts as it is written, any other as the double it is.
  static QuantileRank exact(double fraction, size_t last) {
    constexpr int64_t kDecimalUnits = 1000000000000000;
    const int64_t decimal = std::llround(fraction * static_cast<double>(kDecimalUnits));
    const bool as_written =
        static_cast<double>(decimal) / static_cast<double>(kDecimalUnits) == fraction;
    const int64_t unit = as_written ? kDecimalUnits : kQuantileUnits;
    const Int128 rank =
        (as_written ? Int128{decimal} : quantile_units(fraction)) * static_cast<Int128>(last);
    return {static_cast<size_t>(rank / unit), static_cast<int64_t>(rank % unit), unit};
  }
  // The part of the way as a fraction; exact(part(), 1) gives it back.
  double part() const { return static_cast<double>(units) / static_cast<double>(unit); }
};

// Which of some values in order is the discrete quantile: the first with at least the fraction of
// them up to it. The fraction counts as its shortest decimal: 0.07 of 100 values are 7, although
// the product of the doubles is above that.
class DiscreteQuantile {
 public:
  explicit DiscreteQuantile(double fraction) {
    if (!(fraction > 0)) return;
    char text[32];
    const char* end =
        std::to_chars(text, text + sizeof text, fraction, std::chars_format::scientific).ptr;
    const char* exponent = std::find<const char*>(text, end, 'e');
    Int128 digits = 0;
    int scale = 0;
    for (const char* at = text; at < exponent; ++at) {
      if (*at == '.') continue;
      digits = digits * 10 + (*at - '0');
      if (at != text) ++scale;
    }
    int power = 0;  // at most 0, for fractions up to 1
    exponent += exponent[1] == '+' ? 2 : 1;
    std::from_chars(exponent, end, power);
    scale -= power;
    // 17 digits times any count are less than 10^37.
    if (scale > 37) return;
    digits_ = digits;
    unit_ = power_of_ten(scale);
  }

  // The number of the value among `count` > 0, from 0.
  size_t place(size_t count) const {
    const Int128 rank = (digits_ * static_cast<Int128>(count) + unit_ - 1) / unit_;
    return std::clamp<size_t>(static_cast<size_t>(rank), 1, count) - 1;
  }

 private:
  Int128 digits_ = 0;  // the fraction is digits / unit
  Int128 unit_ = 1;
};

}  // namespace velaria
