#include "src/io/csv/number_evidence.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <string_view>

#include "fast_float/fast_float.h"
#include "src/base/text.h"
#include "src/io/csv/csv_value.h"

namespace velaria {

namespace {

constexpr int kMostExponent = 9999;
constexpr int kMostDecimalDigits = 38;
constexpr int kMostDoubleDigits = 17;
constexpr int kMostDigitsOfSignificand = 19;
// Doubles between these powers of ten are spaced by 2^-52 of their size at most.
constexpr int kNormalExponent = 290;

unsigned digit_of(char c) { return static_cast<unsigned char>(c - '0'); }

constexpr int kMostPowerOfFive = 27;  // 5^27 fits 63 bits

struct PowersOfFive {
  uint64_t power[kMostPowerOfFive + 1] = {1};
  constexpr PowersOfFive() {
    for (int i = 1; i <= kMostPowerOfFive; ++i) power[i] = power[i - 1] * 5;
  }
};
constexpr PowersOfFive kFive;

struct PowersOfTen {
  uint64_t power[20] = {1};
  constexpr PowersOfTen() {
    for (int i = 1; i < 20; ++i) power[i] = power[i - 1] * 10;
  }
};
constexpr PowersOfTen kTen;

int count_digits(uint64_t value) {
  // The logarithm of 2 is near 1233 / 4096.
  const int guess = (64 - __builtin_clzll(value | 1)) * 1233 >> 12;
  return guess + (value >= kTen.power[guess] ? 1 : 0);
}

// Digits on both sides of one point, 19 in all at most: what most fractions are. As
// parse_number_text(), which it is a quick way of; false says nothing.
bool parse_plain_fraction(const char* text, size_t size, NumberText* out) {
  const size_t sign = size > 0 && text[0] == '-' ? 1 : 0;
  text += sign;
  size -= sign;
  if (size - 3 > 17) return false;  // 3 to 20 bytes
  const void* const found = std::memchr(text, '.', size);
  if (found == nullptr) return false;
  const auto whole = static_cast<size_t>(static_cast<const char*>(found) - text);
  const size_t places = size - whole - 1;
  if (whole == 0 || places == 0 || (text[0] == '0' && whole > 1)) return false;
  uint64_t before = 0;
  uint64_t behind = 0;
  if (!parse_digits(text, whole, &before) || !parse_digits(text + whole + 1, places, &behind)) {
    return false;
  }
  uint64_t significand = before * kTen.power[places] + behind;
  out->places = static_cast<int>(places);
  if (significand == 0) return true;
  out->exponent = -static_cast<int>(places);
  while (significand % 10 == 0) {
    significand /= 10;
    ++out->exponent;
  }
  out->significand = significand;
  out->digits = count_digits(significand);
  out->exact_places = std::max(-out->exponent, 0);
  out->whole = std::max(out->digits + out->exponent, 0);
  return true;
}

enum class Answer { kYes, kNo, kUnknown };

// Whether the shortest text of a double, the one nearest to significand * 10^exponent, is that
// number: there is no shorter decimal so near to it that it would round to it too, and none of the
// same length is nearer. By whole numbers of 128 bits, exactly, in units of the number's last
// digit. `fraction` and `exponent_bits` are those of the double.
Answer is_shortest(uint64_t significand, int exponent, uint64_t fraction, int exponent_bits) {
  const int power = exponent_bits - 1075;
  const int five = -exponent;
  const int shift = exponent - power;
  // Next to a power of two the doubles below are nearer.
  if (fraction == 0 || five < 0 || five > kMostPowerOfFive || shift < 1 || shift > 60) {
    return Answer::kUnknown;
  }
  using Wide = unsigned __int128;
  // Both times 2^shift.
  const Wide at = Wide{fraction | uint64_t{1} << 52} * kFive.power[five];
  const auto twice_distance = [&](uint64_t decimal) {
    const Wide place = Wide{decimal} << shift;
    return (at > place ? at - place : place - at) * 2;
  };
  const Wide unit = Wide{1} << shift;
  const Wide spacing = kFive.power[five];
  const uint64_t below = significand - significand % 10;
  const Wide own = twice_distance(significand);
  const Wide shorter = std::min(twice_distance(below), twice_distance(below + 10));
  if (own > unit || shorter < spacing) return Answer::kNo;
  return own < unit && shorter > spacing ? Answer::kYes : Answer::kUnknown;
}

Answer is_shortest(const NumberText& number, double value) {
  uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof(bits));
  return is_shortest(number.significand, number.exponent, bits & ((uint64_t{1} << 52) - 1),
                     static_cast<int>(bits >> 52 & 0x7FF));
}

// True for the digits of a large whole double as format_double() prints it: all of them, where that
// is shorter than an exponent.
bool is_printed_whole(const NumberText& number, std::string_view text) {
  if (number.exact_places > 0 || number.whole > 30) return false;
  const std::string_view digits = text.substr(0, text.find('.'));
  if (digits.find_first_of("eE") != std::string_view::npos) return false;
  double value = 0;
  fast_float::from_chars(text.data(), text.data() + text.size(), value);
  return format_double(value) == concat(digits, ".0");
}

// True for a double that was printed in scientific notation with 17 to 19 digits, as numpy.savetxt
// and %.16e do: of all the digits that the double has, these are the first ones, rounded. Nobody
// writes exact decimals like that.
bool is_printed_scientific(const NumberText& number, std::string_view text) {
  const size_t end = text.find_first_of("eE");
  if (end == std::string_view::npos) return false;
  int digits = 0;
  for (const char c : text.substr(0, end)) {
    if (digit_of(c) < 10 && (digits > 0 || c != '0')) ++digits;
  }
  if (digits < kMostDoubleDigits || digits > kMostDigitsOfSignificand) return false;
  double value = 0;
  fast_float::from_chars(text.data(), text.data() + text.size(), value);
  char printed[40];
  const auto written = std::to_chars(printed, printed + sizeof(printed), value,
                                     std::chars_format::scientific, digits - 1);
  NumberText again;
  return parse_number_text(printed, static_cast<size_t>(written.ptr - printed), &again) &&
         again.significand == number.significand && again.exponent == number.exponent;
}

}  // namespace

