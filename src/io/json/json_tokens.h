// Where the tokens of JSON text are: simdjson's first stage, by the best instruction set of the
// processor.
//
// A token position is the first byte of { } [ ] : , or of a string, number or word; the bytes
// between the end of a value and the next token are white space. When the index exists, the text is
// valid UTF-8, no string lacks its closing quote and none holds a raw control character.
// One thread per object.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace velaria {

class JsonTokens {
 public:
  JsonTokens();
  ~JsonTokens();
  JsonTokens(const JsonTokens&) = delete;
  JsonTokens& operator=(const JsonTokens&) = delete;

  // Finds the tokens of text[0, size). False when the text has a defect; locate_defect() of
  // json_text.h finds it.
  bool index(const char* text, size_t size);

  size_t count() const { return count_; }
  // count() positions, ascending; behind them stands the size of the text, twice.
  const uint32_t* positions() const { return positions_; }

 private:
  struct Parser;
  std::unique_ptr<Parser> parser_;
  size_t capacity_ = 0;
  size_t count_ = 0;
  const uint32_t* positions_ = nullptr;
};

}  // namespace velaria
