// Which type a column of JSON values can have, by the evidence of its values.
//
//   bool       every value is true or false
//   int64      every value is an integer that fits
//   float64    numbers with a point or an exponent that a double gives back (number_evidence.h);
//              integers among them only if a double holds each one exactly
//   decimal    numbers with more digits, a point or an exponent among them, that fit 38 digits
//              together
//   date32     every value is a string YYYY-MM-DD
//   timestamp  every value is a string YYYY-MM-DD[ T]HH:MM[:SS[.f{1,6}]], dates among them; with Z
//              or an offset on every value timestamp[us, UTC]
//   utf8       everything else: other strings ("5" is text), mixtures, integers beyond int64 and
//              numbers of too many digits (digit for digit), objects and arrays (as JSON text), and
//              columns of null only
// null is no evidence. Gathering is commutative.
// One thread per object.
#pragma once

#include <cstddef>
#include <cstdint>

#include "src/column/type.h"
#include "src/io/csv/csv_value.h"
#include "src/io/csv/number_evidence.h"

namespace velaria {

class JsonEvidence {
 public:
  // `text` as for the parsers of csv_value.h. False when it is no number of JSON.
  bool number(const char* text, size_t size) {
    any_ = true;
    const bool negative = *text == '-';
    const char* digits = text + negative;
    const size_t count = size - negative;
    uint64_t value = 0;
    // A double holds each integer of up to 15 digits.
    if (count - 1 < 15 && (*digits != '0' || size == 1) && parse_digits(digits, count, &value)) {
      possible_ &= kNumber;
      digits_.add_integer(*digits == '0' ? 0 : count);
      return true;
    }
    return other_number(text, size);
  }
  // The content of a string without escapes.
  void string(const char* text, size_t size) {
    any_ = true;
    if ((possible_ & (kDate | kTimestamp | kInstant)) == 0 || size < 10 || text[4] != '-') {
      possible_ = 0;
    } else {
      time_text(text, size);
    }
  }
  void boolean() {
    any_ = true;
    possible_ &= kBool;
  }
  // Objects, arrays, strings with escapes.
  void other() {
    any_ = true;
    possible_ = 0;
  }

  void merge(const JsonEvidence& from) {
    possible_ &= from.possible_;
    any_ |= from.any_;
    digits_.merge(from.digits_);
  }
  DataType type() const;
  // Every value is a number, some are fractions, and no number type holds all of them.
  bool has_too_many_digits() const;

 private:
  enum : uint8_t {
    kNumber = kFitsInt | kFitsFloat | kFitsDecimal,
    kBool = 8,
    kDate = 16,
    kTimestamp = 32,
    kInstant = 64
  };

  bool other_number(const char* text, size_t size);
  void time_text(const char* text, size_t size);

  uint8_t possible_ = kNumber | kBool | kDate | kTimestamp | kInstant;
  bool any_ = false;
  DigitCount digits_;
  DateParser dates_;
};

}  // namespace velaria