bool parse_number_text(const char* text, size_t size, NumberText* out) {
  *out = NumberText();
  if (parse_plain_fraction(text, size, out)) return true;
  size_t i = size > 0 && text[0] == '-' ? 1 : 0;
  const size_t begin = i;
  int pending_zeros = 0;  // behind the last significant digit that is no zero
  int written = 0;        // digits of any kind
  const auto take = [&](unsigned digit) {
    ++written;
    if (digit == 0) {
      if (out->digits > 0) ++pending_zeros;
      return;
    }
    if (out->digits + pending_zeros < kMostDigitsOfSignificand) {
      for (; pending_zeros > 0; --pending_zeros, ++out->digits) out->significand *= 10;
      out->significand = out->significand * 10 + digit;
    } else {
      out->digits += pending_zeros;
      pending_zeros = 0;
    }
    ++out->digits;
  };
  while (i < size && digit_of(text[i]) < 10) take(digit_of(text[i++]));
  const auto whole = static_cast<int>(i - begin);
  if (whole > 1 && text[begin] == '0') return false;
  int places = 0;
  if (i < size && text[i] == '.') {
    const size_t point = i++;
    while (i < size && digit_of(text[i]) < 10) take(digit_of(text[i++]));
    places = static_cast<int>(i - point) - 1;
  } else {
    out->is_integer = i == size;
  }
  if (written == 0) return false;
  int exponent = 0;
  if (i < size && (text[i] == 'e' || text[i] == 'E')) {
    ++i;
    const bool negative = i < size && text[i] == '-';
    if (i < size && (text[i] == '-' || text[i] == '+')) ++i;
    const size_t first = i;
    while (i < size && digit_of(text[i]) < 10 && exponent <= kMostExponent) {
      exponent = exponent * 10 + static_cast<int>(digit_of(text[i++]));
    }
    if (i == first || exponent > kMostExponent) return false;
    if (negative) exponent = -exponent;
  }
  if (i != size) return false;
  // The last significant digit is worth 10^exponent.
  out->exponent = exponent - places + pending_zeros;
  out->places = std::max(places - exponent, 0);
  if (out->digits == 0) {
    out->exponent = 0;
    return true;
  }
  out->exact_places = std::max(-out->exponent, 0);
  out->whole = std::max(out->digits + out->exponent, 0);
  return true;
}

