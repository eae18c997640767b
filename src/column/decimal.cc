#include "src/column/decimal.h"

#include <algorithm>

#include "src/base/error.h"

namespace velaria {

std::string format_decimal(Int128 value, int scale) {
  const bool negative = value < 0;
  // Negating in unsigned arithmetic also holds for the smallest value.
  auto rest =
      negative ? -static_cast<unsigned __int128>(value) : static_cast<unsigned __int128>(value);
  std::string digits;
  do {
    digits += static_cast<char>('0' + static_cast<int>(rest % 10));
    rest /= 10;
  } while (rest != 0);
  while (static_cast<int>(digits.size()) <= scale) digits += '0';
  std::reverse(digits.begin(), digits.end());
  if (scale > 0) digits.insert(digits.size() - static_cast<size_t>(scale), ".");
  return negative ? "-" + digits : digits;
}

Int128 power_of_ten(int exponent) {
  VELARIA_CHECK(exponent >= 0 && exponent <= 38);
  Int128 out = 1;
  for (int i = 0; i < exponent; ++i) out *= 10;
  return out;
}

std::optional<Int128> parse_decimal(std::string_view text, int scale) {
  bool negative = false;
  if (!text.empty() && (text.front() == '-' || text.front() == '+')) {
    negative = text.front() == '-';
    text.remove_prefix(1);
  }
  Int128 value = 0;
  // From here on one more digit would be the 39th, and soon too large for the type itself.
  const Int128 limit = power_of_ten(37);
  int fraction = 0;
  bool point = false;
  bool any = false;
  for (char c : text) {
    if (c == '.' && !point) {
      point = true;
      continue;
    }
    if (c < '0' || c > '9') return std::nullopt;
    any = true;
    if (point && fraction == scale) {
      if (c != '0') return std::nullopt;
      continue;
    }
    if (value >= limit) return std::nullopt;
    value = value * 10 + (c - '0');
    if (point) ++fraction;
  }
  if (!any) return std::nullopt;
  for (; fraction < scale; ++fraction) {
    if (value >= limit) return std::nullopt;
    value *= 10;
  }
  return negative ? -value : value;
}

}  // namespace velaria
