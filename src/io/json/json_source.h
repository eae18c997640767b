// A JSON file as a table: each object is a row, each key a column.
//
//   auto source = open_json(local_file_system(), "events.jsonl");
//   source->schema();                                  // inferred, or as the options say
//
// - Objects stand behind each other, mostly one on each line (format = kLines), or in one array
//   (kArray). Blank lines are nothing. A line or an array element that is no object is an error.
// - Columns are the keys, in the order of their first appearance in the file. An object without a
//   key, and null, is NULL. An object with the same key twice is an error (JSON leaves open which
//   value counts). Keys are compared as their escapes mean, with case.
// - Types are inferred from every value of the file (json_evidence.h), so opening reads it once, in
//   parallel, and nothing can break later; how often a key occurs plays no part. Types that are
//   given in `types` or `columns` are read as read_csv does: a number in quotes is an int64 if it
//   is asked to be one.
// - Objects, and arrays, are text: the JSON they stand in the file as. An array of numbers becomes
//   a vector if the type given is fixed_size_list<float32>[n].
// - All of JSON's escapes are known; half of a surrogate pair is an error. Numbers keep every
//   digit: integers beyond int64 make their column text.
// - Nesting beyond 1024 levels, more than max_columns keys and rows beyond max_row_bytes are
//   errors.
//
// Throws FileAccessError; FileFormatError with line, column and byte for what is no JSON; an
// InvalidArgumentError for options that do not fit the file.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "src/base/file_system.h"
#include "src/io/file_options.h"
#include "src/io/file_table.h"
#include "src/io/json/json_options.h"
#include "src/io/text_table/text_source.h"

namespace velaria {

// One file; filename_column is for open_json_files().
std::shared_ptr<TextSource> open_json(std::shared_ptr<FileSystem> files, const std::string& path,
                                      JsonOptions options = {},
                                      const FileOpenContext& context = {});

// One or many (file_table.h): columns go by their keys, in the order in which the files are met,
// and one that a file lacks is NULL in its rows.
FileTable open_json_files(std::shared_ptr<FileSystem> files,
                          const std::vector<std::string>& patterns, const JsonOptions& options = {},
                          const FileOpenContext& context = {});

// Whether the first object of `head`, the start of a text, is followed by others only on lines of
// their own: what `multiline` means when it is not said.
bool json_objects_span_lines(std::string_view head);

}  // namespace velaria
