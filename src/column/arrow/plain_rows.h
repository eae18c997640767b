// Arrays of texts, of values of one width and of bits, row by row. Internal to this room.
//
// Rows count from the beginning of the buffers: those before the array's offset are rows too.
#pragma once

#include <cstdint>
#include <string_view>

#include "src/column/arrow/c_data.h"

namespace velaria {

inline bool is_bit_set(const uint8_t* bits, int64_t row) {
  return (bits[row / 8] >> (row % 8) & 1) != 0;
}

struct PlainRows {
  int64_t rows;
  const uint8_t* valid;

  explicit PlainRows(const ArrowArray& array)
      : rows(array.offset + array.length), valid(static_cast<const uint8_t*>(array.buffers[0])) {}

  bool is_null(int64_t row) const { return valid != nullptr && !is_bit_set(valid, row); }
};

// Texts with int32 offsets.
struct TextRows : PlainRows {
  const int32_t* offsets;  // null when there are no rows
  const char* bytes;

  explicit TextRows(const ArrowArray& array)
      : PlainRows(array),
        offsets(static_cast<const int32_t*>(array.buffers[1])),
        bytes(static_cast<const char*>(array.buffers[2])) {}

  std::string_view value(int64_t row) const {
    const auto size = static_cast<size_t>(offsets[row + 1] - offsets[row]);
    return size == 0 ? std::string_view("", 0) : std::string_view(bytes + offsets[row], size);
  }
  int64_t size_bytes() const { return rows == 0 ? 0 : offsets[rows]; }
};

// The bytes of values of one width.
struct WordRows : PlainRows {
  const char* bytes;
  int64_t value_bytes;

  WordRows(const ArrowArray& array, int64_t width)
      : PlainRows(array), bytes(static_cast<const char*>(array.buffers[1])), value_bytes(width) {}

  std::string_view value(int64_t row) const {
    return {bytes + row * value_bytes, static_cast<size_t>(value_bytes)};
  }
};

// A bit as a byte of 0 or 1.
struct BitRows : PlainRows {
  const uint8_t* bits;

  explicit BitRows(const ArrowArray& array)
      : PlainRows(array), bits(static_cast<const uint8_t*>(array.buffers[1])) {}

  std::string_view value(int64_t row) const {
    return {is_bit_set(bits, row) ? kBits + 1 : kBits, 1};
  }

 private:
  static constexpr char kBits[] = {0, 1};
};

inline bool is_text_format(std::string_view format) { return format == "u" || format == "z"; }

// Of a value of numbers, decimals, dates, times and intervals; 0: of another format.
inline int64_t value_bytes_of(std::string_view format) {
  if (format.size() == 1) {
    switch (format[0]) {
      case 'c':
      case 'C': return 1;
      case 's':
      case 'S': return 2;
      case 'i':
      case 'I':
      case 'f': return 4;
      case 'l':
      case 'L':
      case 'g': return 8;
      default: return 0;
    }
  }
  if (format == "tdD") return 4;
  if (format == "ttu" || format.substr(0, 2) == "ts") return 8;
  if (format == "tin") return 16;
  return format.substr(0, 2) == "d:" ? 16 : 0;
}

}  // namespace velaria