bool is_printed_fraction(const char* text, size_t size, size_t* whole, size_t* places) {
  const size_t sign = text[0] == '-' ? 1 : 0;
  text += sign;
  size -= sign;
  // 16 or 17 digits, zeros in front of them and a point.
  if (size < 17 || size > 20 || text[size - 1] == '0') return false;
  size_t point = 1;
  while (point < 8 && text[point] != '.') ++point;
  if (text[point] != '.' || (text[0] == '0' && point > 1)) return false;
  uint32_t before = 0;
  uint64_t behind = 0;
  *places = size - point - 1;
  if (!parse_short_digits(text, point, &before) ||
      !parse_digits(text + point + 1, *places, &behind)) {
    return false;
  }
  const uint64_t significand = before * kTen.power[*places] + behind;
  if (significand >= kTen.power[kMostDoubleDigits]) return false;
  const fast_float::adjusted_mantissa nearest =
      fast_float::compute_float<fast_float::binary_format<double>>(-static_cast<int64_t>(*places),
                                                                   significand);
  if (nearest.power2 <= 0) return false;
  *whole = before == 0 ? 0 : point;
  return is_shortest(significand, -static_cast<int>(*places), nearest.mantissa, nearest.power2) ==
         Answer::kYes;
}

bool double_gives_back(const NumberText& number, const char* text, size_t size) {
  if (number.digits == 0) return true;
  if (number.digits > kMostDoubleDigits) {
    return is_printed_whole(number, {text, size}) || is_printed_scientific(number, {text, size});
  }
  const int magnitude = number.digits + number.exponent;
  if (magnitude > -kNormalExponent && magnitude < kNormalExponent) {
    // Decimals of that many digits lie further apart than doubles, so no two of them share one.
    if (number.digits <= 15) return true;
    if (number.digits == 16 && number.significand < (uint64_t{1} << 52)) return true;
  }
  double value = 0;
  const auto read = fast_float::from_chars(text, text + size, value);
  if (read.ec != std::errc() || value == 0) return false;
  if (number.exact_places > 0) {
    const Answer answer = is_shortest(number, value);
    if (answer == Answer::kYes) return true;
    if (answer == Answer::kNo) return is_printed_scientific(number, {text, size});
  }
  char shortest[32];
  const auto written =
      std::to_chars(shortest, shortest + sizeof(shortest), value, std::chars_format::scientific);
  NumberText again;
  return (parse_number_text(shortest, static_cast<size_t>(written.ptr - shortest), &again) &&
          again.significand == number.significand && again.exponent == number.exponent) ||
         is_printed_whole(number, {text, size}) || is_printed_scientific(number, {text, size});
}

uint8_t fits_of_number(const NumberText& number, const char* text, size_t size, bool ask_float) {
  if (number.is_integer) {
    int64_t integer = 0;
    if (parse_int64_strict(text, size, &integer)) {
      const bool exact = is_exact_double(integer) && double_gives_back(number, text, size);
      return exact ? kFitsInt | kFitsFloat | kFitsDecimal : kFitsInt | kFitsDecimal;
    }
    return number.digits == 0 ? kFitsFloat | kFitsDecimal : kFitsDecimal;  // -0
  }
  return ask_float && double_gives_back(number, text, size) ? kFitsFloat | kFitsDecimal
                                                            : kFitsDecimal;
}

std::string too_many_digits(const std::string& column) {
  return concat(
      "column '", excerpt(column),
      "' holds numbers of more digits than float64 or decimal128 can keep, and is text; to "
      "have them rounded, name the type float64 in types");
}

std::optional<DataType> DigitCount::decimal_type() const {
  for (const int places : {places_, exact_places_}) {
    if (whole_ + places > kMostDecimalDigits) continue;
    return DataType::decimal(std::max(whole_ + places, 1), places);
  }
  return std::nullopt;
}

std::optional<DataType> DigitCount::number_type(unsigned fits) const {
  if ((fits & kFitsInt) != 0) return DataType(TypeId::kInt64);
  if ((fits & kFitsFloat) != 0) return DataType(TypeId::kFloat64);
  if ((fits & kFitsDecimal) != 0 && has_fractions_) return decimal_type();
  return std::nullopt;
}

}  // namespace velaria
