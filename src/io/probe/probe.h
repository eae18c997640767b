// Finds out what a text file is, by evidence: which format its rows agree with, whether it has a
// header, and the types of its columns.
//
//   ProbeResult probed = probe_file(files, "flights.csv");
//   TableSourcePtr source = probed.source;
//
// is, settings and all, what the explicit reader of probed.kind gives with with_probed_options().
// Formats are judged by the whole file up to 1 MiB, and by its start, middle and end beyond; the
// schema by every value of the file, so that reading it never finds another one. The same file
// gives the same result, field for field.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "src/base/file_system.h"
#include "src/column/schema.h"
#include "src/io/csv/csv_source.h"
#include "src/io/file_options.h"
#include "src/io/json/json_options.h"
#include "src/io/line/line_options.h"
#include "src/io/text_file.h"
#include "src/plan/table_source.h"

namespace velaria {

struct ProbeCandidate {
  std::string format;  // csv, tsv, line_split, line_regex, json_lines, json_array
  std::string kind;    // csv, line, json
  double score = 0;    // 0 to 1
  std::string reason;  // "412 of 412 rows have 19 fields at ','"
};

// What the caller says of rows that do not fit, while the schema is found.
struct RowPolicies {
  RaggedPolicy ragged = RaggedPolicy::kError;
  RowErrorPolicy on_error = RowErrorPolicy::kFail;
  // The caller names some of how rows and fields are told apart, and only the rest is guessed:
  // there is no schema and no source then, null_words are all that may be, and nothing is said of
  // how other files begin.
  bool layout_is_given = false;
};

struct ProbeResult {
  std::string path;                // as it was given; a pattern may stand for several files
  std::vector<std::string> paths;  // the files; the format is judged by the first one
  InputOptions input;              // as they were given
  RowPolicies rows;                // as they were given
  std::string kind;                // of the best candidate
  std::string final_format;
  double score = 0;
  std::string confidence;  // high, medium, low
  Schema schema;
  std::string suggested_table_name;
  std::vector<ProbeCandidate> candidates;  // best first, never empty
  std::vector<std::string> warnings;
  std::string encoding = "utf-8";
  // Of an encoding that had to be guessed: high, medium, low. Empty: UTF-8, or a mark says it.
  std::string encoding_confidence;
  std::string compression = "none";      // none, gzip, zstd
  std::shared_ptr<const TextFile> text;  // as it was probed; what a pipe gave lasts as long as this
  TableSourcePtr source;                 // the table
  // JSON and lines only: what their readers are told.
  JsonOptions json;
  LineOptions line;
  std::string preset;  // line_regex: the log format's name, or empty
  // CSV and TSV only:
  std::string delimiter;
  char quote = '"';
  char escape = '\0';
  bool header = true;
  int64_t skip_lines = 0;      // of a title above the table, which a warning quotes
  std::string comment;         // lines that begin with it are no rows, which a warning says
  std::vector<Field> columns;  // the schema but for a column of file names
  // Words that are NULL in columns that have a type but for them, with a warning.
  std::vector<std::string> null_words;
};

// Of several files of CSV the others must begin as the first one does, with a title of as many
// lines and a header or none: a FileFormatError says what differs.
//
// Throws FileAccessError; FileFormatError for a file that is empty or binary, and for one with a
// defect of the format that it looks like (a ragged row of CSV, a line of JSON that is none). Only
// lines that a log format does not match are left out, with a warning that counts them.
ProbeResult probe_file(std::shared_ptr<FileSystem> files, const std::string& path,
                       const FileOpenContext& context = {});
// Several files as one table (file_table.h), and what the caller knows about them: with an encoding
// named none is guessed.
ProbeResult probe_files(std::shared_ptr<FileSystem> files, const std::vector<std::string>& patterns,
                        const InputOptions& input, const FileOpenContext& context = {},
                        const RowPolicies& rows = {});

// The encoding that was found, for every reader.
InputOptions to_input_options(const ProbeResult& result);

// Options with which open_csv reads what was probed as CSV.
CsvOptions to_csv_options(const ProbeResult& result);

// Options as texts for the reader of the probed kind: what is given, and for the rest what was
// found.
std::map<std::string, std::string> with_probed_options(const ProbeResult& result,
                                                       std::map<std::string, std::string> given);

// "2013-flights (1).csv.gz" -> "t_2013_flights_1".
std::string table_name_from_path(const std::string& path);

}  // namespace velaria
