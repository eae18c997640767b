// The JSON files of a directory as a stream; see file_directory_source.h.
//
// The first file (by name) decides the columns, unless the options do; a key that is none of them
// is an error in a later file then, so that nothing is lost in silence.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "src/base/file_system.h"
#include "src/io/json/json_options.h"
#include "stream/stream_source.h"

namespace velaria {

struct JsonDirectoryOptions {
  JsonOptions json;  // `columns`: with a type for each, or empty
  std::string suffix = ".jsonl";
  bool bounded = true;  // false: go on looking for new files for ever
  int64_t batch_rows = 64 * 1024;
};

// Throws FileAccessError when the directory is missing, InvalidArgumentError when it holds no file
// and the options name no columns.
StreamSourcePtr make_json_directory_stream(std::shared_ptr<FileSystem> files, std::string directory,
                                           JsonDirectoryOptions options = {});

}  // namespace velaria
