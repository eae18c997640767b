#include "src/kernel/text_functions.h"

#include <algorithm>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/column/builder.h"
#include "src/kernel/take.h"

namespace velaria {

namespace {

bool continues_code_point(char c) { return (static_cast<uint8_t>(c) & 0xC0) == 0x80; }

char fold(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

size_t code_point_bytes(std::string_view text, size_t position) {
  size_t end = position + 1;
  while (end < text.size() && continues_code_point(text[end])) ++end;
  return end - position;
}

template <typename F>
ColumnPtr map_text(const ColumnPtr& text, F f) {
  const ColumnPtr flat = flatten(text);
  StringBuilder builder(flat->type());
  for (int64_t i = 0; i < flat->length(); ++i) {
    if (flat->is_null(i)) {
      builder.append_null();
    } else {
      builder.append(f(flat->values<StringView>()[i].text()));
    }
  }
  return builder.finish();
}

}  // namespace

int64_t count_code_points(std::string_view text) {
  return std::count_if(text.begin(), text.end(), [](char c) { return !continues_code_point(c); });
}

std::string_view code_point_slice(std::string_view text, int64_t first, int64_t count) {
  size_t begin = 0;
  for (; first > 0 && begin < text.size(); --first) begin += code_point_bytes(text, begin);
  size_t end = begin;
  for (; count > 0 && end < text.size(); --count) end += code_point_bytes(text, end);
  return text.substr(begin, end - begin);
}

bool matches_like(std::string_view text, std::string_view pattern, char escape, bool ignore_case) {
  // Greedy with one way back: when a later part fails, only the last % can have taken too little.
  size_t t = 0;
  size_t p = 0;
  size_t retry_pattern = std::string_view::npos;
  size_t retry_text = 0;
  while (t < text.size()) {
    bool matched = false;
    if (p < pattern.size()) {
      char wanted = pattern[p];
      const bool escaped = escape != '\0' && wanted == escape;
      if (escaped) {
        if (p + 1 == pattern.size()) {
          throw Error(ErrorKind::kSqlSemantic, concat("LIKE pattern ", quote_sql_string(pattern),
                                                      " ends with its escape character"));
        }
        wanted = pattern[p + 1];
      }
      if (!escaped && wanted == '%') {
        retry_pattern = ++p;
        retry_text = t;
        continue;
      }
      if (!escaped && wanted == '_') {
        t += code_point_bytes(text, t);
        ++p;
        matched = true;
      } else if (text[t] == wanted || (ignore_case && fold(text[t]) == fold(wanted))) {
        ++t;
        p += escaped ? 2 : 1;
        matched = true;
      }
    }
    if (matched) continue;
    if (retry_pattern == std::string_view::npos) return false;
    p = retry_pattern;
    retry_text += code_point_bytes(text, retry_text);
    t = retry_text;
  }
  while (p < pattern.size() && pattern[p] == '%') ++p;
  return p == pattern.size();
}

ColumnPtr lower_text(const ColumnPtr& text) {
  return map_text(text, [](std::string_view t) { return to_lower_ascii(t); });
}

ColumnPtr upper_text(const ColumnPtr& text) {
  return map_text(text, [](std::string_view t) { return to_upper_ascii(t); });
}

}  // namespace velaria
