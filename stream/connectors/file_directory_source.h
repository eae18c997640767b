// The files of one kind in a directory as a stream, one after the other.
//
//   FileDirectoryOptions options;
//   options.order = FileOrder::kNatural;
//   options.bounded = false;
//   auto source = make_file_directory_stream(files, "/data/in", json_stream_format(), options);
//
// Which files. Those whose names match the pattern and do not begin with '.' or '_'. A file is read
// when it looked the same for `settle_ms`, or was last written so long ago: one that is being
// written is not read, and holds up those behind it. That is a guess about the writer; put files in
// place by rename and there is none. Of the newest 16 files that were read, one that changes
// afterwards fails the query, unless it is bounded. An offset knows the size of the files it is in:
// restore() refuses one that has another size now.
//
// Late files. A file that comes with a place before one that was read is read next, behind it: no
// file that a query sees is lost. The offset names the last file in order, how many of its batches
// are done, and the late files that are not done; so after a restore these come, too. What comes
// late while no query runs cannot be told from what was read before: it is left out, and where
// there are more files than were read a warning says so. With kModified a file's place is when it
// was last written, so that only a move or a copy that keeps times makes a late file.
//
// A file is cut into batches of `batch_rows` rows. Rows that a reader leaves out (on_error = skip)
// are told in the notes of the source when their file is opened; also all of a file that is gone on
// with in its middle.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "src/base/clock.h"
#include "src/base/file_system.h"
#include "stream/connectors/stream_file_format.h"
#include "stream/stream_source.h"

namespace velaria {

enum class FileOrder {
  kName,      // by the bytes of the names: part-10 comes before part-2
  kNatural,   // the same, but numbers in names by their value: part-2 comes before part-10
  kModified,  // by the time of the last write, then by name
};
const char* file_order_name(FileOrder order);  // "name", "natural", "modified"
// InvalidArgumentError with a suggestion.
FileOrder file_order_from_name(const std::string& name);

// Whether `a` comes before `b` in FileOrder::kNatural. A total order: where numbers are equal
// (07 and 7), the bytes decide.
bool natural_less(const std::string& a, const std::string& b);

struct FileDirectoryOptions {
  bool bounded = true;  // ends behind the files that are there when the query begins
  FileOrder order = FileOrder::kName;
  std::string pattern;      // of names, see file_list.h; empty: that of the format
  int64_t settle_ms = 200;  // 0: a file is read when it is seen
  int64_t batch_rows = 64 * 1024;
  std::shared_ptr<Clock> clock;  // null: system_clock()
};

// Throws FileAccessError when the directory is missing, InvalidArgumentError when it holds no file
// and the format names no columns.
StreamSourcePtr make_file_directory_stream(std::shared_ptr<FileSystem> files, std::string directory,
                                           StreamFileFormat format,
                                           FileDirectoryOptions options = {});

}  // namespace velaria
