// A batch cut into the frames that workers get, each with who is to look at which of its rows.
#pragma once

#include <cstdint>
#include <vector>

#include "stream/epoch_source.h"
#include "stream/workers/frame_codec.h"
#include "stream/workers/worker_plan.h"

namespace velaria {

struct DividedFrame {
  FrameWriter frame;  // the source's columns that the plan reads, then the owner of each row
  uint64_t order;
  size_t only_worker;  // when the frame goes to one of them
  bool for_all;
};

// Which worker has the group with these keys, for each row. At most 256 workers.
std::vector<uint8_t> owners_of_keys(const std::vector<ColumnPtr>& keys, int64_t rows,
                                    size_t workers);

// Immutable; what it is made of outlives it.
class BatchDivider {
 public:
  // `columns`: of the source, that the plan reads.
  BatchDivider(const WorkerPlan& plan, const std::vector<size_t>& columns, size_t source_columns,
               size_t workers);

  // Every chunk of the batch, in its order. Without keys each goes to one worker, neighbours to the
  // same one, so that the workers' answers are the batch's one behind the other.
  std::vector<DividedFrame> divide(const EpochSource& batch) const;

 private:
  ColumnPtr owners(const Chunk& chunk) const;
  void find_owners(const Chunk& chunk, uint8_t* owners) const;

  const WorkerPlan& plan_;
  std::vector<bool> is_read_;  // by column of the source
  const size_t workers_;
};

}  // namespace velaria
