// Rows on disk, in frames of a moderate size that can be read one by one in any order.
//
// The file has no name and ends with this object. What lies where is known in memory only; a frame
// holds, for each column, two words (whether it has nulls, bytes of its texts), the validity bits,
// the values as they lie in memory, and of texts their sizes and then their bytes, each part at a
// multiple of 16 bytes. Read columns point into the frame as it was read.
//
// Writing and reading from any thread. Errors are those of TemporaryFile.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "src/base/temporary_file.h"
#include "src/column/chunk.h"
#include "src/exec/spill/spill_space.h"

namespace velaria {

struct SpillFrame {
  uint64_t offset = 0;
  uint64_t size_bytes = 0;
  int64_t rows = 0;
};

class SpillFile {
 public:
  // About the bytes of a frame: many can be open at once, and one is worth a call to the system.
  static constexpr int64_t kFrameBytes = 64 * 1024;

  // Every chunk written has columns of `types`. `purpose` is named in errors, "the rows of ORDER
  // BY".
  SpillFile(std::shared_ptr<SpillSpace> space, std::string purpose, std::vector<DataType> types);

  const std::vector<DataType>& types() const { return types_; }
  const std::shared_ptr<SpillSpace>& space() const { return space_; }
  const std::string& purpose() const { return purpose_; }

  // `chunk` has no selection. Its frames, in order, are added to `frames`.
  void write(const Chunk& chunk, std::vector<SpillFrame>* frames);
  Chunk read(const SpillFrame& frame) const;

 private:
  TemporaryFile& file();
  SpillFrame write_frame(const Chunk& chunk);

  const std::shared_ptr<SpillSpace> space_;
  const std::string purpose_;
  const std::vector<DataType> types_;
  std::mutex mutex_;  // of `file_`, until it is there
  std::unique_ptr<TemporaryFile> file_;
  std::atomic<uint64_t> end_{0};
};

}  // namespace velaria
