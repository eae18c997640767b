// One field's text -> one value. `text` needs 8 readable bytes behind `size` (kCsvPaddingBytes
// gives them). Each returns false for what is not exactly of its form; nothing throws.
//
// Two grammars. Strict is what inference accepts: reading the value back as text gives what was
// written, up to the spelling of fractions. Lenient is for types the caller named.
//   int64    strict: -?(0|[1-9][0-9]*), no "-0"         lenient: also +7, 007, -0
//   float64  strict: decimal point or exponent, no needless leading zeros, finite; an integer only
//            when a double holds it exactly; "-0"      lenient: also +1.5, 00.5, nan, inf,
//            infinity, any integer (rounded, as asked)
//   bool     strict: true/false in any case             lenient: also t/f, 1/0
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>

#include "src/column/type.h"

namespace velaria {

// Value of 1 to 8 decimal digits; false when another byte is among them.
inline bool parse_short_digits(const char* text, size_t size, uint32_t* out) {
  uint64_t word;
  std::memcpy(&word, text, 8);
  // Digits to the top, zeros of value zero below: eight digits in every case.
  word ^= 0x3030303030303030ULL;
  word <<= 64 - 8 * size;
  const uint64_t others = ((word + 0x7676767676767676ULL) | word) & 0x8080808080808080ULL;
  word = word * 10 + (word >> 8);
  word = (((word & 0x000000FF000000FFULL) * 0x000F424000000064ULL) +
          (((word >> 16) & 0x000000FF000000FFULL) * 0x0000271000000001ULL)) >>
         32;
  *out = static_cast<uint32_t>(word);
  return others == 0;
}

// Value of 1 to 19 decimal digits.
inline bool parse_digits(const char* text, size_t size, uint64_t* out) {
  uint32_t part = 0;
  if (size <= 8) {
    const bool good = parse_short_digits(text, size, &part);
    *out = part;
    return good;
  }
  constexpr uint64_t kPowers[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000};
  uint64_t value = 0;
  while (size > 0) {
    const size_t take = size < 8 ? size : 8;
    if (!parse_short_digits(text, take, &part)) return false;
    value = value * kPowers[take] + part;
    text += take;
    size -= take;
  }
  *out = value;
  return true;
}

inline bool parse_int64_strict(const char* text, size_t size, int64_t* out) {
  const bool negative = size > 0 && text[0] == '-';
  text += negative;
  size -= negative;
  if (size == 0 || size > 19) return false;
  if (text[0] == '0' && (size > 1 || negative)) return false;
  uint64_t value = 0;
  if (!parse_digits(text, size, &value)) return false;
  if (value > static_cast<uint64_t>(INT64_MAX) + (negative ? 1 : 0)) return false;
  *out = static_cast<int64_t>(negative ? 0 - value : value);
  return true;
}

// True when a double holds the integer digit for digit.
inline bool is_exact_double(int64_t value) {
  const auto rounded = static_cast<double>(value);
  return rounded < 9223372036854775808.0 && static_cast<int64_t>(rounded) == value;
}

bool parse_int64_lenient(const char* text, size_t size, int64_t* out);
bool parse_uint64_lenient(const char* text, size_t size, uint64_t* out);
bool parse_float64_strict(const char* text, size_t size, double* out);
bool parse_float64_lenient(const char* text, size_t size, double* out);
bool parse_float32_lenient(const char* text, size_t size, float* out);
bool parse_bool_strict(const char* text, size_t size, bool* out);
bool parse_bool_lenient(const char* text, size_t size, bool* out);

// YYYY-MM-DD, and timestamps as column/calendar.h reads them. Remembers the last date it saw: rows
// beside each other mostly share it. One thread per object.
class DateParser {
 public:
  bool parse_date(const char* text, size_t size, int32_t* days);
  // `with_offset`: the text must end with Z or +HH[:MM], and the result is UTC; else it must not.
  bool parse_timestamp(const char* text, size_t size, TimeUnit unit, bool with_offset,
                       int64_t* out);

 private:
  char last_text_[10] = {};
  int32_t last_days_ = 0;
  bool has_last_ = false;
};

}  // namespace velaria
