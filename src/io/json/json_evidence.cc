#include "src/io/json/json_evidence.h"

#include <string_view>

#include "src/io/json/json_text.h"

namespace velaria {

bool JsonEvidence::other_number(const char* text, size_t size) {
  size_t point = 0;
  if (is_short_decimal(text, size, &point)) {
    possible_ &= kFitsFloat | kFitsDecimal;
    const size_t sign = *text == '-' ? 1 : 0;
    digits_.add_fraction(text[sign] == '0' ? 0 : point - sign, size - point - 1);
    return true;
  }
  NumberText number;
  if (!is_json_number({text, size})) return false;
  if (parse_number_text(text, size, &number)) {
    digits_.add(number);
    possible_ &= fits_of_number(number, text, size, (possible_ & kFitsFloat) != 0);
  } else {
    possible_ = 0;  // an exponent that no type holds
  }
  return true;
}

void JsonEvidence::time_text(const char* text, size_t size) {
  int32_t days = 0;
  int64_t time = 0;
  uint8_t fits = 0;
  if (dates_.parse_date(text, size, &days)) {
    fits = kDate | kTimestamp;
  } else if ((possible_ & kTimestamp) != 0 &&
             dates_.parse_timestamp(text, size, TimeUnit::kMicro, false, &time)) {
    fits = kTimestamp;
  } else if ((possible_ & kInstant) != 0 &&
             dates_.parse_timestamp(text, size, TimeUnit::kMicro, true, &time)) {
    fits = kInstant;
  }
  possible_ &= fits;
}

bool JsonEvidence::has_too_many_digits() const {
  return any_ && (possible_ & kFitsDecimal) != 0 && digits_.has_fractions() &&
         !digits_.number_type(possible_);
}

DataType JsonEvidence::type() const {
  if (!any_) return DataType(TypeId::kUtf8);
  if (const auto number = digits_.number_type(possible_)) return *number;
  if ((possible_ & kBool) != 0) return DataType(TypeId::kBool);
  if ((possible_ & kDate) != 0) return DataType(TypeId::kDate32);
  if ((possible_ & kTimestamp) != 0) return DataType::timestamp(TimeUnit::kMicro);
  if ((possible_ & kInstant) != 0) return DataType::timestamp(TimeUnit::kMicro, "UTC");
  return DataType(TypeId::kUtf8);
}

}  // namespace velaria
