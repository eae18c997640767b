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
//   decimal  one grammar: also +1.5, 00.5 and exponents; no digit may be lost
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

// True for 8 decimal digits.
inline bool are_digits(const char* text) {
  uint64_t word;
  std::memcpy(&word, text, 8);
  constexpr uint64_t kHigh = 0xF0F0F0F0F0F0F0F0ULL;
  // 0x30 to 0x3F, and still below 0x40 with 6 added: 0x30 to 0x39.
  return ((word & kHigh) | (((word + 0x0606060606060606ULL) & kHigh) >> 4)) ==
         0x3333333333333333ULL;
}

// True for a strict integer of at most 15 digits: it is an int64 and a double, whatever its value.
inline bool is_short_integer(const char* text, size_t size) {
  const size_t sign = size > 0 && text[0] == '-' ? 1 : 0;
  text += sign;
  size -= sign;
  if (size - 1 >= 15) return false;
  if (text[0] == '0' && (size > 1 || sign == 1)) return false;
  uint32_t value = 0;
  if (size <= 8) return parse_short_digits(text, size, &value);
  return are_digits(text) && are_digits(text + size - 8);
}

// True for a strict integer of 16 to 18 digits: it is an int64, but maybe no double.
inline bool is_long_integer(const char* text, size_t size) {
  const size_t sign = size > 0 && text[0] == '-' ? 1 : 0;
  text += sign;
  size -= sign;
  if (size < 16 || size > 18 || text[0] == '0') return false;
  return are_digits(text) && are_digits(text + 8) && are_digits(text + size - 8);
}

// True for dddd-dd-dd, 10 bytes, on any of the first 28 days of a month from the year 1000 on: a
// date, whatever the calendar.
inline bool is_plain_date(const char* text) {
  uint64_t word;
  std::memcpy(&word, text, 8);
  word ^= 0x2D30302D30303030ULL;
  // A digit is below 10 now, a dash is 0.
  const uint64_t others = ((word + 0x7F76767F76767676ULL) | word) & 0x8080808080808080ULL;
  const auto month = static_cast<unsigned>((word >> 40 & 0xFF) * 10 + (word >> 48 & 0xFF));
  const unsigned tens = static_cast<unsigned char>(text[8]) - unsigned{'0'};
  const unsigned ones = static_cast<unsigned char>(text[9]) - unsigned{'0'};
  return others == 0 && text[0] != '0' && month - 1 < 12 && tens < 3 && ones < 10 &&
         tens * 10 + ones - 1 < 28;
}

// True for such a date, a blank or T, and dd:dd:dd, 19 bytes.
inline bool is_plain_timestamp(const char* text) {
  uint64_t word;
  std::memcpy(&word, text + 11, 8);
  word ^= 0x30303A30303A3030ULL;
  const uint64_t others = ((word + 0x76767F76767F7676ULL) | word) & 0x8080808080808080ULL;
  const auto hours = static_cast<unsigned>((word & 0xFF) * 10 + (word >> 8 & 0xFF));
  const auto minutes = static_cast<unsigned>(word >> 24 & 0xFF);
  const auto seconds = static_cast<unsigned>(word >> 48 & 0xFF);
  return others == 0 && (text[10] == ' ' || text[10] == 'T') && hours < 24 && minutes < 6 &&
         seconds < 6 && is_plain_date(text);
}

// Position of the first '.' in a text of at most 16 bytes, or something behind its end.
inline size_t find_point(const char* text, size_t size) {
  for (size_t i = 0; i < size; i += 8) {
    uint64_t word;
    std::memcpy(&word, text + i, 8);
    const uint64_t difference = word ^ 0x2E2E2E2E2E2E2E2EULL;
    const uint64_t zero =
        (difference - 0x0101010101010101ULL) & ~difference & 0x8080808080808080ULL;
    if (zero != 0) return i + static_cast<size_t>(__builtin_ctzll(zero)) / 8;
  }
  return 16;
}

// The common form of fractions: digits on both sides of the point, 15 in all, no needless zero in
// front, no exponent. Both parts are doubles exactly then, and so the quotient is the nearest
// double.
inline bool parse_short_decimal(const char* text, size_t size, double* out) {
  const bool negative = text[0] == '-';
  text += negative;
  size -= negative;
  if (size - 3 > 13) return false;  // 3 to 16 bytes
  const size_t point = find_point(text, size);
  if (point == 0 || point + 1 >= size || (text[0] == '0' && point > 1)) return false;
  uint64_t whole = 0;
  uint64_t fraction = 0;
  const size_t places = size - point - 1;
  if (!parse_digits(text, point, &whole) || !parse_digits(text + point + 1, places, &fraction)) {
    return false;
  }
  constexpr uint64_t kPowers[] = {
      1,           10,           100,           1000,           10000,
      100000,      1000000,      10000000,      100000000,      1000000000,
      10000000000, 100000000000, 1000000000000, 10000000000000, 100000000000000};
  const auto digits = static_cast<double>(whole * kPowers[places] + fraction);
  const double value = digits / static_cast<double>(kPowers[places]);
  *out = negative ? -value : value;
  return true;
}

// True for 1 to 16 decimal digits.
inline bool are_digits(const char* text, size_t size) {
  uint32_t value = 0;
  if (size - 1 >= 16) return false;
  if (size <= 8) return parse_short_digits(text, size, &value);
  return are_digits(text) && are_digits(text + size - 8);
}

// True for digits on both sides of one point, 15 in all, without a needless zero in front: a double
// gives each of them back. `point` becomes the point's place.
inline bool is_short_decimal(const char* text, size_t size, size_t* point) {
  const size_t sign = size > 0 && text[0] == '-' ? 1 : 0;
  if (size - sign - 3 > 13) return false;  // 3 to 16 bytes
  *point = sign + find_point(text + sign, size - sign);
  if (*point == sign || *point + 1 >= size) return false;
  if (text[sign] == '0' && *point > sign + 1) return false;
  return are_digits(text + sign, *point - sign) && are_digits(text + *point + 1, size - *point - 1);
}

// True when a double holds the integer digit for digit.
inline bool is_exact_double(int64_t value) {
  const auto rounded = static_cast<double>(value);
  return rounded < 9223372036854775808.0 && static_cast<int64_t>(rounded) == value;
}

bool parse_int64_lenient(const char* text, size_t size, int64_t* out);
bool parse_uint64_lenient(const char* text, size_t size, uint64_t* out);
bool parse_float64_strict(const char* text, size_t size, double* out);
// Strict, and the double gives the number back (number_evidence.h).
bool parse_float64_exact(const char* text, size_t size, double* out);
bool parse_float64_lenient(const char* text, size_t size, double* out);
bool parse_float32_lenient(const char* text, size_t size, float* out);
bool parse_decimal_number(const char* text, size_t size, const DataType& type, Int128* out);
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
