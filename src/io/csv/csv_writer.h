// Chunks -> CSV text that our reader reads back equal.
//
// Fields are quoted when they hold the delimiter, a quote, a line end, or text that the reader
// would take for something else ('' against NULL, a null text, a field that begins like a quote).
// NULL is the first of null_texts, or an unquoted empty field. Floats are the shortest text that
// reads back the same, and always look like floats ("3.0"); dates and timestamps are ISO 8601,
// those with a zone end in Z. Vectors are [1,2,3].
//
// Dates outside the years 0000 to 9999 are written, but have no text that the reader accepts.
//
// Read back with the same delimiter, quote and null_texts, and the types given: inference alone may
// see an int64 in a text column of digits.
// One thread per object.
#pragma once

#include <memory>
#include <string>

#include "src/base/file_system.h"
#include "src/column/chunk.h"
#include "src/column/schema.h"
#include "src/io/file_options.h"
#include "src/io/text_writer.h"

namespace velaria {

class CsvWriter : public TextWriter {
 public:
  // `options`: delimiter, quote, header and null_texts are used. Throws InvalidArgumentError when
  // they do not fit together or the quote is '\0': not everything could be written then.
  CsvWriter(Schema schema, CsvOptions options = {});

  // Appends the header line, unless options.header is false.
  void write_header(std::string* out) const override;
  // Appends the selected rows of a chunk, one line each, ended by LF. TypeMismatchError for a
  // binary value that is not UTF-8.
  void write_chunk(const Chunk& chunk, std::string* out) const override;

 private:
  void write_text(std::string_view text, std::string* out) const;
  void write_value(const Column& column, const std::string& name, int64_t row,
                   std::string* out) const;

  const Schema schema_;
  const CsvOptions options_;
};

}  // namespace velaria
