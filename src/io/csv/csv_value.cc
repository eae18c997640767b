#include "src/io/csv/csv_value.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>

#include "fast_float/fast_float.h"
#include "src/base/text.h"
#include "src/column/calendar.h"
#include "src/column/decimal.h"
#include "src/io/csv/number_evidence.h"

namespace velaria {

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// The whole text as a finite number, words like "nan" not included.
template <typename T>
bool parse_finite(const char* text, size_t size, T* out) {
  const size_t sign = size > 0 && text[0] == '-' ? 1 : 0;
  if (size == sign || !(is_digit(text[sign]) || text[sign] == '.')) return false;
  const auto result = fast_float::from_chars(text, text + size, *out);
  return result.ec == std::errc() && result.ptr == text + size;
}

template <typename T>
bool parse_float_lenient(const char* text, size_t size, T* out) {
  if (size > 1 && text[0] == '+' && text[1] != '-') {
    ++text;
    --size;
  }
  if (parse_finite(text, size, out)) return true;
  std::string_view word(text, size);
  const bool negative = !word.empty() && word[0] == '-';
  if (negative) word.remove_prefix(1);
  if (equals_ignore_case(word, "nan")) {
    *out = std::numeric_limits<T>::quiet_NaN();
    return true;
  }
  if (equals_ignore_case(word, "inf") || equals_ignore_case(word, "infinity")) {
    *out = negative ? -std::numeric_limits<T>::infinity() : std::numeric_limits<T>::infinity();
    return true;
  }
  return false;
}

// "-1.25e1" with its mark at 5 -> "-12.5". Nothing when it is no number, or far beyond a decimal.
std::optional<std::string> without_exponent(std::string_view text, size_t mark) {
  std::string_view power = text.substr(mark + 1);
  const bool shrinks = !power.empty() && power[0] == '-';
  if (!power.empty() && (power[0] == '-' || power[0] == '+')) power.remove_prefix(1);
  size_t places = 0;
  if (power.empty()) return std::nullopt;
  for (const char c : power) {
    if (!is_digit(c)) return std::nullopt;
    places = std::min<size_t>(places * 10 + static_cast<size_t>(c - '0'), 100000);
  }
  std::string_view number = text.substr(0, mark);
  std::string out;
  if (!number.empty() && (number[0] == '-' || number[0] == '+')) {
    out += number[0];
    number.remove_prefix(1);
  }
  const size_t point = std::min(number.find('.'), number.size());
  std::string digits(number.substr(0, point));
  if (point < number.size()) digits += number.substr(point + 1);
  const size_t first = digits.find_first_not_of('0');
  if (first == std::string::npos) return digits.empty() ? std::nullopt : std::optional("0");
  if (digits.size() + places > 1000) return std::nullopt;
  if (shrinks) {
    digits.insert(0, places, '0');
  } else {
    digits.append(places, '0');
  }
  // Behind the point there are as many digits as before, or `places` more or fewer.
  const size_t whole = shrinks ? point : point + places;
  digits.insert(std::min(whole, digits.size()), ".");
  return out + digits;
}

// Drops zeros in front, but not the last one.
void drop_zeros(const char** text, size_t* size) {
  while (*size > 1 && **text == '0') {
    ++*text;
    --*size;
  }
}

}  // namespace

bool parse_int64_lenient(const char* text, size_t size, int64_t* out) {
  const bool negative = size > 0 && text[0] == '-';
  if (size > 0 && (text[0] == '-' || text[0] == '+')) {
    ++text;
    --size;
  }
  drop_zeros(&text, &size);
  uint64_t value = 0;
  if (size == 0 || size > 19 || !parse_digits(text, size, &value)) return false;
  if (value > static_cast<uint64_t>(INT64_MAX) + (negative ? 1 : 0)) return false;
  *out = static_cast<int64_t>(negative ? 0 - value : value);
  return true;
}

bool parse_uint64_lenient(const char* text, size_t size, uint64_t* out) {
  if (size > 0 && text[0] == '+') {
    ++text;
    --size;
  }
  drop_zeros(&text, &size);
  if (size == 0 || size > 20) return false;
  uint64_t head = 0;
  if (size <= 19) return parse_digits(text, size, out);
  if (!parse_digits(text, 19, &head) || !is_digit(text[19])) return false;
  return !__builtin_mul_overflow(head, 10, out) &&
         !__builtin_add_overflow(*out, static_cast<uint64_t>(text[19] - '0'), out);
}

