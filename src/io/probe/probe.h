// Finds out what a text file is, by evidence: which format its rows agree with, whether it has a
// header, and the types of its columns.
//
//   ProbeResult probed = probe_file(files, "flights.csv");
//   TableSourcePtr source = open_probed(files, probed);
//
// is, settings and all, what the explicit reader of probed.kind gives with with_probed_options().
// Formats are judged by the first 256 KiB; the schema by every value of the file, so that reading
// it never finds another one. The same file gives the same result, field for field.
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

struct ProbeResult {
  std::string path;
  std::string kind;  // of the best candidate
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
  // The source that was opened for the schema; open_probed() gives it. Null for CSV.
  TableSourcePtr source;
  // JSON and lines only: what their readers are told.
  JsonOptions json;
  LineOptions line;
  std::string preset;  // line_regex: the log format's name, or empty
  // CSV and TSV only:
  std::string delimiter;
  char quote = '"';
  bool header = true;
  std::vector<Field> columns;  // the schema, as CsvOptions::columns wants it
  // Words that are NULL in this file. A column that would be numeric but for one word of NA, NULL,
  // null, N/A, \N and - puts that word here, with a warning: it is NULL in every column then.
  std::vector<std::string> null_texts;
};

// Throws FileAccessError; FileFormatError for a file that is empty or binary, and for one with a
// defect of the format that it looks like (a ragged row of CSV, a line of JSON that is none). Only
// lines that a log format does not match are left out, with a warning that counts them.
ProbeResult probe_file(std::shared_ptr<FileSystem> files, const std::string& path,
                       const FileOpenContext& context = {});

// The encoding that was found, for every reader.
InputOptions to_input_options(const ProbeResult& result);

// Options with which open_csv reads what was probed as CSV.
CsvOptions to_csv_options(const ProbeResult& result);

// Options as texts for the reader of the probed kind: what is given, and for the rest what was
// found.
std::map<std::string, std::string> with_probed_options(const ProbeResult& result,
                                                       std::map<std::string, std::string> given);

// Opens what was probed. Throws like the reader of its kind.
TableSourcePtr open_probed(std::shared_ptr<FileSystem> files, const ProbeResult& result,
                           const FileOpenContext& context = {});

// "2013-flights (1).csv.gz" -> "t_2013_flights_1".
std::string table_name_from_path(const std::string& path);

}  // namespace velaria
