// What is wrong at one byte of a text; thrown inside of the readers, which add path and place.
#pragma once

#include <cstddef>
#include <string>

namespace velaria {

struct TextDefect {
  std::string what;    // "the key \"id\" stands twice in this object"
  std::string advice;  // "keep one of them, ..."
  size_t offset = 0;   // in the text that was looked at
  enum class Kind { kRow, kEncoding } kind = Kind::kRow;  // kEncoding: advice is for the layout
};

}  // namespace velaria
