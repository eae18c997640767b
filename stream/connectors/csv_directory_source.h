// The CSV files of a directory as a stream, in the order of their names.
//
// All files have one schema: the options' `columns`, or what the first file (by name) gives when
// the source is made. Names that start with '.' or '_' and names without the suffix are not looked
// at. Put files in place by rename: a file is read when it is seen. A file is cut into batches of
// `batch_rows` rows.
//
// The offset is "name:batches", the last file looked at and how many of its batches are done;
// restore skips all files whose names sort before it, so with restore new files must sort behind
// old ones.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "src/base/file_system.h"
#include "src/io/file_options.h"
#include "stream/stream_source.h"

namespace velaria {

struct CsvDirectoryOptions {
  CsvOptions csv;
  std::string suffix = ".csv";
  bool bounded = true;  // false: go on looking for new files for ever
  int64_t batch_rows = 64 * 1024;
};

// Throws FileAccessError when the directory is missing, InvalidArgumentError when it holds no file
// and the options name no columns.
StreamSourcePtr make_csv_directory_stream(std::shared_ptr<FileSystem> files, std::string directory,
                                          CsvDirectoryOptions options = {});

}  // namespace velaria
