// Walks the tokens of one object and tells a sink what it finds.
//
//   struct Sink {
//     int32_t key(const char* text, size_t size, size_t offset);  // >= 0: a column; else ignored
//     void null(int32_t column);
//     void boolean(int32_t column, size_t begin, size_t end);
//     void number(int32_t column, size_t begin, size_t end);
//     void string(int32_t column, size_t begin, size_t end);      // without its quotes
//     void nested(int32_t column, size_t begin, size_t end);      // an object or an array
//   };
//
// Offsets are of the text. With `strict` everything is checked, values of ignored keys included;
// else only what keeps the walk itself right, for text that was checked before.
// The text has 8 readable bytes behind it, and its byte behind the last one is no part of JSON's
// punctuation (JsonRows sees to that). One thread per object.
#pragma once

#include <cstdint>
#include <cstring>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/text.h"
#include "src/io/json/json_text.h"

namespace velaria {

constexpr int kMaxJsonDepth = 1024;

class JsonWalker {
 public:
  // `tokens` as JsonTokens gives them.
  void start(const char* text, const uint32_t* tokens, size_t count, bool strict) {
    text_ = text;
    tokens_ = tokens;
    count_ = count;
    strict_ = strict;
    next_ = 0;
    // Most texts have none, and then nobody needs to look for them string by string.
    has_escapes_ = count > 0 && std::memchr(text, '\\', tokens[count]) != nullptr;
  }

  bool done() const { return next_ >= count_; }
  size_t position() const { return tokens_[next_]; }
  char token() const { return text_[tokens_[next_]]; }
  void skip_token() { ++next_; }

  bool has_escapes(size_t begin, size_t end) const {
    return has_escapes_ && std::memchr(text_ + begin, '\\', end - begin) != nullptr;
  }

  // The object whose '{' is the next token. Returns where it ends (its '}'). Throws TextDefect with
  // an offset in the text.
  template <typename Sink>
  size_t object(Sink* sink) {
    ++next_;
    if (token() == '}') return tokens_[next_++];
    for (;;) {
      const size_t key = tokens_[next_];
      if (text_[key] != '"') throw unexpected(key, "a key in double quotes");
      const size_t colon = tokens_[next_ + 1];
      if (text_[colon] != ':') throw unexpected(colon, "':' behind the key");
      const int32_t column = sink->key(text_ + key + 1, end_of_string(key, colon) - key - 1, key);
      next_ += 2;
      const size_t begin = tokens_[next_];
      switch (text_[begin]) {
        case '"': {
          const size_t end = end_of_string(begin, tokens_[++next_]);
          if (strict_) check_string(begin + 1, end);
          if (column >= 0) sink->string(column, begin + 1, end);
          break;
        }
        case '-':
        case '0':
        case '1':
        case '2':
        case '3':
        case '4':
        case '5':
        case '6':
        case '7':
        case '8':
        case '9': {
          const size_t end = end_of_word(tokens_[++next_]);
          if (strict_) check_number(begin, end);
          if (column >= 0) sink->number(column, begin, end);
          break;
        }
        case 't': {
          const size_t end = end_of_word(tokens_[++next_]);
          check_word(begin, end, "true");
          if (column >= 0) sink->boolean(column, begin, end);
          break;
        }
        case 'f': {
          const size_t end = end_of_word(tokens_[++next_]);
          check_word(begin, end, "false");
          if (column >= 0) sink->boolean(column, begin, end);
          break;
        }
        case 'n': {
          check_word(begin, end_of_word(tokens_[++next_]), "null");
          if (column >= 0) sink->null(column);
          break;
        }
        case '{':
        case '[': {
          const size_t end = strict_ ? checked_nested() : skipped_nested();
          if (column >= 0) sink->nested(column, begin, end);
          break;
        }
        default: throw unexpected(begin, "a value");
      }
      const size_t at = tokens_[next_];
      ++next_;
      if (text_[at] == ',') continue;
      if (text_[at] == '}') return at;
      throw unexpected(at, "',' or '}' behind the value");
    }
  }

  // What the text has instead of what is expected.
  TextDefect unexpected(size_t at, std::string_view expected) const;

 private:
  // Where the closing quote is of the string that opens at `begin` and is followed by the token at
  // `next`.
  size_t end_of_string(size_t begin, size_t next) const {
    size_t end = next - 1;
    while (is_json_space(text_[end])) --end;
    if (text_[end] != '"' || end == begin) throw unexpected(begin, "a string");
    return end;
  }
  size_t end_of_word(size_t next) const {
    size_t end = next;
    while (is_json_space(text_[end - 1])) --end;
    return end;
  }
  void check_word(size_t begin, size_t end, std::string_view word) const {
    if (std::string_view(text_ + begin, end - begin) != word) throw unexpected(begin, "a value");
  }
  void check_number(size_t begin, size_t end) const {
    if (!is_json_number({text_ + begin, end - begin})) throw unexpected(begin, "a value");
  }
  void check_string(size_t begin, size_t end) const {
    if (has_escapes(begin, end)) check_escapes(begin, end);
  }
  void check_escapes(size_t begin, size_t end) const;
  // Of an object inside of a value: its keys must be distinct.
  void add_key(size_t begin, size_t end);
  void check_distinct(size_t first_key);
  // Both move behind the value that begins at the next token, and return where it ends.
  size_t checked_nested();
  size_t skipped_nested();

  const char* text_ = nullptr;
  const uint32_t* tokens_ = nullptr;
  size_t count_ = 0;
  size_t next_ = 0;
  bool strict_ = true;
  bool has_escapes_ = false;

  struct NestedKey {
    std::string_view name;
    size_t offset = 0;
  };
  // Of the objects that are open in the value that is checked.
  std::vector<NestedKey> keys_;
  std::vector<size_t> first_keys_;  // by depth
  std::deque<std::string> names_;   // of keys with escapes
};

}  // namespace velaria
