// Quotients of exact sums, rounded once.
#pragma once

#include <cmath>
#include <optional>

#include "src/column/type.h"

namespace velaria {

// The double nearest to sum / count; count > 0. Source of the sticky bit: J. Hauser, SoftFloat.
inline double rounded_ratio(Int128 sum, int64_t count) {
  using UInt128 = unsigned __int128;
  if (sum == 0) return 0.0;
  UInt128 magnitude = sum < 0 ? -static_cast<UInt128>(sum) : static_cast<UInt128>(sum);
  // As many bits as fit, so that the quotient has more than the 54 that decide the rounding.
  const auto high = static_cast<uint64_t>(magnitude >> 64);
  const int shift =
      high != 0 ? __builtin_clzll(high) : 64 + __builtin_clzll(static_cast<uint64_t>(magnitude));
  magnitude <<= shift;
  const auto divisor = static_cast<UInt128>(count);
  UInt128 quotient = magnitude / divisor;
  if (magnitude % divisor != 0) quotient |= 1;  // not a tie
  const double out = std::ldexp(static_cast<double>(quotient), -shift);
  return sum < 0 ? -out : out;
}

// a / b rounded half away from zero; b > 0.
inline Int128 divide_half_away(Int128 a, Int128 b) {
  const Int128 whole = a / b;
  const Int128 rest = a % b;
  const Int128 size = rest < 0 ? -rest : rest;
  if (size < b - size) return whole;
  return a < 0 ? whole - 1 : whole + 1;
}

// sum / count with `factor` (a power of ten) more digits, rounded half away from zero; nothing when
// it does not fit 128 bits.
inline std::optional<Int128> rounded_decimal_ratio(Int128 sum, int64_t count, Int128 factor) {
  Int128 whole = 0;
  if (__builtin_mul_overflow(sum / count, factor, &whole)) return std::nullopt;
  const Int128 rest = divide_half_away((sum % count) * factor, count);
  Int128 out = 0;
  if (__builtin_add_overflow(whole, rest, &out)) return std::nullopt;
  return out;
}

}  // namespace velaria
