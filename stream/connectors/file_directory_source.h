// The files of one kind in a directory as a stream, in the order of their names.
//
// All files have one schema: `columns`, or what the first file (by name) gives when the source is
// made. Names that start with '.' or '_' and names without the suffix are not looked at. Put files
// in place by rename: a file is read when it is seen. A file is cut into batches of `batch_rows`
// rows.
//
// The offset is "name:batches", the last file looked at and how many of its batches are done;
// restore skips all files whose names sort before it, so with restore new files must sort behind
// old ones.
//
// Rows that a reader leaves out (on_error = skip) are told in the notes of the source when their
// file is opened; also all of a file that is gone on with in its middle.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "src/base/file_system.h"
#include "src/plan/table_source.h"
#include "stream/stream_source.h"

namespace velaria {

struct FileDirectoryOptions {
  std::string format;   // "csv"
  std::string suffix;   // ".csv"
  bool bounded = true;  // false: go on looking for new files for ever
  int64_t batch_rows = 64 * 1024;
  std::vector<Field> columns;  // may be empty
  // Opens a file with exactly these columns; without any, with those that it has.
  std::function<TableSourcePtr(const std::string& path, const std::vector<Field>& columns)> open;
};

// Throws FileAccessError when the directory is missing, InvalidArgumentError when it holds no file
// and the options name no columns.
StreamSourcePtr make_file_directory_stream(std::shared_ptr<FileSystem> files, std::string directory,
                                           FileDirectoryOptions options);

}  // namespace velaria
