// Which number types hold every number of a column digit for digit.
//
// - int64: -?(0|[1-9][0-9]*) that fits.
// - float64: the nearest double, printed as short as it can be, is the same number again. So it is
//   up to 15 significant digits, and for what programs print of a double by its shortest text (up
//   to 17); zeros at either end do not count. Of integers a double must also hold every digit. In
//   scientific notation also what programs print of a double with 17 to 19 digits.
// - decimal: what has more digits, where all values together fit 38, those before the point and the
//   places behind it.
//
// Gathering is commutative. One thread per object.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "src/column/type.h"

namespace velaria {

// A number as it is written: -?(0|[1-9][0-9]*)?(\.[0-9]*)?([eE][+-]?[0-9]+)?, with a digit.
struct NumberText {
  bool is_integer = false;   // neither point nor exponent
  uint64_t significand = 0;  // of the significant digits, if they are at most 19
  int digits = 0;            // significant ones; 0 for zero
  int exponent = 0;          // the value is significand * 10^exponent
  int whole = 0;             // digits before the point, the exponent applied
  int places = 0;            // behind it, as they are written
  int exact_places = 0;      // behind it, without zeros at the end
};

// False for what is no number, or has needless zeros in front, or an exponent beyond 9999.
bool parse_number_text(const char* text, size_t size, NumberText* out);

// True when the double nearest to the number, printed as short as it can be, is that number.
// So are the digits of a whole double that are printed all. `text` is what `number` was parsed
// from.
bool double_gives_back(const NumberText& number, const char* text, size_t size);

// As double_gives_back(), of fractions like 0.8444218515250481, which is what programs print most:
// a quick way, where false says nothing. Gives the digits before the point (none for 0.5) and
// behind it. `text` is not empty, and 8 bytes behind it may be read.
bool is_printed_fraction(const char* text, size_t size, size_t* whole, size_t* places);

enum NumberFit : uint8_t { kFitsInt = 1, kFitsFloat = 2, kFitsDecimal = 4 };

// Which types hold the number, whatever its digits are for a decimal. Without `ask_float` it is not
// found out for floats, which takes longest.
uint8_t fits_of_number(const NumberText& number, const char* text, size_t size, bool ask_float);

// For whoever opens a file with a column of numbers that no number type holds.
std::string too_many_digits(const std::string& column);

// How many digits the numbers of a column have.
class DigitCount {
 public:
  void add_integer(size_t whole) { whole_ = std::max(whole_, static_cast<int>(whole)); }
  void add_fraction(size_t whole, size_t places) { add(whole, places, places); }
  void add(const NumberText& number) {
    if (number.is_integer) {
      add_integer(static_cast<size_t>(number.whole));
    } else {
      add(static_cast<size_t>(number.whole), static_cast<size_t>(number.places),
          static_cast<size_t>(number.exact_places));
    }
  }
  void merge(const DigitCount& other) {
    whole_ = std::max(whole_, other.whole_);
    places_ = std::max(places_, other.places_);
    exact_places_ = std::max(exact_places_, other.exact_places_);
    has_fractions_ = has_fractions_ || other.has_fractions_;
  }

  bool has_fractions() const { return has_fractions_; }
  // Of numbers that all have these fits. Nothing when none holds them: integers beyond int64, which
  // are hardly ever amounts, and numbers that together have more digits than a decimal.
  std::optional<DataType> number_type(unsigned fits) const;

 private:
  std::optional<DataType> decimal_type() const;
  void add(size_t whole, size_t places, size_t exact_places) {
    has_fractions_ = true;
    whole_ = std::max(whole_, static_cast<int>(whole));
    places_ = std::max(places_, static_cast<int>(places));
    exact_places_ = std::max(exact_places_, static_cast<int>(exact_places));
  }

  int whole_ = 0;
  int places_ = 0;
  int exact_places_ = 0;
  bool has_fractions_ = false;
};

}  // namespace velaria
