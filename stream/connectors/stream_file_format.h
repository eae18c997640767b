// How the files of one kind are read by the sources that follow files: file_directory_source.h and
// file_tail_source.h.
//
//   CsvOptions csv;
//   csv.delimiter = ";";
//   StreamSourcePtr source =
//       make_file_directory_stream(local_file_system(), "/data/in", csv_stream_format(csv));
//
// All rows of a stream have one schema: the columns that the options name with their types, or
// those of the file that is there first. From then on the types are given: what does not fit them
// is an error, never another schema.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/file_system.h"
#include "src/io/file_options.h"
#include "src/io/json/json_options.h"
#include "src/io/line/line_options.h"
#include "src/plan/table_source.h"

namespace velaria {

enum class StreamFilePart {
  kWhole,
  kBeginning,  // whole rows from the beginning of a growing file on
  kFurther,    // whole rows behind such
};

// Immutable once it is made; any thread.
struct StreamFileFormat {
  std::string name;            // "csv"
  std::string pattern;         // what such files are called: "*.csv"
  std::vector<Field> columns;  // when the options say all of them, else empty
  // How many bytes of a text that begins with a row are whole rows; null: those up to its last
  // '\n'.
  std::function<size_t(std::string_view text)> whole_rows_bytes;
  std::string no_tail_because;  // why a growing file cannot be read so; empty: it can
  // Opens a file, or the part of one that `files` shows, with exactly these columns; without any,
  // with those that it has.
  std::function<TableSourcePtr(const std::shared_ptr<FileSystem>& files, const std::string& path,
                               const std::vector<Field>& columns, StreamFilePart part)>
      open;
};

// InvalidArgumentError for options that combine files (filename, union_by_name).
StreamFileFormat csv_stream_format(CsvOptions options = {});
// The columns of the options need types, all of them or none. Without columns, a key that the first
// file lacks is an error later, so that nothing is lost in silence.
StreamFileFormat json_stream_format(JsonOptions options = {});
// With mappings and a type for each, no file has to be there first.
StreamFileFormat line_stream_format(LineOptions options = {});

}  // namespace velaria
