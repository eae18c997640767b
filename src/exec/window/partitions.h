// The rows of a window's input, brought together by partition and put in the order of the window.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "src/base/buffer.h"
#include "src/exec/operator.h"
#include "src/exec/sort/order_keys.h"
#include "src/exec/window/partition_numbers.h"

namespace velaria {

class SortedPartitions {
 public:
  // `chunks` cover all rows in order. `key_types`: of PARTITION BY; without any there is one
  // partition, and the chunks are not looked at.
  static SortedPartitions make(uint32_t rows, const std::vector<PartitionedChunk>& chunks,
                               const std::vector<DataType>& key_types, const OrderKeys& keys,
                               const ExecutionContext& context);

  const SortedRow* rows() const { return reinterpret_cast<const SortedRow*>(rows_->data()); }
  size_t count() const { return starts_.size() - 1; }
  // Partition p is rows [starts()[p], starts()[p + 1]).
  const std::vector<uint32_t>& starts() const { return starts_; }

 private:
  std::shared_ptr<Buffer> rows_;
  std::vector<uint32_t> starts_;
};

// What make() needs at most for a row at a time.
constexpr uint64_t kPartitionBytesPerRow = 2 * sizeof(SortedRow);

}  // namespace velaria
