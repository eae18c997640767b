// What a key's value is to a join, for every type: the one place that says NaN = NaN, -0.0 = 0.0
// and one month = 30 days.
#pragma once

#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>

#include "src/column/type.h"

namespace velaria {

// A number such that equal keys, and only those, give equal numbers. Floats give their bits.
template <typename T>
auto key_number(T value) {
  if constexpr (std::is_floating_point_v<T>) {
    using Bits = std::conditional_t<sizeof(T) == 4, uint32_t, uint64_t>;
    if (value == 0) value = 0;
    if (std::isnan(value)) value = std::numeric_limits<T>::quiet_NaN();
    Bits bits = 0;
    std::memcpy(&bits, &value, sizeof(T));
    return bits;
  } else if constexpr (std::is_same_v<T, Interval>) {
    return value.total_micros();
  } else {
    return value;
  }
}

}  // namespace velaria
