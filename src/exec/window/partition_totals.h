// Aggregates over whole partitions without an order: no row has to move.
#pragma once

#include <functional>
#include <memory>
#include <unordered_map>
#include <vector>

#include "src/exec/operator.h"
#include "src/exec/window/partition_numbers.h"
#include "src/expr/window_function.h"

namespace velaria {

// What one aggregate reads of one chunk; any encoding.
struct TotalsInput {
  std::vector<ColumnPtr> arguments;
  std::vector<ColumnPtr> order_keys;
  ColumnPtr filter;  // may be null
};

class PartitionTotals {
 public:
  // All functions are aggregates over whole partitions. They outlive the totals.
  explicit PartitionTotals(const std::vector<BoundWindowFunction>& functions)
      : functions_(functions) {}

  // `inputs[c][f]`: of chunk c and function f. Chunks as in SortedPartitions::make(), but there is
  // always one entry a chunk: without PARTITION BY its table is null.
  void compute(uint32_t rows, const std::vector<PartitionedChunk>& chunks,
               const std::vector<DataType>& key_types,
               const std::function<TotalsInput(size_t chunk, size_t function)>& input,
               const ExecutionContext& context);
  // The values of function f for the rows of a chunk. Any thread.
  ColumnPtr values(size_t f, const PartitionedChunk& chunk) const;

 private:
  const std::vector<BoundWindowFunction>& functions_;
  // The tasks' partitions in totals_; none without PARTITION BY.
  std::unordered_map<const GroupTable*, std::vector<uint32_t>> partitions_;
  std::vector<ColumnPtr> totals_;  // of each function, one row a partition
};

}  // namespace velaria
