// Columns as bytes and back: little-endian, every length written down, nothing trusted when read.
//
//   type      u8 id, u8 unit, u8 precision, i8 scale, i32 list size, u32 n + n bytes time zone
//             nested types then: their Arrow schema, for each node u32 n + n bytes format, u32 n +
//             n bytes name, u8 flags, u32 children, and so on for these
//   length    u64 rows
//   validity  u8 0: all valid; 1: (rows + 7) / 8 bytes follow, bit i of byte i / 8 is row i
//   values    fixed width: rows * width bytes (a null row's bytes are zero); bool one byte a row
//             utf8, binary, nested: (rows + 1) u64 offsets, then the bytes
//             vectors: rows * list size float32
//             null type: nothing
//
// One thread per object.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "src/column/chunk.h"

namespace velaria {

class ByteWriter {
 public:
  void u8(uint8_t value) { bytes_.push_back(static_cast<char>(value)); }
  void u32(uint32_t value) { fixed(&value, sizeof(value)); }
  void u64(uint64_t value) { fixed(&value, sizeof(value)); }
  void text(std::string_view value) {
    u64(value.size());
    bytes_.append(value);
  }
  void fixed(const void* data, size_t size) { bytes_.append(static_cast<const char*>(data), size); }
  const std::string& bytes() const { return bytes_; }
  std::string take() { return std::move(bytes_); }

 private:
  std::string bytes_;
};

// Every read past the end is a CheckpointError "... ends too early".
class ByteReader {
 public:
  // `what` is named in errors; both outlive the reader.
  ByteReader(std::string_view bytes, std::string_view what) : rest_(bytes), what_(what) {}
  uint8_t u8();
  uint32_t u32();
  uint64_t u64();
  std::string_view text();
  std::string_view fixed(uint64_t size);
  size_t left() const { return rest_.size(); }
  [[noreturn]] void refuse(std::string_view problem) const;

 private:
  std::string_view rest_;
  std::string_view what_;
};

void write_type(const DataType& type, ByteWriter* out);
DataType read_type(ByteReader* in);

void write_column(const ColumnPtr& column, ByteWriter* out);
ColumnPtr read_column(ByteReader* in);

// u64 rows, u32 columns, the columns. The chunk has no selection.
void write_chunk(const Chunk& chunk, ByteWriter* out);
Chunk read_chunk(ByteReader* in);

}  // namespace velaria
