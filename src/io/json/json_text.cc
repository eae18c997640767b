#include "src/io/json/json_text.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <optional>

#include "src/base/code_point.h"
#include "src/base/text.h"
#include "src/io/file_content.h"

namespace velaria {

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::optional<uint32_t> four_hex_digits(std::string_view text) {
  if (text.size() < 4) return std::nullopt;
  uint32_t out = 0;
  for (size_t i = 0; i < 4; ++i) {
    const char c = text[i];
    const char lower = static_cast<char>(c | 0x20);
    uint32_t digit = 0;
    if (is_digit(c)) {
      digit = static_cast<uint32_t>(c - '0');
    } else if (lower >= 'a' && lower <= 'f') {
      digit = static_cast<uint32_t>(lower - 'a') + 10;
    } else {
      return std::nullopt;
    }
    out = out << 4 | digit;
  }
  return out;
}

TextDefect bad_escape(std::string_view content, size_t at) {
  return {concat("'", excerpt(content.substr(at), 12), "' is no escape of JSON"),
          "JSON has \\\" \\\\ \\/ \\b \\f \\n \\r \\t and \\u with four hexadecimal digits", at};
}

// The code point of \uXXXX at `at`, a surrogate pair included; moves `at` behind it.
uint32_t read_unicode_escape(std::string_view content, size_t* at) {
  const size_t begin = *at;
  const auto first = four_hex_digits(content.substr(begin + 2));
  if (!first) throw bad_escape(content, begin);
  *at = begin + 6;
  if (*first < 0xD800 || *first > 0xDFFF) return *first;
  const std::string_view rest = content.substr(*at);
  if (*first < 0xDC00 && rest.substr(0, 2) == "\\u") {
    const auto second = four_hex_digits(rest.substr(2));
    if (second && *second >= 0xDC00 && *second <= 0xDFFF) {
      *at += 6;
      return 0x10000 + ((*first - 0xD800) << 10) + (*second - 0xDC00);
    }
  }
  throw TextDefect{concat("'", content.substr(begin, 6),
                          "' is half of a surrogate pair: it stands for no character alone"),
                   "write the pair, or the character itself", begin};
}

}  // namespace

bool is_json_number(std::string_view text) {
  size_t i = 0;
  const auto digits = [&] {
    const size_t begin = i;
    while (i < text.size() && is_digit(text[i])) ++i;
    return i > begin;
  };
  if (i < text.size() && text[i] == '-') ++i;
  if (i < text.size() && text[i] == '0') {
    ++i;
  } else if (!digits()) {
    return false;
  }
  if (i < text.size() && text[i] == '.') {
    ++i;
    if (!digits()) return false;
  }
  if (i < text.size() && (text[i] == 'e' || text[i] == 'E')) {
    ++i;
    if (i < text.size() && (text[i] == '+' || text[i] == '-')) ++i;
    if (!digits()) return false;
  }
  return i == text.size();
}

size_t unescape_json(std::string_view content, char* out) {
  size_t size = 0;
  const auto put = [&](const char* bytes, size_t count) {
    if (out != nullptr && count > 0) std::memmove(out + size, bytes, count);
    size += count;
  };
  size_t at = 0;
  while (at < content.size()) {
    const size_t slash = std::min(content.find('\\', at), content.size());
    put(content.data() + at, slash - at);
    at = slash;
    if (at == content.size()) break;
    if (at + 1 == content.size()) throw bad_escape(content, at);
    char plain = 0;
    switch (content[at + 1]) {
      case '"':
      case '\\':
      case '/': plain = content[at + 1]; break;
      case 'b': plain = '\b'; break;
      case 'f': plain = '\f'; break;
      case 'n': plain = '\n'; break;
      case 'r': plain = '\r'; break;
      case 't': plain = '\t'; break;
      case 'u': {
        const uint32_t code = read_unicode_escape(content, &at);
        char bytes[4];
        const size_t written = encode_code_point(code, bytes);
        if (out != nullptr) std::memcpy(out + size, bytes, written);
        size += written;
        continue;
      }
      default: throw bad_escape(content, at);
    }
    put(&plain, 1);
    at += 2;
  }
  return size;
}

TextDefect locate_defect(std::string_view text, std::string_view ends_at) {
  const size_t invalid = find_invalid_utf8(text);
  bool inside = false;
  size_t opened = 0;
  for (size_t i = 0; i < text.size() && i < invalid; ++i) {
    const char c = text[i];
    if (!inside) {
      if (c == '"') {
        inside = true;
        opened = i;
      }
    } else if (c == '\\') {
      ++i;
    } else if (c == '"') {
      inside = false;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      if (c == '\n' || c == '\r') {
        return {
            concat("the string ", shown_token(text, opened), " is not closed before its line ends"),
            "close it, or write the line end as \\n", opened};
      }
      return {concat("a raw control character (byte ", static_cast<int>(c),
                     ") stands in the string ", shown_token(text, opened)),
              "write it as \\u00XX", i};
    }
  }
  if (invalid < text.size()) {
    return {"the bytes here are not valid UTF-8", "convert the file to UTF-8", invalid,
            TextDefect::Kind::kEncoding};
  }
  return {concat("the string ", shown_token(text, opened), " is not closed before the ", ends_at,
                 " ends"),
          "close it; perhaps the file is cut off", opened};
}

std::string shown_token(std::string_view text, size_t at) {
  if (at >= text.size()) return "nothing";
  size_t end = at;
  while (end < text.size() && end < at + 40 && text[end] != '\n' && text[end] != '\r') ++end;
  return concat("'", excerpt(text.substr(at, end - at), 40), "'");
}

std::string json_key_name(std::string_view key, size_t offset) {
  std::string name(key);
  if (name.find('\\') == std::string::npos) return name;
  try {
    name.resize(unescape_json(key, name.data()));
  } catch (TextDefect& defect) {
    defect.offset += offset + 1;
    throw;
  }
  return name;
}

TextDefect duplicate_key(std::string_view name, size_t offset) {
  return {concat("the key '", excerpt(name), "' stands twice in this object"),
          "keep one of them, or name other keys in columns", offset};
}

}  // namespace velaria
