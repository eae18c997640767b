// A CSV file as a table.
//
//   auto source = open_csv(local_file_system(), "flights.csv");
//   source->schema();                                  // inferred, or as the options say
//   auto scan = source->scan({{0, 3}, 2048, 2});       // two columns, two tasks
//
// Reading (RFC 4180 and what files really hold):
// - Rows end with LF, CRLF or CR; a quoted field may hold delimiters, line ends and doubled quotes.
//   A quote inside an unquoted field is an ordinary character; text behind a closing quote, a quote
//   that never closes and invalid UTF-8 are FileFormatErrors with line, column and byte.
// - An unquoted empty field, or one equal to one of null_texts, is NULL, and so is one of
// null_words
//   in columns of any type but text. A quoted empty field is '' in a text column and breaks any
//   other type. Spaces belong to the value.
// - Blank lines are skipped; in a file of one column they are NULL.
// - Header names: an empty one becomes columnN, a repeated one name_2, name_3, ..., each with a
//   warning. Without a header the names are column1, column2, ...
// - With `columns` and a header, a name that the header has at another place is an error.
//
// Types. The schema is fixed when the file is opened and a value never changes it afterwards. With
// on_type_error = kWiden (the default) types are inferred from every value of the file, so opening
// reads it once, in parallel, and nothing can break later; with kFail from a sample, so opening a
// large file is quick, and a value that breaks the type later is TypeMismatchError. A file whose
// types are all given is not read at all when it is opened. See csv_evidence.h for the rules.
//
// Scans are parallel over ranges of the file (csv_range.h). Each scan opens the file again and
// throws FileFormatError when its size, time, head or tail changed, FileAccessError when it became
// shorter meanwhile.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "src/base/file_system.h"
#include "src/io/csv/csv_inference.h"
#include "src/io/csv/csv_layout.h"
#include "src/io/file_options.h"
#include "src/io/file_source.h"
#include "src/io/file_table.h"
#include "src/plan/table_source.h"

namespace velaria {

class CsvSource : public SingleFileSource {
 public:
  CsvSource(std::shared_ptr<const CsvLayout> layout, CsvEvidence evidence,
            std::vector<std::string> warnings);

  const Schema& schema() const override { return layout_->schema; }
  std::string describe() const override;
  std::optional<int64_t> known_rows() const override;
  std::unique_ptr<TableScan> scan_filtered(const ScanRequest& request,
                                           ScanFilterPtr filter) const override;

  const std::string& path() const override { return layout_->path(); }
  const CsvOptions& options() const { return layout_->options; }
  std::vector<std::string> warnings() const override;
  TableSourcePtr rejects() const override;
  int64_t rejected_rows() const override;
  uint64_t order_bound(int64_t chunk_rows) const override;
  bool is_serial() const override { return !layout_->text->seekable(); }
  bool is_inferred(size_t column) const override { return layout_->inferred[column]; }
  DataType common_type(const std::vector<FileColumn>& columns) const override;
  TableSourcePtr with_types(const std::vector<DataType>& types,
                            const FileOpenContext& context) const override;
  // What the types were inferred from; without columns when none was inferred.
  const CsvEvidence& evidence() const { return evidence_; }

 private:
  const std::shared_ptr<const CsvLayout> layout_;
  const CsvEvidence evidence_;
  const std::vector<std::string> warnings_;  // but those of rows that are left out
};

// One file; filename_column and union_by_name are for open_csv_files(). Throws FileAccessError,
// FileFormatError, InvalidArgumentError (options that do not fit the file).
std::shared_ptr<CsvSource> open_csv(std::shared_ptr<FileSystem> files, const std::string& path,
                                    CsvOptions options = {}, const FileOpenContext& context = {});

// One or many (file_table.h). Throws like open_csv() and open_file_table().
FileTable open_csv_files(std::shared_ptr<FileSystem> files,
                         const std::vector<std::string>& patterns, const CsvOptions& options = {},
                         const FileOpenContext& context = {});

// What columns of CSV files hold together: those of FileTable::inferred, not empty.
TypeEvidence common_evidence(const std::vector<FileColumn>& columns);

}  // namespace velaria
