// Write what a streaming query gives to one file that our readers read back: CSV, or JSON lines.
#pragma once

#include <memory>
#include <string>

#include "src/base/file_system.h"
#include "src/io/file_options.h"
#include "stream/stream_sink.h"

namespace velaria {

enum class CsvFileMode {
  kReplace,  // an existing file is emptied when the query opens the sink; not for restored queries
  kAppend,   // rows go behind what is there; the header is written into an empty or new file only
};

// Rows of a batch are in the file when it is flushed, and on the disk when the query has a
// checkpoint; always on the disk when the sink is closed.
StreamSinkPtr make_csv_file_sink(std::shared_ptr<FileSystem> files, std::string path,
                                 CsvFileMode mode = CsvFileMode::kReplace, CsvOptions options = {});
// One object on each line; see json_writer.h.
StreamSinkPtr make_json_file_sink(std::shared_ptr<FileSystem> files, std::string path,
                                  CsvFileMode mode = CsvFileMode::kReplace);

}  // namespace velaria
