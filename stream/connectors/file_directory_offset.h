// The offset of a directory of files, as text:
//
//   b.csv:2@4096/name:17                       2 batches of b.csv, which had 4096 bytes; 17 files
//                                              begun, in order of name
//   b.csv:2@4096/modified:17:1700000000000000000
//                                              ... b.csv was last written then (ns since 1970)
//   b.csv:2@4096/name:17/a.csv:1@80/aa.csv:0   late files that are not done, and their batches
//
// "b.csv:2" alone is one of order name, too; a file of unknown size is not compared with it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "stream/connectors/file_directory_source.h"

namespace velaria {

struct FileBatches {
  std::string name;
  uint64_t batches = 0;
  std::optional<uint64_t> size_bytes;  // when it was read
};

struct FileDirectoryOffset {
  FileBatches last;  // in order, of the files that gave a batch
  FileOrder order = FileOrder::kName;
  int64_t modified_ns = 0;        // of `last`; kModified only
  std::optional<uint64_t> files;  // begun, of those that were still there
  std::vector<FileBatches> late;
};

std::string format_file_directory_offset(const FileDirectoryOffset& offset);
// CheckpointError naming `source` when the text is none.
FileDirectoryOffset parse_file_directory_offset(std::string_view text, const std::string& source);

}  // namespace velaria
