// One number for each partition, whichever tasks met it.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "src/exec/aggregate/group_table.h"
#include "src/exec/operator.h"

namespace velaria {

// The partition of each row of a chunk, as its task numbered them.
struct PartitionedChunk {
  const GroupTable* table;  // the task's
  const uint32_t* ids;      // one a row
  uint32_t first_row;       // where the chunk's rows begin among all rows
  uint32_t rows;
};

// A partition's number: its share (by hash), and its place among the share's partitions.
struct PartitionNumber {
  uint32_t share;
  uint32_t place;
};

class PartitionNumbers {
 public:
  // `rows`: of all chunks. `key_types`: of PARTITION BY, at least one.
  PartitionNumbers(const std::vector<PartitionedChunk>& chunks,
                   const std::vector<DataType>& key_types, uint32_t rows,
                   const ExecutionContext& context);

  // A share's rows should fit a core's cache.
  size_t shares() const { return shares_; }
  // How many partitions a share has.
  uint32_t places(size_t share) const { return places_[share]; }
  // Counted through the shares: the number of a share's first partition; of shares(): how many
  // partitions there are.
  uint32_t first_partition(size_t share) const { return first_partition_[share]; }
  // The numbers of a task's partitions.
  const PartitionNumber* of(const GroupTable* table) const { return numbers_.at(table).data(); }

 private:
  // The groups of a table, those of a share side by side.
  struct GroupsByShare {
    std::vector<uint32_t> groups;
    std::vector<size_t> starts;  // of each share, and the end
  };

  GroupsByShare by_share(const GroupTable& table) const;
  void number_share(uint32_t share, const std::vector<GroupsByShare>& groups,
                    const std::vector<DataType>& key_types);

  std::vector<const GroupTable*> tables_;
  std::unordered_map<const GroupTable*, std::vector<PartitionNumber>> numbers_;
  size_t shares_ = 1;
  std::vector<uint32_t> places_;
  std::vector<uint32_t> first_partition_{0};
};

}  // namespace velaria
