// Write what a streaming query gives to one file that our readers read back: CSV, or JSON lines.
#pragma once

#include <memory>
#include <string>

#include "src/base/file_system.h"
#include "src/io/file_options.h"
#include "stream/stream_sink.h"

namespace velaria {

enum class CsvFileMode {
  kReplace,  // an existing file is emptied when the query begins; a restored one goes on behind it
  kAppend,   // rows go behind what is there; the header is written into an empty or new file only
};

// Rows of a batch are in the file when it is flushed, and on the disk when a checkpoint that covers
// it is written, or when the sink is closed. So a query without a checkpoint syncs once.
//
// A file that rows are put behind must end with a whole one. With a checkpoint, a last row without
// its line end is what a crash left: it is moved to `path` + ".torn" (FileFormatError when it is
// larger than 1 MiB). Without one it counts as whole and gets its line end.
//
// `options`: delimiter, quote, header and null_texts are used; InvalidArgumentError for one that
// only a reader can follow, and for a path that ends as a compressed file does.
StreamSinkPtr make_csv_file_sink(std::shared_ptr<FileSystem> files, std::string path,
                                 CsvFileMode mode = CsvFileMode::kReplace, CsvOptions options = {});
// One object on each line; see json_writer.h.
StreamSinkPtr make_json_file_sink(std::shared_ptr<FileSystem> files, std::string path,
                                  CsvFileMode mode = CsvFileMode::kReplace);

}  // namespace velaria
