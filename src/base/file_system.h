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

class FileSystem {
 public:
  virtual ~FileSystem() = default;
  // Regular files only: a directory, a FIFO or a device is refused by name.
  virtual std::unique_ptr<ReadableFile> open_read(const std::string& path) = 0;
  virtual std::unique_ptr<WritableFile> create(const std::string& path, bool append = false) = 0;
  virtual bool exists(const std::string& path) = 0;
  virtual bool is_directory(const std::string& path) = 0;
  virtual std::vector<std::string> list_directory(const std::string& path) = 0;  // names, sorted
  virtual void make_directories(const std::string& path) = 0;
  virtual void rename(const std::string& from, const std::string& to) = 0;
  virtual void remove(const std::string& path) = 0;
  virtual void sync_directory(const std::string& path) = 0;
};

std::shared_ptr<FileSystem> local_file_system();

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