bool parse_float64_strict(const char* text, size_t size, double* out) {
  if (size >= 3 && parse_short_decimal(text, size, out)) return true;
  int64_t integer = 0;
  if (parse_int64_strict(text, size, &integer)) {
    *out = static_cast<double>(integer);
    return is_exact_double(integer);
  }
  const size_t sign = size > 0 && text[0] == '-' ? 1 : 0;
  if (size > sign + 1 && text[sign] == '0' && is_digit(text[sign + 1])) return false;
  bool fractional = false;
  for (size_t i = sign; i < size && !fractional; ++i) fractional = !is_digit(text[i]);
  const bool negative_zero = size == 2 && sign == 1 && text[1] == '0';
  return (fractional || negative_zero) && parse_finite(text, size, out);
}

bool parse_float64_exact(const char* text, size_t size, double* out) {
  if (size >= 3 && parse_short_decimal(text, size, out)) return true;
  NumberText number;
  return parse_float64_strict(text, size, out) && parse_number_text(text, size, &number) &&
         double_gives_back(number, text, size);
}

bool parse_decimal_number(const char* text, size_t size, const DataType& type, Int128* out) {
  std::string_view digits(text, size);
  std::string plain;
  const size_t mark = digits.find_first_of("eE");
  if (mark != std::string_view::npos) {
    // The point moves; what stands between is zeros.
    const auto moved = without_exponent(digits, mark);
    if (!moved) return false;
    plain = *moved;
    digits = plain;
  }
  const auto value = parse_decimal(digits, type.scale());
  if (!value) return false;
  *out = *value;
  if (type.precision() >= 38) return true;
  const Int128 limit = power_of_ten(type.precision());
  return *value < limit && *value > -limit;
}

bool parse_float64_lenient(const char* text, size_t size, double* out) {
  if (size >= 3 && parse_short_decimal(text, size, out)) return true;
  return parse_float_lenient(text, size, out);
}

bool parse_float32_lenient(const char* text, size_t size, float* out) {
  return parse_float_lenient(text, size, out);
}

bool parse_bool_strict(const char* text, size_t size, bool* out) {
  if (size != 4 && size != 5) return false;
  const std::string_view word(text, size);
  *out = size == 4;
  return equals_ignore_case(word, *out ? "true" : "false");
}

bool parse_bool_lenient(const char* text, size_t size, bool* out) {
  if (size != 1) return parse_bool_strict(text, size, out);
  *out = text[0] == '1' || text[0] == 't' || text[0] == 'T';
  return *out || text[0] == '0' || text[0] == 'f' || text[0] == 'F';
}

bool DateParser::parse_date(const char* text, size_t size, int32_t* days) {
  if (size != 10) return false;
  if (has_last_ && std::memcmp(text, last_text_, 10) == 0) {
    *days = last_days_;
    return true;
  }
  uint32_t year = 0;
  uint32_t month = 0;
  uint32_t day = 0;
  if (text[4] != '-' || text[7] != '-' || !parse_short_digits(text, 4, &year) ||
      !parse_short_digits(text + 5, 2, &month) || !parse_short_digits(text + 8, 2, &day)) {
    return false;
  }
  constexpr uint8_t kDays[] = {0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  if (month < 1 || month > 12 || day < 1 || day > kDays[month]) return false;
  const bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  if (month == 2 && day == 29 && !leap) return false;
  std::memcpy(last_text_, text, 10);
  last_days_ = static_cast<int32_t>(days_from_civil(
      {static_cast<int32_t>(year), static_cast<int32_t>(month), static_cast<int32_t>(day)}));
  has_last_ = true;
  *days = last_days_;
  return true;
}

bool DateParser::parse_timestamp(const char* text, size_t size, TimeUnit unit, bool with_offset,
                                 int64_t* out) {
  // YYYY-MM-DD HH:MM:SS, by far the most common form, at fixed places.
  const bool zulu = with_offset && size == 20 && text[19] == 'Z';
  if ((size == 19 && !with_offset) || zulu) {
    uint32_t clock[3] = {};
    const bool form = (text[10] == ' ' || text[10] == 'T') && text[13] == ':' && text[16] == ':' &&
                      parse_short_digits(text + 11, 2, &clock[0]) &&
                      parse_short_digits(text + 14, 2, &clock[1]) &&
                      parse_short_digits(text + 17, 2, &clock[2]);
    int32_t days = 0;
    if (form && clock[0] < 24 && clock[1] < 60 && clock[2] < 60 && parse_date(text, 10, &days)) {
      const int64_t seconds = int64_t{days} * 86400 + clock[0] * 3600 + clock[1] * 60 + clock[2];
      return !__builtin_mul_overflow(seconds, units_per_second(unit), out);
    }
  }
  bool had_offset = false;
  const auto parsed = velaria::parse_timestamp({text, size}, unit, &had_offset);
  if (!parsed || had_offset != with_offset) return false;
  *out = *parsed;
  return true;
}

}  // namespace velaria
