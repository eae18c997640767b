// A file without a name: it is gone when it is closed, and when the process dies.
//
// Writes and reads at any place, from any thread; what was written by one thread may be read by
// others that learn of it from the writer. Throws ResourceError when the disk is full or a limit on
// file sizes is met, and FileAccessError for everything else, naming the folder and the reason.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace velaria {

class TemporaryFile {
 public:
  // `folder` empty: TMPDIR, or else /tmp. `purpose` is named in errors: "the rows of ORDER BY".
  static std::unique_ptr<TemporaryFile> make(const std::string& folder, std::string purpose);
  ~TemporaryFile();
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  void write_at(uint64_t offset, const void* data, size_t size_bytes);
  void read_at(uint64_t offset, void* out, size_t size_bytes) const;

 private:
  TemporaryFile(int descriptor, std::string folder, std::string purpose)
      : descriptor_(descriptor), folder_(std::move(folder)), purpose_(std::move(purpose)) {}

  const int descriptor_;
  const std::string folder_;
  const std::string purpose_;
};

}  // namespace velaria
