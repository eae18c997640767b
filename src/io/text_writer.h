// Rows -> the text of a file. One thread per object.
#pragma once

#include <charconv>
#include <cstdint>
#include <string>

#include "src/column/chunk.h"

namespace velaria {

class TextWriter {
 public:
  virtual ~TextWriter() = default;
  // What stands before all rows; nothing for most formats.
  virtual void write_header(std::string*) const {}
  // Appends the selected rows of a chunk.
  virtual void write_chunk(const Chunk& chunk, std::string* out) const = 0;
};

// The flat column that holds a row's value, and its row there: dictionaries and constants point
// elsewhere.
inline const Column& flat_row(const Column& column, int64_t* row) {
  if (column.is_dictionary()) {
    *row = column.indices()[*row];
    return *column.child();
  }
  if (column.is_constant()) *row = 0;
  return column;
}

template <typename T>
void append_integer(T value, std::string* out) {
  char text[24];
  const auto result = std::to_chars(text, text + sizeof(text), value);
  out->append(text, result.ptr);
}

}  // namespace velaria
