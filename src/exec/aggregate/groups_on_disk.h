// Groups that do not fit into memory: their keys, states and first positions on disk in parts by
// key, until each part is merged and gives its groups out. Internal to this room.
#pragma once

#include <atomic>
#include <memory>

#include "src/exec/aggregate/aggregate_table.h"
#include "src/exec/operator.h"
#include "src/exec/spill/partitioned_rows.h"
#include "src/exec/spill/sorted_runs.h"

namespace velaria {

class GroupsOnDisk {
 public:
  // At least one key. `spec` outlives this.
  GroupsOnDisk(const AggregateSpec& spec, std::shared_ptr<MemoryBudget> budget,
               std::shared_ptr<SpillSpace> space);

  // Thread-safe; `sequence` is the caller's, and counts when it is added.
  void write(std::unique_ptr<AggregateTable> table, PartitionedRows::Sequence* sequence);
  void add(PartitionedRows::Sequence sequence) { parts_.add(std::move(sequence)); }
  bool empty() const { return !written_.load(); }

  // Part by part the groups meet in a table, and come out as runs in the order of their first rows.
  // ResourceError when a part does not fit into memory.
  void merge(const ExecutionContext& context);
  // After merge(): in the order of the groups' first rows. This outlives the scan.
  std::unique_ptr<TableScan> scan(const ScanRequest& request) const {
    return result_.scan(request, 0, result_.rows());
  }
  int64_t groups() const { return result_.rows(); }

 private:
  void merge_part(size_t part, const ExecutionContext& context);

  const AggregateSpec& spec_;
  const std::shared_ptr<MemoryBudget> budget_;
  std::atomic<bool> written_{false};
  PartitionedRows parts_;
  SortedRuns result_;
};

}  // namespace velaria
