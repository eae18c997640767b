// Exact decimals: an __int128 count of 10^-scale.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "src/column/type.h"

namespace velaria {

std::string format_decimal(Int128 value, int scale);  // 12345, 2 -> "123.45"

// 10^exponent for 0 <= exponent <= 38.
Int128 power_of_ten(int exponent);

// Plain decimal text ("-12.5", "+3", ".5"), exactly at `scale`; nothing when digits would be lost
// or the value does not fit 38 digits.
std::optional<Int128> parse_decimal(std::string_view text, int scale);

}  // namespace velaria
