// What is known of a text file once it is opened, and how its defects become errors with a place.
//
// Immutable; shared by the source and its scans. Any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "src/base/cancellation.h"
#include "src/base/error.h"
#include "src/column/schema.h"
#include "src/io/csv/csv_decode.h"
#include "src/io/text_file.h"
#include "src/io/text_table/rejected_rows.h"
#include "src/io/text_table/row_reader.h"
#include "src/io/text_table/text_range.h"

namespace velaria {

struct TextLayout {
  std::shared_ptr<const TextFile> text;
  Schema schema;
  std::vector<bool> inferred;  // per column: the type came from evidence

  virtual ~TextLayout() = default;
  // "json", "line": for explain.
  virtual std::string format() const = 0;
  virtual std::unique_ptr<TextRangeCutter> cut(const TextPass& pass,
                                               const CancellationToken* cancellation) const = 0;
  // A reader that gives the spans of `columns` (of the schema). What it leaves out goes to
  // `rejected` (may be null).
  virtual std::unique_ptr<RowReader> read_rows(const std::vector<size_t>& columns,
                                               RejectedRows* rejected) const = 0;
  virtual std::unique_ptr<ColumnDecoder> decoder(size_t column) const {
    return ColumnDecoder::make(schema.field(column).type, inferred[column], '\0');
  }

  const std::string& path() const { return text->path(); }

  // The next range; a defect the cutter found becomes an Error.
  bool next_range(TextRangeCutter* cutter, const TextPass& pass, TextRange* range) const;
  // "'events.jsonl':12:5 (byte 420): ...; ...". `text_offset` of the defect's byte.
  Error defect_error(const TextPass& pass, const TextDefect& defect, uint64_t text_offset) const;
  // TypeMismatchError for a value that is not of its column's type.
  Error type_error(const TextPass& pass, size_t column, const std::string& value,
                   uint64_t row_offset) const;
  // "12 of 400 rows are left out; the first: line 17: ...", or nothing.
  std::vector<std::string> warnings_of(const TextPass& pass, const RejectedRows& rejected,
                                       int64_t rows) const;
};

}  // namespace velaria
