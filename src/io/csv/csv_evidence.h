// Which types a column can have, by the evidence of its values.
//
//   bool       every value is true or false, in any case
//   int64      every value is an integer that fits, without leading zeros or a plus sign
//   float64    decimal points and exponents; integers among them only if a double holds each one
//              exactly
//   date32     YYYY-MM-DD
//   timestamp  YYYY-MM-DD[ T]HH:MM[:SS[.f{1,6}]], dates among them; with Z or an offset on every
//              value timestamp[us, UTC]
//   utf8       everything else: mixtures, quoted empty strings, integers beyond int64, nan and inf,
//              and a column of NULLs only
// Gathering is commutative: evidence of parts merges to the same answer in any order.
// One thread per object.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "src/column/type.h"
#include "src/io/csv/csv_dialect.h"
#include "src/io/csv/csv_value.h"

namespace velaria {

// Words that often mean "no value". They are text for the reader unless null_texts has them; the
// probe watches for them.
constexpr std::array<std::string_view, 6> kNullWords = {"NA", "NULL", "null", "N/A", "\\N", "-"};

class TypeEvidence {
 public:
  explicit TypeEvidence(bool watch_null_words = false) : watch_null_words_(watch_null_words) {}

  // More values can change the answer.
  bool is_open() const { return possible_ != 0 || (watch_null_words_ && possible_else_ != 0); }
  // Looks at rows until no type is possible any more; NULLs are passed over.
  void observe_rows(const char* text, const FieldSpan* spans, int64_t rows,
                    const CsvDialect& dialect);
  // `span` is not NULL; `text` as for the parsers of csv_value.h.
  void observe(const char* text, FieldSpan span, const CsvDialect& dialect);
  void merge(const TypeEvidence& other);

  DataType type() const { return type_of(possible_); }
  // The type if the null words seen were no values.
  DataType type_without_null_words() const { return type_of(possible_else_); }
  uint32_t null_words() const { return null_words_; }  // bit i: kNullWords[i] was seen unquoted
  // Values seen while the column was open, null words not included.
  uint64_t values() const { return values_; }

 private:
  enum : uint8_t { kBool = 1, kInt = 2, kFloat = 4, kDate = 8, kTimestamp = 16, kInstant = 32 };

  uint8_t classify(const char* text, size_t size, uint8_t candidates);
  DataType type_of(uint8_t possible) const;

  static constexpr uint8_t kAll = kBool | kInt | kFloat | kDate | kTimestamp | kInstant;
  uint8_t possible_ = kAll;
  uint8_t possible_else_ = kAll;  // with null words left out
  bool watch_null_words_;
  uint32_t null_words_ = 0;
  uint64_t values_ = 0;
  DateParser dates_;
};

}  // namespace velaria
