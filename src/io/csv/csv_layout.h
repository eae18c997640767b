// What is known of a CSV file once it is opened, and how its defects become errors with a place.
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
#include "src/io/csv/csv_dialect.h"
#include "src/io/csv/csv_range.h"
#include "src/io/csv/csv_rows.h"
#include "src/io/file_options.h"
#include "src/io/rejects.h"
#include "src/io/text_file.h"

namespace velaria {

struct CsvLayout {
  std::shared_ptr<const TextFile> text;
  CsvOptions options;
  CsvDialect dialect;
  uint64_t data_begin = 0;  // of the first row that is data
  Schema schema;
  std::vector<bool> inferred;                    // per column: the type came from evidence
  std::vector<bool> of_another_file;             // per column: it came from another file's
  std::shared_ptr<const RejectedRows> rejected;  // with on_error = skip, once they are known

  const std::string& path() const { return text->path(); }
  // Every value of the column was looked at when the file was opened, or any text will do.
  bool always_fits(size_t column) const;

  // Ranges from `begin`, a row start, to the end of the file.
  std::unique_ptr<RangeCutter> cut(const TextPass& pass, uint64_t begin,
                                   const CancellationToken* cancellation) const;
  RangeRows rows() const;
  std::unique_ptr<ColumnDecoder> decoder(size_t column) const;
  // Begins with a range as on_error says: broken rows go to `broken` or throw.
  void start_range(const CsvRange& range, RangeRows* rows, std::vector<BrokenRow>* broken) const;

  // The next range; a defect the cutter found becomes an Error.
  bool next_range(RangeCutter* cutter, const TextPass& pass, CsvRange* range) const;

  // "'flights.csv':12:5: the row has 3 fields, but ...; ...". `text_offset` of the defect's byte.
  Error defect_error(const TextPass& pass, const CsvDefect& defect, uint64_t text_offset) const;
  // TypeMismatchError for a value that is not of its column's type, with row, column and option; or
  // the error of a defect in the rows before it.
  Error type_error(const TextPass& pass, size_t column, const std::string& value,
                   uint64_t row_offset, uint64_t value_offset) const;
};

}  // namespace velaria
