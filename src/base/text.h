// Building texts for errors, explain and tables.
#pragma once

#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace velaria {

// concat("row ", 3, " of ", path) -> "row 3 of ..."
template <typename... Parts>
std::string concat(const Parts&... parts) {
  std::ostringstream out;
  out.exceptions(std::ios::badbit);  // else what finds no memory is left out in silence
  (out << ... << parts);
  return out.str();
}

std::string join_texts(const std::vector<std::string>& parts, std::string_view separator);

// ASCII only, on purpose: SQL keywords and identifiers fold the same in every locale.
std::string to_lower_ascii(std::string_view text);
std::string to_upper_ascii(std::string_view text);
bool equals_ignore_case(std::string_view a, std::string_view b);

// The shortest decimal text that reads back as the same double: "0.1", "1e+300", "nan", "inf".
std::string format_double(double value);
std::string format_float(float value);

// 'it''s': a SQL string literal.
std::string quote_sql_string(std::string_view text);

// At most `limit` bytes of `text`, cut at a code point, "..." appended when cut, control characters
// shown as escapes: for showing foreign values in an error.
std::string excerpt(std::string_view text, size_t limit = 60);

// Text as a JSON string literal with its quotes.
std::string quote_json(std::string_view text);

// 1536 -> "1.5 KiB".
std::string format_bytes(uint64_t bytes);

}  // namespace velaria
