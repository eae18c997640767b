// One growing file as a stream: what is put behind its end, row by row, like a log.
//
//   auto source = make_file_tail_stream(files, "app.jsonl", json_stream_format());
//
// Only whole rows are read: up to the last LF that ends a row for the format's reader. The offset
// is the number of bytes read so far and a hash of the last 256 of them, '4096@9f3c2b1a00e4d7c5',
// and restore goes on behind it. A file that became shorter, or whose last 256 bytes that were read
// changed, was replaced: that fails the query, or the restore, since nobody knows which rows are
// missing. A change further in front is not seen. UTF-8, not compressed.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "src/base/file_system.h"
#include "stream/connectors/stream_file_format.h"
#include "stream/stream_source.h"

namespace velaria {

struct FileTailOptions {
  bool bounded = false;  // true: ends with what the file holds when the query begins
  int64_t batch_bytes = int64_t{1} << 20;  // a batch is about so much of the file, a row at least
};

// The columns of the format, or what the whole rows of the file's first 16 MiB give when the source
// is made (a later value that does not fit fails the query). Throws FileAccessError when there is
// no such file, InvalidArgumentError when it holds no whole row and there are no columns, or for an
// option that does not suit a growing file.
StreamSourcePtr make_file_tail_stream(std::shared_ptr<FileSystem> files, std::string path,
                                      StreamFileFormat format, FileTailOptions options = {});

}  // namespace velaria
