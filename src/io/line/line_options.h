// What a person may say about a file of lines, and its form as key/value texts.
//
// Plain values; any thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "src/column/schema.h"
#include "src/io/file_options.h"
#include "src/io/option_texts.h"

namespace velaria {

enum class LineMode { kSplit, kRegex };

// A column and where its value is in a line. Split: the field's number, from 0. Regex: a group's
// number, 0 being the whole match, or a group's name.
struct LineMapping {
  std::string name;
  std::string from;
};

struct LineOptions {
  InputOptions input;
  LineMode mode = LineMode::kSplit;
  std::string split_delimiter = ",";  // one or more bytes; "whitespace": runs of spaces and tabs
  std::string regex_pattern;          // RE2; the first match in a line counts
  // Empty. Split: every field, as column1, column2, ..., as many as the first line has. Regex:
  // every group, by its name or as columnN; without groups the whole match, as "match".
  std::vector<LineMapping> mappings;
  bool skip_empty_lines = true;           // false: such a line is a row of NULLs
  std::map<std::string, DataType> types;  // some columns by name, the others inferred
  // Regex: of named groups, for columns that `types` does not name; what a preset knows.
  std::map<std::string, DataType> group_types;
  std::vector<std::string> null_texts;  // fields and groups that mean NULL, beside the empty one
  // A split line with another number of fields (with mappings: with fewer than they name).
  RaggedPolicy ragged = RaggedPolicy::kError;
  // A line that does not match, a ragged one, one that is not UTF-8. kSkip: it is left out, counted
  // and reported.
  RowErrorPolicy on_error = RowErrorPolicy::kFail;
  int64_t range_bytes = int64_t{1} << 20;     // what one task parses at a time; at most 4 MiB
  int64_t max_row_bytes = int64_t{64} << 20;  // at most 256 MiB; longer lines are an error
};

// Keys: mode (split, regex), split_delimiter (knows "\t"), regex_pattern, preset (a log format by
// name, see line_presets.h; what else is given goes over it), mappings ("name from, ..."),
// skip_empty_lines, types, null_text, ragged, on_error, range_bytes, max_row_bytes, and those of
// set_input_option(). Without a mode, a regex_pattern means regex. InvalidArgumentError with a
// suggestion for an unknown one.
LineOptions line_options_from_text(const std::map<std::string, std::string>& texts);

// Throws InvalidArgumentError for values that cannot work together.
void check_line_options(const LineOptions& options);

}  // namespace velaria
