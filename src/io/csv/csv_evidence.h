// Which types a column can have, by the evidence of its values.
//
//   bool       every value is true or false, in any case
//   int64      every value is an integer that fits, without leading zeros or a plus sign
//   float64    decimal points and exponents, all of which a double gives back (number_evidence.h);
//              integers among them only if a double holds each one exactly
//   decimal    numbers with more digits, decimal points among them, that fit 38 digits together
//   date32     YYYY-MM-DD
//   timestamp  YYYY-MM-DD[ T]HH:MM[:SS[.f{1,6}]], dates among them; with Z or an offset on every
//              value timestamp[us, UTC]
//   utf8       everything else: mixtures, quoted empty strings, integers beyond int64, nan and inf,
//              numbers of too many digits, and a column of NULLs only
// Null words are no values in a column that has one of these types but for them, and text in all
// others.
// Gathering is commutative: evidence of parts merges to the same answer in any order.
// One thread per object.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "src/column/type.h"
#include "src/io/csv/csv_dialect.h"
#include "src/io/csv/csv_value.h"
#include "src/io/csv/number_evidence.h"

namespace velaria {

// Words that often mean "no value": what the probe watches for.
const std::vector<std::string>& usual_null_words();

class TypeEvidence {
 public:
  // `null_words` (may be null, at most 32) stays while values are observed.
  explicit TypeEvidence(const std::vector<std::string>* null_words = nullptr)
      : words_(null_words != nullptr && !null_words->empty() ? null_words : nullptr) {}

  // More values can change the answer.
  bool is_open() const { return possible_ != 0; }
  // Looks at rows until no type is possible any more; NULLs are passed over.
  void observe_rows(const char* text, const FieldSpan* spans, int64_t rows,
                    const CsvDialect& dialect);
  // `span` is not NULL; `text` as for the parsers of csv_value.h.
  void observe(const char* text, FieldSpan span, const CsvDialect& dialect);
  void merge(const TypeEvidence& other);

  DataType type() const;
  uint32_t null_words() const { return seen_words_; }  // bit i: the i-th was seen, not in quotes
  // Every value is a number, some are fractions, and no number type holds all of them.
  bool has_too_many_digits() const;
  // Values seen while the column was open, null words not included.
  uint64_t values() const { return values_; }

 private:
  enum : uint8_t {
    kInt = kFitsInt,
    kFloat = kFitsFloat,
    kDecimal = kFitsDecimal,  // any number
    kBool = 8,
    kDate = 16,
    kTimestamp = 32,
    kInstant = 64
  };
  static constexpr uint8_t kNumber = kInt | kFloat | kDecimal;

  uint8_t classify(const char* text, size_t size);

  uint8_t possible_ =  // null words left out
      kBool | kInt | kFloat | kDecimal | kDate | kTimestamp | kInstant;
  const std::vector<std::string>* words_;
  uint32_t seen_words_ = 0;
  uint64_t values_ = 0;
  DigitCount digits_;
  DateParser dates_;
};

}  // namespace velaria
