#include "src/io/csv/csv_evidence.h"

#include "src/io/csv/csv_careful.h"

namespace velaria {

uint8_t TypeEvidence::classify(const char* text, size_t size, uint8_t candidates) {
  if ((candidates & (kInt | kFloat)) != 0) {
    int64_t integer = 0;
    if (parse_int64_strict(text, size, &integer)) {
      return is_exact_double(integer) ? kInt | kFloat : kInt;
    }
    double number = 0;
    if ((candidates & kFloat) != 0 && parse_float64_strict(text, size, &number)) return kFloat;
  }
  if ((candidates & (kDate | kTimestamp | kInstant)) != 0) {
    int32_t days = 0;
    int64_t time = 0;
    if (dates_.parse_date(text, size, &days)) return kDate | kTimestamp;
    if ((candidates & kTimestamp) != 0 &&
        dates_.parse_timestamp(text, size, TimeUnit::kMicro, false, &time)) {
      return kTimestamp;
    }
    if ((candidates & kInstant) != 0 &&
        dates_.parse_timestamp(text, size, TimeUnit::kMicro, true, &time)) {
      return kInstant;
    }
  }
  bool truth = false;
  if ((candidates & kBool) != 0 && parse_bool_strict(text, size, &truth)) return kBool;
  return 0;
}

void TypeEvidence::observe_rows(const char* text, const FieldSpan* spans, int64_t rows,
                                const CsvDialect& dialect) {
  int64_t row = 0;
  while (row < rows && is_open()) {
    const int candidates = possible_ | (watch_null_words_ ? possible_else_ : 0);
    const bool number = (candidates & (kInt | kFloat)) != 0;
    // What most columns are made of, value after value, without more than its form being looked at.
    uint8_t fits = kAll;
    uint64_t seen = 0;
    while (number && row < rows) {
      const FieldSpan span = spans[row];
      const uint32_t size = span.length_and_flags & ~FieldSpan::kQuoted;
      if (span.is_null()) {
        ++row;
        continue;
      }
      if (size > FieldSpan::kMaxLength) break;
      if (is_short_integer(text + span.begin, size)) {
        fits &= kInt | kFloat;
      } else if (is_plain_decimal(text + span.begin, size)) {
        fits &= kFloat;
      } else {
        break;
      }
      ++seen;
      ++row;
    }
    if (seen > 0) {
      possible_ &= fits;
      possible_else_ &= fits;
      values_ += seen;
    }
    if (row == rows || !is_open()) return;
    if (!spans[row].is_null()) observe(text, spans[row], dialect);
    ++row;
  }
}

void TypeEvidence::observe(const char* text, FieldSpan span, const CsvDialect& dialect) {
  const auto candidates =
      static_cast<uint8_t>(possible_ | (watch_null_words_ ? possible_else_ : 0));
  uint8_t fits = 0;
  std::string unescaped;
  const char* value = text + span.begin;
  size_t size = span.length();
  if (span.is_escaped()) {
    unescaped.resize(size + 8);
    size = unescape_field(dialect, text, span, unescaped.data());
    value = unescaped.data();
  }
  if (size > 0) fits = classify(value, size, candidates);
  possible_ &= fits;
  if (watch_null_words_) {
    if (fits == 0 && !span.is_quoted()) {
      for (size_t i = 0; i < kNullWords.size(); ++i) {
        if (std::string_view(value, size) == kNullWords[i]) {
          null_words_ |= 1u << i;
          return;
        }
      }
    }
    possible_else_ &= fits;
  }
  ++values_;
}

void TypeEvidence::merge(const TypeEvidence& other) {
  possible_ &= other.possible_;
  possible_else_ &= other.possible_else_;
  null_words_ |= other.null_words_;
  values_ += other.values_;
}

DataType TypeEvidence::type_of(uint8_t possible) const {
  if (values_ == 0) return DataType(TypeId::kUtf8);
  if ((possible & kBool) != 0) return DataType(TypeId::kBool);
  if ((possible & kInt) != 0) return DataType(TypeId::kInt64);
  if ((possible & kFloat) != 0) return DataType(TypeId::kFloat64);
  if ((possible & kDate) != 0) return DataType(TypeId::kDate32);
  if ((possible & kTimestamp) != 0) return DataType::timestamp(TimeUnit::kMicro);
  if ((possible & kInstant) != 0) return DataType::timestamp(TimeUnit::kMicro, "UTC");
  return DataType(TypeId::kUtf8);
}

}  // namespace velaria
