// The CSV files of a directory as a stream; see file_directory_source.h.
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
