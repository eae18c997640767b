// The bytes of a text file in order. The readers see only this, so that decompression and encodings
// can stand between the file and the parser.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "src/base/file_system.h"

namespace velaria {

// One thread at a time.
class ByteStream {
 public:
  virtual ~ByteStream() = default;
  // Fills `out` with up to `size_bytes` bytes; fewer only at the end. FileAccessError.
  virtual size_t read(char* out, size_t size_bytes) = 0;
};

// The bytes [offset, end) of a file. A file that has become shorter than `end` is FileAccessError:
// it changed while it was read.
class FileByteStream : public ByteStream {
 public:
  FileByteStream(std::shared_ptr<const ReadableFile> file, uint64_t offset, uint64_t end)
      : file_(std::move(file)), offset_(offset), end_(end) {}
  size_t read(char* out, size_t size_bytes) override;

 private:
  std::shared_ptr<const ReadableFile> file_;
  uint64_t offset_;
  uint64_t end_;
};

}  // namespace velaria
