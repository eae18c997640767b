// Rows on disk, dealt to parts by the hash of their keys, so that one part after the other fits
// into memory.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "src/exec/spill/key_partitions.h"
#include "src/exec/spill/spill_file.h"

namespace velaria {

// What is read back has the position as its last column. Writing and reading from any thread;
// reading after the last add().
class PartitionedRows {
 public:
  using Frames = std::vector<SpillFrame>;

  // `types`: without the position.
  PartitionedRows(std::shared_ptr<SpillSpace> space, std::string purpose,
                  std::vector<DataType> types);

  // What one task wrote: the rows of a part are in ascending order as long as chunks came so.
  struct Sequence {
    std::vector<Frames> parts = std::vector<Frames>(kSpillPartitions);
  };
  // One piece of rows: columns (null: NULLs that nobody reads), keys, positions.
  struct Piece {
    std::vector<ColumnPtr> columns;
    std::vector<ColumnPtr> keys;
    std::vector<uint64_t> positions;
  };
  void write(std::vector<Piece> pieces, Sequence* sequence);
  void add(Sequence sequence);

  const std::vector<Sequence>& sequences() const { return sequences_; }
  Chunk read(const SpillFrame& frame) const { return file_.read(frame); }
  // All rows of a part by position, the position the last column.
  Chunk read_part(size_t part) const;

 private:
  SpillFile file_;
  std::mutex mutex_;
  std::vector<Sequence> sequences_;
};

}  // namespace velaria
