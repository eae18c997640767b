// Where a continuous quantile lies among values in order, without rounding: for decimals, whose
// last digit must not depend on how a fraction is stored. Internal to aggregates and windows.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>

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

}  // namespace velaria
