// Rows -> the text of a file. One thread per object.
#pragma once

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

}  // namespace velaria
