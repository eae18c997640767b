#include "src/io/csv/csv_evidence.h"

#include <algorithm>

#include "src/io/csv/csv_careful.h"

namespace velaria {

const std::vector<std::string>& usual_null_words() {
  static const std::vector<std::string> words = {"NA",   "N/A",  "n/a",  "#N/A", "NULL", "Null",
                                                 "null", "None", "none", "\\N",  "-",    "--"};
  return words;
}

uint8_t TypeEvidence::classify(const char* text, size_t size) {
  if ((possible_ & kNumber) != 0) {
    NumberText number;
    if (parse_number_text(text, size, &number)) {
      digits_.add(number);
      return fits_of_number(number, text, size, (possible_ & kFloat) != 0);
    }
  }
  if ((possible_ & (kDate | kTimestamp | kInstant)) != 0) {
    int32_t days = 0;
    int64_t time = 0;
    if (dates_.parse_date(text, size, &days)) return kDate | kTimestamp;
    if ((possible_ & kTimestamp) != 0 &&
        dates_.parse_timestamp(text, size, TimeUnit::kMicro, false, &time)) {
      return kTimestamp;
    }
    if ((possible_ & kInstant) != 0 &&
        dates_.parse_timestamp(text, size, TimeUnit::kMicro, true, &time)) {
      return kInstant;
    }
  }
  bool truth = false;
  if ((possible_ & kBool) != 0 && parse_bool_strict(text, size, &truth)) return kBool;
  return 0;
}

void TypeEvidence::observe_rows(const char* text, const FieldSpan* spans, int64_t rows,
                                const CsvDialect& dialect) {
  int64_t row = 0;
  while (row < rows && is_open()) {
    const bool number = (possible_ & kNumber) != 0;
    // What most columns are made of, value after value, without more than its form being looked at.
    uint8_t fits = possible_;
    uint64_t seen = 0;
    size_t whole = 0;
    size_t places = 0;
    while (number && row < rows) {
      const FieldSpan span = spans[row];
      const uint32_t size = span.length_and_flags & ~FieldSpan::kQuoted;
      if (span.is_null()) {
        ++row;
        continue;
      }
      if (size > FieldSpan::kMaxLength) break;
      const char* const value = text + span.begin;
      size_t point = 0;
      size_t digits_before = 0;
      size_t digits_behind = 0;
      if (is_short_integer(value, size)) {
        fits &= kNumber;
        point = size;
      } else if (is_short_decimal(value, size, &point)) {
        fits &= kFloat | kDecimal;
        places = std::max(places, size - point - 1);
      } else if ((fits & kFloat) == 0 && is_long_integer(value, size)) {
        fits &= kInt | kDecimal;
        point = size;
      } else if ((fits & kFloat) != 0 && size > 0 &&
                 is_printed_fraction(value, size, &digits_before, &digits_behind)) {
        fits &= kFloat | kDecimal;
        places = std::max(places, digits_behind);
        whole = std::max(whole, digits_before);
        ++seen;
        ++row;
        continue;
      } else {
        break;
      }
      const size_t sign = value[0] == '-' ? 1 : 0;
      whole = std::max(whole, value[sign] == '0' ? 0 : point - sign);
      ++seen;
      ++row;
    }
    if (seen > 0) {
      possible_ &= fits;
      values_ += seen;
      digits_.add_integer(whole);
      if (places > 0) digits_.add_fraction(whole, places);
    }
    // The same for dates.
    while ((possible_ & (kNumber | kTimestamp)) == kTimestamp && row < rows) {
      const FieldSpan span = spans[row];
      const uint32_t size = span.length_and_flags & ~FieldSpan::kQuoted;
      if (!span.is_null()) {
        const char* const value = text + span.begin;
        if (size == 10 && is_plain_date(value)) {
          possible_ &= kDate | kTimestamp;
        } else if (size == 19 && is_plain_timestamp(value)) {
          possible_ &= kTimestamp;
        } else {
          break;
        }
        ++values_;
      }
      ++row;
    }
    if (row == rows || !is_open()) return;
    if (!spans[row].is_null()) observe(text, spans[row], dialect);
    ++row;
  }
}

void TypeEvidence::observe(const char* text, FieldSpan span, const CsvDialect& dialect) {
  uint8_t fits = 0;
  std::string unescaped;
  const char* value = text + span.begin;
  size_t size = span.length();
  if (span.is_escaped()) {
    unescaped.resize(size + 8);
    size = unescape_field(dialect, text, span, unescaped.data());
    value = unescaped.data();
  }
  if (size > 0) fits = classify(value, size);
  if (fits == 0 && words_ != nullptr && !span.is_quoted()) {
    for (size_t i = 0; i < words_->size(); ++i) {
      if (std::string_view(value, size) != (*words_)[i]) continue;
      seen_words_ |= 1u << i;
      return;
    }
  }
  possible_ &= fits;
  ++values_;
}

void TypeEvidence::merge(const TypeEvidence& other) {
  possible_ &= other.possible_;
  seen_words_ |= other.seen_words_;
  values_ += other.values_;
  digits_.merge(other.digits_);
}

bool TypeEvidence::has_too_many_digits() const {
  return values_ > 0 && (possible_ & kDecimal) != 0 && digits_.has_fractions() &&
         !digits_.number_type(possible_);
}

DataType TypeEvidence::type() const {
  if (values_ == 0) return DataType(TypeId::kUtf8);
  if (const auto number = digits_.number_type(possible_)) return *number;
  if ((possible_ & kBool) != 0) return DataType(TypeId::kBool);
  if ((possible_ & kDate) != 0) return DataType(TypeId::kDate32);
  if ((possible_ & kTimestamp) != 0) return DataType::timestamp(TimeUnit::kMicro);
  if ((possible_ & kInstant) != 0) return DataType::timestamp(TimeUnit::kMicro, "UTC");
  return DataType(TypeId::kUtf8);
}

}  // namespace velaria
