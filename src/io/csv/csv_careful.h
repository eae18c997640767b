// The careful tokenizer: one byte after the other, any delimiter, and exact about what is wrong.
//
// A quote opens a quoted field only as the first byte of a field; elsewhere in an unquoted field it
// is an ordinary character (5" pipe). Rows end at CRLF, LF or CR.
// One thread per object.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "src/io/csv/csv_dialect.h"

namespace velaria {

class CarefulTokenizer {
 public:
  // `text` starts at a row start and outlives the tokenizer. It needs no padding.
  CarefulTokenizer(const CsvDialect& dialect, std::string_view text)
      : dialect_(dialect), text_(text) {}

  // The fields of the next row; false at the end. A row may end with the text instead of a line
  // end. Throws CsvDefect for text behind a closing quote and for a quote that never closes.
  // Lines that are comments are passed over.
  bool next_row(std::vector<RawField>* fields);

  // Like next_row(), but passes over what is wrong: for looking for row ends only.
  bool skip_row();

  size_t position() const { return position_; }  // behind the row read last
  size_t row_begin() const { return row_begin_; }
  bool row_was_ended() const { return ended_; }  // by a line end, not by the end of the text
  bool row_is_blank() const { return blank_; }   // no byte but the line end
  // Behind the line end, quotes not looked at, of the row that next_row() threw for.
  size_t next_line() const;
  void move_to(size_t position) { position_ = position; }

 private:
  template <bool kLenient>
  bool read_row(std::vector<RawField>* fields);
  // Of the quoted field whose content begins at `from`; the text's size when it never closes.
  size_t closing_quote(size_t from) const;
  bool at_delimiter(size_t i) const {
    return text_[i] == dialect_.delimiter[0] &&
           text_.compare(i, dialect_.delimiter.size(), dialect_.delimiter) == 0;
  }

  const CsvDialect& dialect_;
  std::string_view text_;
  size_t position_ = 0;
  size_t row_begin_ = 0;
  bool ended_ = false;
  bool blank_ = false;
};

// What a raw field means: quotes taken off, NULL and escapes marked. `null_texts` may be empty.
FieldSpan span_of(const CsvDialect& dialect, const char* text, RawField field,
                  const std::vector<std::string>& null_texts);

// The value of a field as text: unescaped when needed. NULL gives "".
std::string text_of(const CsvDialect& dialect, const char* text, FieldSpan span);

// Writes the field without its doubled quotes and escapes to `out` (room for span.length());
// returns the length.
size_t unescape_field(const CsvDialect& dialect, const char* text, FieldSpan span, char* out);

}  // namespace velaria
