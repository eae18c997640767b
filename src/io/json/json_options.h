// What a person may say about a JSON file, and its form as key/value texts.
//
// Plain values; any thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "src/column/schema.h"
#include "src/io/file_options.h"
#include "src/io/option_texts.h"

namespace velaria {

enum class JsonFormat {
  kLines,  // objects behind each other, mostly one on each line
  kArray,  // one array of objects
};

// A key that is none of the columns.
enum class UnknownKeyPolicy { kIgnore, kFail };

struct JsonColumn {
  std::string name;
  std::optional<DataType> type;  // not said: inferred
};

struct JsonOptions {
  InputOptions input;
  JsonFormat format = JsonFormat::kLines;
  // Which keys are read, in this order; empty: every key of the file, in order of appearance. With
  // a type for each, the file is not read when it is opened (unless bad lines are to be skipped).
  std::vector<JsonColumn> columns;
  UnknownKeyPolicy unknown_keys = UnknownKeyPolicy::kIgnore;  // matters with `columns`
  std::map<std::string, DataType> types;  // some columns by name, the others inferred
  // Objects may span lines. Not said: looked up in the first 64 KiB. Files whose objects are lines
  // are cut at line ends, which is faster.
  std::optional<bool> multiline;
  // kSkip: a line that is no object is left out, counted and reported. Not with multiline or
  // arrays, where nobody knows where the next object begins.
  RowErrorPolicy on_error = RowErrorPolicy::kFail;
  int64_t max_columns = 10000;                // more different keys are an error
  int64_t range_bytes = int64_t{1} << 20;     // what one task parses at a time; at most 4 MiB
  int64_t max_row_bytes = int64_t{64} << 20;  // at most 256 MiB; longer rows are an error
};

// Keys: format (json_lines or json_array), columns ("name, name type, ..."), types ("name type,
// ..."), unknown_keys (ignore, error), multiline (true, false), on_error (error, skip),
// max_columns, range_bytes, max_row_bytes, and those of set_input_option(). InvalidArgumentError
// with a suggestion for an unknown one.
JsonOptions json_options_from_text(const std::map<std::string, std::string>& texts);

// Throws InvalidArgumentError for values that cannot work together.
void check_json_options(const JsonOptions& options);

}  // namespace velaria
