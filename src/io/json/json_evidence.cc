#include "src/io/json/json_evidence.h"

#include <string_view>

#include "src/io/json/json_text.h"

namespace velaria {

namespace {

// The digits at the start of `text`, which has 8 readable bytes behind `size`.
size_t count_digits(const char* text, size_t size) {
  size_t count = 0;
  while (count < size) {
    uint64_t word;
    std::memcpy(&word, text + count, 8);
    word ^= 0x3030303030303030ULL;
    const uint64_t others = ((word + 0x7676767676767676ULL) | word) & 0x8080808080808080ULL;
    if (others != 0) {
      count += static_cast<size_t>(__builtin_ctzll(others)) / 8;
      break;
    }
    count += 8;
  }
  return count < size ? count : size;
}

// -?(0|[1-9][0-9]*)\.[0-9]+ of a length that no double overflows.
bool is_plain_fraction(const char* text, size_t size) {
  const size_t sign = *text == '-' ? 1 : 0;
  text += sign;
  size -= sign;
  const size_t whole = count_digits(text, size);
  if (whole == 0 || (whole > 1 && text[0] == '0') || whole + 1 >= size || text[whole] != '.') {
    return false;
  }
  return size < 300 && whole + 1 + count_digits(text + whole + 1, size - whole - 1) == size;
}

}  // namespace

bool JsonEvidence::other_number(const char* text, size_t size) {
  if (is_plain_fraction(text, size)) {
    possible_ &= kFloat;
    return true;
  }
  if (!is_json_number({text, size})) return false;
  int64_t integer = 0;
  double number = 0;
  uint8_t fits = 0;
  if (parse_int64_strict(text, size, &integer)) {
    fits = is_exact_double(integer) ? kInt | kFloat : kInt;
  } else if (parse_float64_strict(text, size, &number)) {
    fits = kFloat;
  }
  possible_ &= fits;
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

DataType JsonEvidence::type() const {
  if (!any_) return DataType(TypeId::kUtf8);
  if ((possible_ & kBool) != 0) return DataType(TypeId::kBool);
  if ((possible_ & kInt) != 0) return DataType(TypeId::kInt64);
  if ((possible_ & kFloat) != 0) return DataType(TypeId::kFloat64);
  if ((possible_ & kDate) != 0) return DataType(TypeId::kDate32);
  if ((possible_ & kTimestamp) != 0) return DataType::timestamp(TimeUnit::kMicro);
  if ((possible_ & kInstant) != 0) return DataType::timestamp(TimeUnit::kMicro, "UTC");
  return DataType(TypeId::kUtf8);
}

}  // namespace velaria
