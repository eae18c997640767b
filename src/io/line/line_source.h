// A file of lines as a table: each line is a row, its fields or the groups of a pattern are
// columns.
//
//   LineOptions options;
//   options.mode = LineMode::kRegex;
//   options.regex_pattern = R"(^(?P<level>\w+): (?P<message>.*)$)";
//   auto source = open_lines(local_file_system(), "app.log", options);
//
// Lines end with LF, CRLF or CR and must be UTF-8. There are no quotes and no header: that is CSV.
// An empty field or group, and one equal to one of null_texts, is NULL, and so is a group that took
// no part in the match. Types are inferred from every value as CSV does (csv_evidence.h), so
// opening reads the file once, in parallel, and knows how many lines do not fit; with a type for
// each column and on_error = kFail it is not read.
//
// Throws FileAccessError; FileFormatError with the line for one that does not fit;
// InvalidArgumentError for options that do not fit the file; SqlSemanticError for a wrong pattern.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "src/base/file_system.h"
#include "src/io/file_options.h"
#include "src/io/file_table.h"
#include "src/io/line/line_options.h"
#include "src/io/text_table/text_source.h"

namespace velaria {

// One file; filename_column and union_by_name are for open_line_files().
std::shared_ptr<TextSource> open_lines(std::shared_ptr<FileSystem> files, const std::string& path,
                                       LineOptions options = {},
                                       const FileOpenContext& context = {});

// One or many (file_table.h).
FileTable open_line_files(std::shared_ptr<FileSystem> files,
                          const std::vector<std::string>& patterns, const LineOptions& options = {},
                          const FileOpenContext& context = {});

}  // namespace velaria
