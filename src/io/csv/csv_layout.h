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
#include "src/base/file_system.h"
#include "src/column/schema.h"
#include "src/io/csv/csv_dialect.h"
#include "src/io/csv/csv_range.h"
#include "src/io/csv/csv_rows.h"
#include "src/io/file_content.h"
#include "src/io/file_options.h"

namespace velaria {

struct CsvLayout {
  std::shared_ptr<FileSystem> files;
  std::string path;
  CsvOptions options;
  CsvDialect dialect;
  FileFingerprint fingerprint;
  uint64_t data_begin = 0;  // of the first row that is data
  Schema schema;
  std::vector<bool> inferred;  // per column: the type came from evidence

  // Opens the file again. FileFormatError when it is not the file that the layout describes.
  std::shared_ptr<const ReadableFile> open_unchanged() const;

  // Ranges from `begin`, a row start, to the end of the file.
  std::unique_ptr<RangeCutter> cut(std::shared_ptr<const ReadableFile> file, uint64_t begin,
                                   const CancellationToken* cancellation) const;
  RangeRows rows() const;

  // The next range; a defect the cutter found becomes an Error.
  bool next_range(RangeCutter* cutter, const ReadableFile& file, CsvRange* range) const;

  // "'flights.csv':12:5: the row has 3 fields, but ...; ...". `file_offset` of the defect's byte.
  Error defect_error(const ReadableFile& file, const CsvDefect& defect, uint64_t file_offset) const;
  // TypeMismatchError for a value that is not of its column's type, with row, column and option.
  Error type_error(const ReadableFile& file, size_t column, const std::string& value,
                   uint64_t row_offset) const;
};

// 1-based line and byte within the line of `offset`; reads the file up to there.
struct FilePlace {
  uint64_t line = 1;
  uint64_t column = 1;
};
FilePlace place_of(const ReadableFile& file, uint64_t offset);

}  // namespace velaria
