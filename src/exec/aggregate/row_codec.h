// Values of any types as one byte string, to be kept beside groups and in snapshots.
//
// Each value: a byte 1 and its bytes, or a byte 0 for NULL. Fixed width: as stored; text: 4 bytes
// of length, then the bytes; vectors: their floats. Little-endian, as everything here.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "src/column/builder.h"
#include "src/column/column.h"

namespace velaria {

// Appends row `row` of the flat columns.
void append_row_bytes(const std::vector<ColumnPtr>& columns, int64_t row, std::string* out);

// Back into columns of the given types.
class RowDecoder {
 public:
  explicit RowDecoder(const std::vector<DataType>& types);
  // Reads one row off the front of `bytes`. CheckpointError when they end too early.
  void append(std::string_view* bytes);
  void append_nulls();
  int64_t rows() const { return rows_; }
  std::vector<ColumnPtr> finish();

 private:
  std::vector<DataType> types_;
  std::vector<std::unique_ptr<ColumnBuilder>> builders_;
  int64_t rows_ = 0;
};

// Plain values off the front of bytes of a snapshot.
class StateReader {
 public:
  explicit StateReader(std::string_view bytes) : rest_(bytes) {}
  template <typename T>
  T fixed() {
    T value;
    copy(&value, sizeof(T));
    return value;
  }
  std::string_view bytes(uint64_t size);
  bool at_end() const { return rest_.empty(); }
  std::string_view* rest() { return &rest_; }

 private:
  void copy(void* to, size_t size);
  std::string_view rest_;
};

template <typename T>
void append_fixed(const T& value, std::string* out) {
  out->append(reinterpret_cast<const char*>(&value), sizeof(T));
}

// A binary column of one state string a group.
template <typename F>
ColumnPtr binary_states(const uint32_t* groups, int64_t count, F append_group) {
  StringBuilder builder{DataType(TypeId::kBinary)};
  std::string bytes;
  for (int64_t i = 0; i < count; ++i) {
    bytes.clear();
    append_group(groups[i], &bytes);
    builder.append(bytes);
  }
  return builder.finish();
}

}  // namespace velaria
