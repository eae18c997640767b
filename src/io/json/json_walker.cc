#include "src/io/json/json_walker.h"

#include <algorithm>
#include <bitset>
#include <tuple>

namespace velaria {

TextDefect JsonWalker::unexpected(size_t at, std::string_view expected) const {
  const size_t end = count_ == 0 ? 0 : tokens_[count_];
  const std::string seen = at >= end ? "the end" : shown_token({text_, end}, at);
  // The end of a line is behind its last value, not at the start of the next one.
  size_t place = at < end ? at : end;
  while (at >= end && place > 0 && is_json_space(text_[place - 1])) --place;
  return {concat(expected, " is expected here, not ", seen),
          "correct the JSON text; lines that are no JSON are left out with on_error='skip'", place};
}

void JsonWalker::check_escapes(size_t begin, size_t end) const {
  try {
    unescape_json({text_ + begin, end - begin}, nullptr);
  } catch (TextDefect& defect) {
    defect.offset += begin;
    throw;
  }
}

size_t JsonWalker::skipped_nested() {
  size_t depth = 0;
  for (; next_ < count_; ++next_) {
    const char c = token();
    if (c == '{' || c == '[') ++depth;
    if ((c == '}' || c == ']') && --depth == 0) return tokens_[next_++] + 1;
  }
  throw unexpected(tokens_[count_], "'}' or ']'");
}

void JsonWalker::check_distinct(size_t first_key) {
  constexpr size_t kFew = 8;
  const size_t count = keys_.size() - first_key;
  if (count < 2) return;
  auto* const begin = keys_.data() + first_key;
  if (count > kFew) {
    // Neighbours are equal then, in the order of the text.
    std::sort(begin, begin + count, [](const NestedKey& a, const NestedKey& b) {
      return std::tie(a.name, a.offset) < std::tie(b.name, b.offset);
    });
  }
  for (size_t i = 1; i < count; ++i) {
    for (size_t k = count > kFew ? i - 1 : 0; k < i; ++k) {
      if (begin[i].name == begin[k].name) throw duplicate_key(begin[i].name, begin[i].offset);
    }
  }
}

void JsonWalker::add_key(size_t begin, size_t end) {
  std::string_view name(text_ + begin + 1, end - begin - 1);
  if (has_escapes(begin, end)) {
    names_.push_back(json_key_name(name, begin));
    name = names_.back();
  }
  keys_.push_back({name, begin});
}

size_t JsonWalker::checked_nested() {
  std::bitset<kMaxJsonDepth> is_object;
  int depth = 0;
  keys_.clear();
  names_.clear();
  first_keys_.clear();
  for (;;) {
    // A value begins at the next token.
    const size_t begin = tokens_[next_];
    const char c = text_[begin];
    bool ended = true;
    if (c == '{' || c == '[') {
      if (depth == kMaxJsonDepth) {
        throw TextDefect{concat("the value here lies more than ", kMaxJsonDepth, " levels deep"),
                         "flatten it before it is read", begin};
      }
      is_object[static_cast<size_t>(depth++)] = c == '{';
      first_keys_.push_back(keys_.size());
      ++next_;
      if (token() == (c == '{' ? '}' : ']')) {
        --depth;
        first_keys_.pop_back();
        ++next_;
      } else {
        ended = false;
      }
    } else if (c == '"') {
      const size_t end = end_of_string(begin, tokens_[++next_]);
      check_string(begin + 1, end);
    } else if (c == '-' || (c >= '0' && c <= '9')) {
      check_number(begin, end_of_word(tokens_[++next_]));
    } else if (c == 't' || c == 'f' || c == 'n') {
      check_word(begin, end_of_word(tokens_[++next_]),
                 c == 't'   ? "true"
                 : c == 'f' ? "false"
                            : "null");
    } else {
      throw unexpected(begin, "a value");
    }
    while (ended) {
      if (depth == 0) return tokens_[next_ - 1] + 1;
      const bool keyed = is_object[static_cast<size_t>(depth - 1)];
      const size_t at = tokens_[next_];
      if (text_[at] == ',') {
        ++next_;
        break;
      }
      if (text_[at] != (keyed ? '}' : ']')) {
        throw unexpected(at, keyed ? "',' or '}'" : "',' or ']'");
      }
      ++next_;
      --depth;
      check_distinct(first_keys_.back());
      keys_.resize(first_keys_.back());
      first_keys_.pop_back();
    }
    // A key comes before the next value of an object.
    if (is_object[static_cast<size_t>(depth - 1)]) {
      const size_t key = tokens_[next_];
      if (text_[key] != '"') throw unexpected(key, "a key in double quotes");
      const size_t colon = tokens_[next_ + 1];
      if (text_[colon] != ':') throw unexpected(colon, "':' behind the key");
      const size_t key_end = end_of_string(key, colon);
      check_string(key + 1, key_end);
      add_key(key, key_end);
      next_ += 2;
    }
  }
}

}  // namespace velaria
