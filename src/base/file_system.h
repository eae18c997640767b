// The file system behind an interface, so that tests can fail the n-th write, sync or rename.
//
// Every call throws FileAccessError with the path, the system's reason and what to do.
// Thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/buffer.h"

namespace velaria {

// A file open for reading at any position.
class ReadableFile {
 public:
  virtual ~ReadableFile() = default;
  virtual const std::string& path() const = 0;
  virtual uint64_t size_bytes() const = 0;
  // When its content was last written, in ns since 1970; 0 when nobody knows.
  virtual int64_t modified_ns() const { return 0; }
  // What a pipe held: opening its name again would wait for other content. Whoever wants to read
  // it more than once keeps this object.
  virtual bool read_once() const { return false; }
  // Reads up to `size_bytes` at `offset`; fewer only at the end of the file. Any thread.
  virtual size_t read_at(uint64_t offset, void* out, size_t size_bytes) const = 0;
};

// A file open for writing from its start.
class WritableFile {
 public:
  virtual ~WritableFile() = default;
  virtual void write(std::string_view bytes) = 0;
  virtual void sync() = 0;   // data is on the disk when this returns
  virtual void close() = 0;  // called once; the destructor closes without reporting
};

// Held until it is destroyed, and never longer than its process lives.
class FileLock {
 public:
  virtual ~FileLock() = default;
};

class FileSystem {
 public:
  virtual ~FileSystem() = default;
  // Regular files; a directory or a device is refused by name, and so is a pipe unless the options
  // allow it.
  virtual std::unique_ptr<ReadableFile> open_read(const std::string& path) = 0;
  virtual std::unique_ptr<WritableFile> create(const std::string& path, bool append = false) = 0;
  virtual bool exists(const std::string& path) = 0;
  virtual bool is_directory(const std::string& path) = 0;
  // Whether the name itself is a symbolic link, wherever it leads.
  virtual bool is_link(const std::string& path) = 0;
  virtual std::vector<std::string> list_directory(const std::string& path) = 0;  // names, sorted
  virtual void make_directories(const std::string& path) = 0;
  virtual void rename(const std::string& from, const std::string& to) = 0;
  virtual void remove(const std::string& path) = 0;
  virtual void sync_directory(const std::string& path) = 0;
  // Locks the file at `path`, which is made for it, with `note` as its content, and removed when
  // the lock is given up. Null when somebody else, in this process or another, holds it; never
  // waits.
  virtual std::unique_ptr<FileLock> try_lock(const std::string& path, std::string_view note) = 0;
};

struct LocalFileOptions {
  // Pipes, "-" and "/dev/stdin" can be read: the whole content goes to a file without a name in
  // `temp_dir` (empty: TMPDIR, or /tmp) first. Whoever opens a pipe while an earlier opener still
  // holds it gets the same content; standard input is read once and kept.
  bool read_pipes = false;
  std::string temp_dir;
  // Called about every 50 ms while a pipe has nothing to give; what it throws ends the opening.
  std::function<void()> interrupt_check;
  // False: paths must be absolute and free of links, and a link in one is an error, also when it
  // was put there a moment ago.
  bool follow_links = true;
};
std::shared_ptr<FileSystem> local_file_system(LocalFileOptions options = {});
// "-" and "/dev/stdin".
bool is_standard_input(const std::string& path);

// Whole content; for small files.
std::string read_file(FileSystem& files, const std::string& path);

// Writes `content` so that `path` holds either the old or the new content whatever happens:
// temporary file beside it, sync, rename, sync of the directory.
void replace_file_atomically(FileSystem& files, const std::string& path, std::string_view content);
// The same for content that is written bit by bit; what `write` throws leaves the old content.
void replace_file_atomically(FileSystem& files, const std::string& path,
                             const std::function<void(WritableFile&)>& write);

// "/a/b/c.csv" -> "/a/b" ("." when there is no slash) and "c.csv".
std::string directory_of(const std::string& path);
std::string file_name_of(const std::string& path);

}  // namespace velaria
