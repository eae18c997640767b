// What a person may say about a file: one struct per reader, and its form as key/value texts.
//
// The texts are what SQL's OPTIONS(...) and keyword arguments carry. An unknown name or value is
// refused with InvalidArgumentError and a suggestion. Plain values; any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "src/base/cancellation.h"
#include "src/column/schema.h"

namespace velaria {

// A row with another number of fields than the file has columns.
enum class RaggedPolicy {
  kError,  // FileFormatError naming path, line and both counts
  kPad,    // a shorter row gets NULLs at its end; a longer one is an error: it would lose data
};

// A value that does not fit the inferred type of its column. (A type the caller named is never
// changed: a value that does not fit it is always an error.)
enum class TypeErrorPolicy {
  kWiden,  // every value of the file is evidence: the file is read once when it is opened
  kFail,   // only a sample is evidence; a value after it that breaks the type is TypeMismatchError
};

// What every reader can be told of where its bytes come from; a member `input` of its options.
struct InputOptions {
  std::string encoding;         // empty: what a byte order mark says, else UTF-8
  std::string filename_column;  // not empty: a column of that name, the last, with each row's file
  // Of several files: columns go by name, and one may lack some. Keys of JSON do so in any case.
  bool union_by_name = false;
  int64_t max_decompressed_bytes = int64_t{1} << 40;  // of one file
  // What another file of the same kind was found to hold, when all are to be read alike: the file
  // must have just these columns, except where the caller names other types, and a value that would
  // lose a digit does not fit. A setting of streams; option texts do not know it.
  std::vector<Field> inferred_columns;
};

// FileFormatError that names both lists when a file's columns are not those of another file that it
// must have; `where` says what they were read from, as in " in its header", or is empty.
void require_columns_of_another_file(const std::string& path, const std::vector<Field>& found,
                                     const std::vector<Field>& wanted, const char* where = "");

// Sets one of encoding, filename ("true": a column named filename; "false"; or its name),
// union_by_name and max_decompressed_bytes; false when `key`, in lower case, is none of them. For
// the option texts of every reader. Throws InvalidArgumentError for a bad value.
bool set_input_option(const std::string& key, const std::string& text, InputOptions* out);
std::vector<std::string> input_option_names();
// For readers that go through files one after the other: InvalidArgumentError when an option that
// combines files is set.
void refuse_file_table_options(const InputOptions& options, const std::string& reader);

// A row with a defect, or with a value that does not fit a type.
enum class RowErrorPolicy {
  kFail,  // an error with its place
  kSkip,  // the row is left out, counted in the warnings and listed by rejects()
};

struct CsvOptions {
  InputOptions input;
  std::string delimiter = ",";            // one or more bytes
  char quote = '"';                       // '\0': quotes are ordinary characters
  char escape = '\0';                     // inside quotes, beside doubled ones: often a backslash
  std::string comment;                    // lines that begin with it are no rows; empty: none
  int64_t skip_lines = 0;                 // lines before the header, whatever they hold
  std::optional<bool> header;             // not said: true
  std::vector<Field> columns;             // the whole schema, by position; empty: inferred
  std::map<std::string, DataType> types;  // some columns by name, the others inferred
  std::vector<std::string> null_texts;    // unquoted fields that mean NULL, beside the empty one
  // The same in columns of any type but text; a type is inferred as if they were not there. At most
  // 32, none of which could be a value of such a type.
  std::vector<std::string> null_words;
  RaggedPolicy ragged = RaggedPolicy::kError;
  TypeErrorPolicy on_type_error = TypeErrorPolicy::kWiden;
  RowErrorPolicy on_error = RowErrorPolicy::kFail;
  int64_t sample_bytes = int64_t{64} << 20;   // evidence for kFail; larger files give 3 samples
  int64_t range_bytes = int64_t{1} << 20;     // what one task parses at a time; at most 4 MiB
  int64_t max_row_bytes = int64_t{64} << 20;  // at most 256 MiB; longer rows are an error
};

// Keys: delimiter, quote, escape, comment, skip_lines, on_error, header, columns, types, null_text,
// null_words, ragged, on_type_error, sample_bytes, range_bytes, max_row_bytes, and those of
// set_input_option(). `delimiter` and `quote` know "\t"; quote "" means none. `columns` and `types`
// are "name type, ..." ("a b" in double quotes when a name needs them); `null_text` and
// `null_words` are comma-separated lists, 'in quotes' where a word has commas or blanks at its
// ends.
CsvOptions csv_options_from_text(const std::map<std::string, std::string>& texts);
// The same for a writer: `null_text` is what it writes for NULL, whole, and no list; empty:
// nothing.
CsvOptions csv_writer_options_from_text(std::map<std::string, std::string> texts);

// Throws InvalidArgumentError for values that cannot work together (delimiter = quote, ...).
void check_csv_options(const CsvOptions& options);

// What opening may use of the machine.
struct FileOpenContext {
  size_t tasks = 0;  // threads for a pass over the file; 0: one per usable core
  const CancellationToken* cancellation = nullptr;  // must live until the call returns
  // Called between pieces of work by the thread that waits; what it throws ends the opening.
  std::function<void()> interrupt_check;
};

}  // namespace velaria
