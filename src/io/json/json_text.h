// The small pieces of JSON's grammar: numbers, escapes, and what is wrong with a text.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "src/io/text_table/text_defect.h"

namespace velaria {

inline bool is_json_space(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

// -?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?
bool is_json_number(std::string_view text);

// Writes the content of a string (without its quotes) to `out`, which may be the same place: it
// never gets longer. Returns the length. Throws TextDefect with an offset in `content` for an
// unknown escape and for half of a surrogate pair. `out` may be null: only checks then.
size_t unescape_json(std::string_view content, char* out);

// The first byte of `text` where it stops to be valid UTF-8, or where a string holds a raw control
// character or never closes: what makes JsonTokens::index() fail. `ends_at`: "line" or "file".
TextDefect locate_defect(std::string_view text, std::string_view ends_at);

// "\"abc" with its escapes, cut to a length for error messages.
std::string shown_token(std::string_view text, size_t at);

// Key of an object without its escapes. `offset` is of its quote.
std::string json_key_name(std::string_view key, size_t offset);
TextDefect duplicate_key(std::string_view name, size_t offset);

}  // namespace velaria
