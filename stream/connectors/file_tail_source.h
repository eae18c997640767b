// One growing file as a stream: what is put behind its end, row by row, like a log.
//
// Only whole rows are read: up to the last line end that stands in no quotes. The offset is the
// number of bytes read so far, and restore goes on behind it. A file that became shorter, or whose
// read part changed, was replaced: that fails the query, since nobody knows which rows are missing.
// UTF-8, not compressed.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "src/base/file_system.h"
#include "src/io/file_options.h"
#include "src/io/json/json_options.h"
#include "stream/stream_source.h"

namespace velaria {

struct FileTailOptions {
  bool bounded = false;  // true: ends with what the file holds when the query begins
  int64_t batch_bytes = int64_t{1} << 20;  // a batch is about so much of the file, a row at least
};

// `csv.columns`, or what the whole rows of the file's first 16 MiB give when the source is made (a
// later value that does not fit fails the query). Throws FileAccessError when there is no such
// file, InvalidArgumentError when it holds no whole row and there are no columns, or for an option
// that does not suit.
StreamSourcePtr make_csv_tail_stream(std::shared_ptr<FileSystem> files, std::string path,
                                     CsvOptions csv = {}, FileTailOptions options = {});
// An object on each line.
StreamSourcePtr make_json_tail_stream(std::shared_ptr<FileSystem> files, std::string path,
                                      JsonOptions json = {}, FileTailOptions options = {});

}  // namespace velaria
