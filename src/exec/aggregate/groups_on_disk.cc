#include "src/exec/aggregate/groups_on_disk.h"

#include <algorithm>
#include <numeric>

#include "src/exec/scheduler.h"

namespace velaria {

namespace {

std::vector<DataType> types_of(const std::vector<ColumnPtr>& columns) {
  std::vector<DataType> types;
  for (const ColumnPtr& column : columns) types.push_back(column->type());
  return types;
}

}  // namespace

GroupsOnDisk::GroupsOnDisk(const AggregateSpec& spec, std::shared_ptr<MemoryBudget> budget,
                           std::shared_ptr<SpillSpace> space)
    : spec_(spec),
      budget_(std::move(budget)),
      parts_(space, "the groups of GROUP BY",
             types_of(AggregateTable(spec, nullptr).snapshot().columns)),
      result_(space, "the groups of GROUP BY",
              types_of(AggregateTable(spec, nullptr).result(nullptr, 0)), {}) {}

void GroupsOnDisk::write(std::unique_ptr<AggregateTable> table,
                         PartitionedRows::Sequence* sequence) {
  if (table->size() == 0) return;
  PartitionedRows::Piece piece;
  piece.columns = table->snapshot().columns;
  const auto keys = static_cast<std::ptrdiff_t>(spec_.keys.size());
  piece.keys.assign(piece.columns.begin(), piece.columns.begin() + keys);
  // A snapshot is in the order of the first rows.
  piece.positions.assign(table->first_positions().begin(), table->first_positions().end());
  std::sort(piece.positions.begin(), piece.positions.end());
  table.reset();
  std::vector<PartitionedRows::Piece> pieces;
  pieces.push_back(std::move(piece));
  parts_.write(std::move(pieces), sequence);
  written_.store(true);
}

void GroupsOnDisk::merge(const ExecutionContext& context) {
  run_parallel(kSpillPartitions, [&](size_t part) { merge_part(part, context); }, context);
  result_.merge_down(context);
}

void GroupsOnDisk::merge_part(size_t part, const ExecutionContext& context) {
  MemoryReservation reservation(budget_, "GROUP BY");
  AggregateTable table(spec_, context.cancellation);
  for (const PartitionedRows::Sequence& sequence : parts_.sequences()) {
    for (const SpillFrame& frame : sequence.parts[part]) {
      if (context.cancellation != nullptr) context.cancellation->throw_if_cancelled();
      Chunk groups = parts_.read(frame);
      const ColumnPtr positions = groups.columns.back();
      groups.columns.pop_back();
      AggregateTable written(spec_, context.cancellation);
      written.restore(groups, positions->values<uint64_t>());
      std::vector<uint32_t> all(written.size());
      std::iota(all.begin(), all.end(), 0u);
      table.merge(written, all);
      reservation.resize(table.memory_bytes());
    }
  }
  std::vector<uint32_t> groups(table.size());
  std::iota(groups.begin(), groups.end(), 0u);
  std::sort(groups.begin(), groups.end(), [&table](uint32_t a, uint32_t b) {
    return table.first_position(a) < table.first_position(b);
  });
  SortedRuns::Run run;
  for (size_t begin = 0; begin < groups.size(); begin += kMostChunkRows) {
    const size_t end = std::min<size_t>(groups.size(), begin + kMostChunkRows);
    Chunk rows;
    rows.rows = static_cast<int64_t>(end - begin);
    rows.columns = table.result(groups.data() + begin, rows.rows);
    std::vector<uint64_t> positions;
    for (size_t i = begin; i < end; ++i) positions.push_back(table.first_position(groups[i]));
    result_.append(rows, positions, &run);
  }
  result_.add(std::move(run));
}

}  // namespace velaria
