// Sorted runs of rows on disk, read back as one sorted sequence.
//
// Rows are sorted by some of their columns and then by their position in the input, or by the
// position alone. Rows of one run with equal keys and positions keep the run's order; two runs
// never share such rows. Merging follows D. E. Knuth, The Art of Computer Programming, vol. 3, 5.4.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "src/exec/operator.h"
#include "src/exec/spill/spill_file.h"
#include "src/plan/logical_plan.h"

namespace velaria {

class SortedRuns {
 public:
  // `types`: of the rows, without the position. No `items`: sorted by position.
  SortedRuns(std::shared_ptr<SpillSpace> space, std::string purpose, std::vector<DataType> types,
             std::vector<SortItem> items);

  // A run that is written piece by piece, by one thread; add() makes it count. Any thread.
  struct Run {
    std::vector<SpillFrame> frames;
  };
  // `rows` have no selection; positions[i] is that of row i.
  void append(const Chunk& rows, const std::vector<uint64_t>& positions, Run* run);
  // Rows whose last column is the position.
  void append(const Chunk& rows_with_position, Run* run);
  void add(Run run);

  bool empty() const { return runs_.empty(); }
  int64_t rows() const { return rows_; }
  size_t runs() const { return runs_.size(); }
  void clear();

  // Merges runs until all can be open at the same time; after the last add(), before scan().
  void merge_down(const ExecutionContext& context);
  // Rows [first, last) of the sorted sequence, without the position. This outlives the scan.
  std::unique_ptr<TableScan> scan(const ScanRequest& request, int64_t first, int64_t last) const;

 private:
  class Merge;
  class Scan;

  SpillFile file_;
  const std::vector<SortItem> items_;
  std::mutex mutex_;
  std::vector<Run> runs_;
  int64_t rows_ = 0;
};

// The position as a last column.
std::vector<DataType> with_position_type(std::vector<DataType> types);
Chunk with_positions(Chunk rows, const std::vector<uint64_t>& positions);
// The positions of a chunk's rows that count.
void append_positions(const Chunk& chunk, std::vector<uint64_t>* positions);

}  // namespace velaria
