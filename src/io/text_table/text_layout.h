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
#include "src/io/rejects.h"
#include "src/io/text_file.h"
#include "src/io/text_table/row_reader.h"
#include "src/io/text_table/text_defect.h"
#include "src/io/text_table/text_range.h"

namespace velaria {

// No quotes, no escapes: spans hold their values as they are.
const CsvDialect& plain_text_dialect();

struct TextLayout {
  std::shared_ptr<const TextFile> text;
  Schema schema;
  std::vector<bool> inferred;                    // per column: the type came from evidence
  std::vector<bool> of_another_file;             // per column: it came from another file's
  std::shared_ptr<const RejectedRows> rejected;  // with on_error = skip, once they are known
  std::vector<std::string> warnings;             // beside those of `rejected`

  virtual ~TextLayout() = default;
  // "json", "line": for explain.
  virtual std::string format() const = 0;
  virtual int64_t range_bytes() const = 0;
  // The same file with other types.
  virtual std::shared_ptr<TextLayout> with_schema(Schema schema) const = 0;
  virtual std::unique_ptr<TextRangeCutter> cut(const TextPass& pass,
                                               const CancellationToken* cancellation) const = 0;
  // A reader that gives the spans of `columns` (of the schema). What it leaves out goes to
  // `rejected` (may be null).
  virtual std::unique_ptr<RowReader> read_rows(const std::vector<size_t>& columns,
                                               RejectedRows* rejected) const = 0;
  virtual std::unique_ptr<ColumnDecoder> decoder(size_t column) const;

  const std::string& path() const { return text->path(); }
  TypeOrigin type_origin(size_t column) const {
    if (of_another_file[column]) return TypeOrigin::kSampled;
    return inferred[column] ? TypeOrigin::kInferred : TypeOrigin::kNamed;
  }

  // The next range; a defect the cutter found becomes an Error.
  bool next_range(TextRangeCutter* cutter, const TextPass& pass, TextRange* range) const;
  // "'events.jsonl':12:5 (byte 420): ...; ...". `text_offset` of the defect's byte.
  Error defect_error(const TextPass& pass, const TextDefect& defect, uint64_t text_offset) const;
  // TypeMismatchError for a value that is not of its column's type.
  Error type_error(const TextPass& pass, size_t column, const std::string& value,
                   uint64_t row_offset) const;
};

// text[begin, end) of the range, a row with its line end, as one that is left out.
Reject rejected_line(const TextLayout& layout, const TextRange& range, const TextDefect& defect,
                     size_t begin, size_t end);

}  // namespace velaria
