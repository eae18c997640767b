// The small vocabulary that the parts of the CSV reader share.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "src/io/file_options.h"

namespace velaria {

// How rows and fields are told apart.
struct CsvDialect {
  std::string delimiter = ",";
  char quote = '"';
  bool quoting = true;
  // Inside quotes, before a quote or itself: that byte means itself. '\0': only doubled quotes do.
  char escape = '\0';
  std::string comment;  // lines that begin with it are no rows; empty: none

  // The structure finder knows neither escapes nor delimiters of several bytes.
  bool is_simple() const { return delimiter.size() == 1 && escape == '\0'; }

  static CsvDialect of(const CsvOptions& options) {
    // A quote that escapes quotes is what doubled quotes are.
    const char escape = options.escape == options.quote ? '\0' : options.escape;
    return {options.delimiter, options.quote, options.quote != '\0', escape, options.comment};
  }
};

// Every text handed to the tokenizer and the decoders has this many readable bytes behind its end,
// so that blocks and words may be loaded past it. Their content does not matter.
constexpr size_t kCsvPaddingBytes = 64;

// Where a field lies in its range, quotes included, line end excluded.
struct RawField {
  uint32_t begin = 0;
  uint32_t end = 0;
};

// A field ready to be decoded: the bytes between its quotes, and what is special about it.
struct FieldSpan {
  static constexpr uint32_t kNull = 1u << 31;  // no value; the length is 0
  static constexpr uint32_t kQuoted = 1u << 30;
  static constexpr uint32_t kEscaped = 1u << 29;  // holds doubled quotes
  // Rows are limited to 256 MiB (max_row_bytes), so every field fits.
  static constexpr uint32_t kMaxLength = kEscaped - 1;

  uint32_t begin = 0;
  uint32_t length_and_flags = 0;

  uint32_t length() const { return length_and_flags & kMaxLength; }
  bool is_null() const { return (length_and_flags & kNull) != 0; }
  bool is_quoted() const { return (length_and_flags & kQuoted) != 0; }
  bool is_escaped() const { return (length_and_flags & kEscaped) != 0; }
};

// Whether a line of `text`, which begins at a row start, begins with the dialect's comment. It may
// also say so of a line inside quotes.
bool may_hold_comments(const CsvDialect& dialect, std::string_view text);

// What is wrong at one byte of a range; thrown inside the reader, which adds path, line and column.
struct CsvDefect {
  std::string what;    // "the row has 3 fields, but the file has 4 columns"
  std::string advice;  // "use ragged='pad' to ..."
  size_t offset = 0;   // in the range
  enum class Kind {
    kRow,
    kEncoding,   // the advice is the layout's to give
    kOpenQuote,  // a quote that never closes
  };
  Kind kind = Kind::kRow;
  std::string row = {};  // as it stands in the file, where the whole of it is wrong
};

}  // namespace velaria
