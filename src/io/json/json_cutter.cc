#include "src/io/json/json_cutter.h"

#include "src/base/text.h"
#include "src/io/json/json_text.h"

namespace velaria {

namespace {

// Bytes that matter outside of strings.
struct Punctuation {
  bool is[256] = {};
  constexpr Punctuation() {
    for (const char c : {'"', '{', '}', '[', ']'}) is[static_cast<unsigned char>(c)] = true;
  }
};
constexpr Punctuation kPunctuation;

}  // namespace

void JsonObjectCutter::between(const char* text, size_t size, size_t at) {
  const char c = text[at];
  const auto expected = [&](std::string_view what, std::string_view advice) {
    return TextDefect{concat(what, " is expected here, not ", shown_token({text, size}, at)),
                      std::string(advice), at};
  };
  switch (state_) {
    case State::kBeforeArray:
      if (c == '{') throw expected("'[' of an array", "read it with format='json_lines'");
      if (c != '[') throw expected("'[' of an array", "is this the file you mean?");
      state_ = State::kFirstObject;
      return;
    case State::kFirstObject:
    case State::kComma:
      if (c == ']') {
        state_ = State::kBehindArray;
        return;
      }
      if (state_ == State::kComma && c == ',') {
        state_ = State::kObject;
        return;
      }
      if (state_ == State::kComma)
        throw expected("',' or ']' behind an object", "correct the text");
      break;
    case State::kObject: break;
    case State::kBehindArray:
      throw expected("the end of the file behind the array", "remove what follows the array");
  }
  if (c == '[' && !array_) {
    throw expected("an object, which is a row,", "read an array with format='json_array'");
  }
  throw expected("an object, which is a row,", "correct the text");
}

size_t JsonObjectCutter::whole_rows(const char* text, size_t size, bool at_end,
                                    std::vector<size_t>* row_ends) {
  size_t i = looked_at_;
  size_t done = 0;  // behind the last whole row
  while (i < size) {
    if (depth_ == 0) {
      const char c = text[i];
      if (!is_json_space(c)) {
        if (c == '{' && (state_ == State::kObject || state_ == State::kFirstObject)) {
          row_begin_ = i;
          depth_ = 1;
        } else {
          between(text, size, i);
        }
      }
      ++i;
      continue;
    }
    if (in_string_) {
      while (i < size && text[i] != '"' && text[i] != '\\') ++i;
      if (i >= size) break;
      if (text[i] == '\\') {
        if (i + 1 >= size) break;  // the escape is looked at with what follows it
        i += 2;
        continue;
      }
      in_string_ = false;
      ++i;
      continue;
    }
    while (i < size && !kPunctuation.is[static_cast<unsigned char>(text[i])]) ++i;
    if (i >= size) break;
    const char c = text[i++];
    if (c == '"') {
      in_string_ = true;
    } else if (c == '{' || c == '[') {
      ++depth_;
    } else if (--depth_ == 0) {
      done = i;
      if (row_ends->empty()) first_row_begin_ = row_begin_;
      row_ends->push_back(i);
      state_ = array_ ? State::kComma : State::kObject;
    }
  }
  if (at_end) {
    if (depth_ > 0) {
      throw TextDefect{concat("the object ", shown_token({text, size}, row_begin_),
                              " is not closed before the file ends"),
                       "the file is cut off, or a bracket or quote is missing", row_begin_};
    }
    check_end();
    if (done < size) row_ends->push_back(size);
    return size;
  }
  if (depth_ == 0 && i == size) {
    // White space and commas belong to the range; what is behind them is not known yet.
    if (row_ends->empty() || row_ends->back() < size) row_ends->push_back(size);
    looked_at_ = 0;
    return size;
  }
  if (row_ends->empty()) first_row_begin_ = row_begin_;
  looked_at_ = i - done;
  row_begin_ -= done;
  return done;
}

void JsonObjectCutter::check_end() const {
  if (!array_ || state_ == State::kBehindArray) return;
  throw TextDefect{"the array is not closed before the file ends",
                   "the file is cut off, or ']' is missing", 0};
}

TextDefect JsonObjectCutter::too_long(int64_t max_row_bytes) const {
  return {concat("the object that starts here is longer than ", max_row_bytes, " bytes"),
          "perhaps a bracket or quote is not closed in it; else raise max_row_bytes",
          first_row_begin_};
}

}  // namespace velaria
