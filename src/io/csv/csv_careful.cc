#include "src/io/csv/csv_careful.h"

#include <algorithm>
#include <cstring>

#include "src/base/text.h"

namespace velaria {

namespace {

// Behind the end of the line that `position` is in.
size_t behind_line(std::string_view text, size_t position) {
  const size_t end = text.find_first_of("\r\n", position);
  if (end == std::string_view::npos) return text.size();
  return end + (text[end] == '\r' && end + 1 < text.size() && text[end + 1] == '\n' ? 2 : 1);
}

}  // namespace

size_t CarefulTokenizer::next_line() const { return behind_line(text_, row_begin_); }

template <bool kLenient>
bool CarefulTokenizer::read_row(std::vector<RawField>* fields) {
  if (!kLenient) fields->clear();
  while (!dialect_.comment.empty() && position_ < text_.size() &&
         text_.compare(position_, dialect_.comment.size(), dialect_.comment) == 0) {
    const size_t end = behind_line(text_, position_);
    // Who looks for row ends only must learn that this one has none yet.
    if (kLenient && (end == text_.size() && text_[end - 1] != '\n' && text_[end - 1] != '\r')) {
      row_begin_ = position_;
      position_ = end;
      ended_ = blank_ = false;
      return true;
    }
    position_ = end;
    if (kLenient) {
      row_begin_ = position_;
      ended_ = true;
      blank_ = false;
      return true;
    }
  }
  if (position_ >= text_.size()) return false;
  row_begin_ = position_;
  size_t i = position_;
  const size_t size = text_.size();
  const size_t delimiter_size = dialect_.delimiter.size();
  for (;;) {
    const size_t field_begin = i;
    if (dialect_.quoting && i < size && text_[i] == dialect_.quote) {
      for (++i;; ++i) {
        i = closing_quote(i);
        if (i >= size) {
          if (!kLenient) {
            throw CsvDefect{"a quote opens here and never closes",
                            "close it, double it, or read with another quote character",
                            field_begin, CsvDefect::Kind::kOpenQuote};
          }
          i = size;
          break;
        }
        ++i;
        if (i >= size || text_[i] != dialect_.quote || dialect_.escape != '\0') break;
      }
      const bool ends = i >= size || text_[i] == '\n' || text_[i] == '\r' || at_delimiter(i);
      if (!ends && !kLenient) {
        // Never behind the line: how much text there is depends on the cut.
        const size_t line_end = std::min(text_.find_first_of("\r\n", i), text_.size());
        const std::string_view shown =
            text_.substr(field_begin, std::min(i + 10, line_end) - field_begin);
        throw CsvDefect{concat("there is text behind a closing quote: '", excerpt(shown, 40), "'"),
                        "double the quotes inside the field, or read with quote=''", i};
      }
    }
    while (i < size && text_[i] != '\n' && text_[i] != '\r' && !at_delimiter(i)) ++i;
    if (!kLenient) {
      fields->push_back({static_cast<uint32_t>(field_begin), static_cast<uint32_t>(i)});
    }
    if (i < size && text_[i] != '\n' && text_[i] != '\r') {
      i += delimiter_size;
      continue;
    }
    blank_ = i == row_begin_;
    ended_ = i < size;
    if (ended_) {
      i += text_[i] == '\r' && i + 1 < size && text_[i + 1] == '\n' ? 2 : 1;
    }
    position_ = i;
    return true;
  }
}

size_t CarefulTokenizer::closing_quote(size_t from) const {
  if (dialect_.escape == '\0') return std::min(text_.find(dialect_.quote, from), text_.size());
  for (size_t i = from; i < text_.size(); ++i) {
    if (text_[i] == dialect_.escape) {
      ++i;
    } else if (text_[i] == dialect_.quote) {
      // With an escape a doubled quote is still one: files mix the two.
      if (i + 1 >= text_.size() || text_[i + 1] != dialect_.quote) return i;
      ++i;
    }
  }
  return text_.size();
}

bool may_hold_comments(const CsvDialect& dialect, std::string_view text) {
  const std::string& comment = dialect.comment;
  if (comment.empty()) return false;
  for (size_t at = text.find(comment); at != std::string_view::npos;
       at = text.find(comment, at + 1)) {
    if (at == 0 || text[at - 1] == '\n' || text[at - 1] == '\r') return true;
  }
  return false;
}

bool CarefulTokenizer::next_row(std::vector<RawField>* fields) { return read_row<false>(fields); }

bool CarefulTokenizer::skip_row() { return read_row<true>(nullptr); }

FieldSpan span_of(const CsvDialect& dialect, const char* text, RawField field,
                  const std::vector<std::string>& null_texts) {
  uint32_t length = field.end - field.begin;
  if (length == 0) return {field.begin, FieldSpan::kNull};
  if (dialect.quoting && length >= 2 && text[field.begin] == dialect.quote) {
    length -= 2;
    const char* inside = text + field.begin + 1;
    const bool escaped =
        std::memchr(inside, dialect.quote, length) != nullptr ||
        (dialect.escape != '\0' && std::memchr(inside, dialect.escape, length) != nullptr);
    return {field.begin + 1, length | FieldSpan::kQuoted | (escaped ? FieldSpan::kEscaped : 0)};
  }
  const std::string_view value(text + field.begin, length);
  for (const std::string& null_text : null_texts) {
    if (value == null_text) return {field.begin, FieldSpan::kNull};
  }
  return {field.begin, length};
}

size_t unescape_field(const CsvDialect& dialect, const char* text, FieldSpan span, char* out) {
  const char* from = text + span.begin;
  const char* end = from + span.length();
  char* to = out;
  while (from < end) {
    // Before other bytes the escape is a character: "C:\new".
    if (dialect.escape != '\0' && *from == dialect.escape && from + 1 < end &&
        (from[1] == dialect.quote || from[1] == dialect.escape)) {
      *to++ = from[1];
      from += 2;
      continue;
    }
    *to++ = *from;
    from += *from == dialect.quote ? 2 : 1;
  }
  return static_cast<size_t>(to - out);
}

std::string text_of(const CsvDialect& dialect, const char* text, FieldSpan span) {
  if (span.is_null()) return "";
  std::string out(text + span.begin, span.length());
  if (span.is_escaped()) out.resize(unescape_field(dialect, text, span, out.data()));
  return out;
}

}  // namespace velaria
