#include "src/io/csv/csv_careful.h"

#include <cstring>

#include "src/base/text.h"

namespace velaria {

template <bool kLenient>
bool CarefulTokenizer::read_row(std::vector<RawField>* fields) {
  if (!kLenient) fields->clear();
  if (position_ >= text_.size()) return false;
  row_begin_ = position_;
  size_t i = position_;
  const size_t size = text_.size();
  const size_t delimiter_size = dialect_.delimiter.size();
  for (;;) {
    const size_t field_begin = i;
    if (dialect_.quoting && i < size && text_[i] == dialect_.quote) {
      for (++i;; ++i) {
        const void* quote =
            i < size ? std::memchr(text_.data() + i, dialect_.quote, size - i) : nullptr;
        if (quote == nullptr) {
          if (!kLenient) {
            throw CsvDefect{"a quote opens here and never closes",
                            "close it, double it, or read with another quote character",
                            field_begin};
          }
          i = size;
          break;
        }
        i = static_cast<size_t>(static_cast<const char*>(quote) - text_.data()) + 1;
        if (i >= size || text_[i] != dialect_.quote) break;
      }
      const bool ends = i >= size || text_[i] == '\n' || text_[i] == '\r' || at_delimiter(i);
      if (!ends && !kLenient) {
        throw CsvDefect{concat("there is text behind a closing quote: '",
                               excerpt(text_.substr(field_begin, i - field_begin + 10), 40), "'"),
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

bool CarefulTokenizer::next_row(std::vector<RawField>* fields) { return read_row<false>(fields); }

bool CarefulTokenizer::skip_row() { return read_row<true>(nullptr); }

FieldSpan span_of(const CsvDialect& dialect, const char* text, RawField field,
                  const std::vector<std::string>& null_texts) {
  uint32_t length = field.end - field.begin;
  if (length == 0) return {field.begin, FieldSpan::kNull};
  if (dialect.quoting && length >= 2 && text[field.begin] == dialect.quote) {
    length -= 2;
    const bool escaped = std::memchr(text + field.begin + 1, dialect.quote, length) != nullptr;
    return {field.begin + 1, length | FieldSpan::kQuoted | (escaped ? FieldSpan::kEscaped : 0)};
  }
  const std::string_view value(text + field.begin, length);
  for (const std::string& null_text : null_texts) {
    if (value == null_text) return {field.begin, FieldSpan::kNull};
  }
  return {field.begin, length};
}

size_t unescape_field(char quote, const char* text, FieldSpan span, char* out) {
  const char* from = text + span.begin;
  const char* end = from + span.length();
  char* to = out;
  while (from < end) {
    *to++ = *from;
    from += *from == quote ? 2 : 1;
  }
  return static_cast<size_t>(to - out);
}

std::string text_of(const CsvDialect& dialect, const char* text, FieldSpan span) {
  if (span.is_null()) return "";
  std::string out(text + span.begin, span.length());
  if (span.is_escaped()) out.resize(unescape_field(dialect.quote, text, span, out.data()));
  return out;
}

}  // namespace velaria
