#include "src/exec/window/partition_totals.h"

#include <algorithm>
#include <numeric>

#include "src/exec/aggregate/accumulator.h"
#include "src/exec/scheduler.h"
#include "src/exec/window/window_function_exec.h"
#include "src/kernel/compare.h"
#include "src/kernel/take.h"

namespace velaria {

namespace {

void add_chunk(const TotalsInput& input, const std::vector<uint32_t>& ids,
               const PartitionedChunk& chunk, Accumulator* totals) {
  std::vector<uint32_t> kept;
  std::vector<uint32_t> kept_ids;
  AggregateRows rows;
  rows.rows = chunk.rows;
  rows.ids = ids.data();
  if (input.filter) {
    select_true(*flatten(input.filter), &kept);
    for (const uint32_t row : kept) kept_ids.push_back(ids[row]);
    rows.rows = static_cast<int64_t>(kept.size());
    rows.ids = kept_ids.data();
  }
  const auto part = [&](const ColumnPtr& column) {
    if (input.filter) return flatten(take(column, kept.data(), rows.rows));
    return column->is_dictionary() ? flatten(column) : column;
  };
  for (const ColumnPtr& argument : input.arguments) rows.arguments.push_back(part(argument));
  for (const ColumnPtr& key : input.order_keys) rows.order_keys.push_back(part(key));
  std::vector<uint64_t> positions;
  if (totals->reads_positions()) {
    for (int64_t i = 0; i < rows.rows; ++i) {
      const uint64_t row = input.filter ? kept[static_cast<size_t>(i)] : static_cast<uint64_t>(i);
      positions.push_back(chunk.first_row + row);
    }
    rows.positions = positions.data();
  }
  totals->add_rows(rows);
}

}  // namespace

void PartitionTotals::compute(
    uint32_t rows, const std::vector<PartitionedChunk>& chunks,
    const std::vector<DataType>& key_types,
    const std::function<TotalsInput(size_t chunk, size_t function)>& input,
    const ExecutionContext& context) {
  uint32_t partitions = 1;
  if (!key_types.empty()) {
    const PartitionNumbers numbers(chunks, key_types, rows, context);
    partitions = numbers.first_partition(numbers.shares());
    for (const PartitionedChunk& chunk : chunks) {
      std::vector<uint32_t>& own = partitions_[chunk.table];
      if (!own.empty()) continue;
      const PartitionNumber* number = numbers.of(chunk.table);
      for (uint32_t i = 0; i < chunk.table->size(); ++i) {
        own.push_back(numbers.first_partition(number[i].share) + number[i].place);
      }
    }
  }
  // Each task has totals of its own; with many partitions, bringing them together would cost more
  // than it saves.
  const size_t tasks = std::min<size_t>(
      {context.pool == nullptr ? 1 : context.tasks, 1 + rows / 4 / partitions, chunks.size()});
  std::vector<std::vector<std::unique_ptr<Accumulator>>> totals(tasks);
  std::vector<std::unique_ptr<MemoryReservation>> reservations;
  for (size_t t = 0; t < tasks; ++t) {
    reservations.push_back(std::make_unique<MemoryReservation>(context.budget, kWindowMemory));
  }
  run_parallel(
      tasks,
      [&](size_t t) {
        for (const BoundWindowFunction& function : functions_) {
          totals[t].push_back(Accumulator::make(function.aggregate));
          totals[t].back()->grow(partitions);
        }
        const auto reserve = [&] {
          uint64_t bytes = 0;
          for (const auto& one : totals[t]) bytes += one->memory_bytes();
          reservations[t]->resize(bytes);
        };
        std::vector<uint32_t> ids;
        for (size_t c = chunks.size() * t / tasks; c < chunks.size() * (t + 1) / tasks; ++c) {
          if (context.cancellation) context.cancellation->throw_if_cancelled();
          const PartitionedChunk& chunk = chunks[c];
          ids.assign(chunk.rows, 0);
          if (chunk.table != nullptr) {
            const uint32_t* numbers = partitions_.at(chunk.table).data();
            for (uint32_t i = 0; i < chunk.rows; ++i) ids[i] = numbers[chunk.ids[i]];
          }
          for (size_t f = 0; f < functions_.size(); ++f) {
            add_chunk(input(c, f), ids, chunk, totals[t][f].get());
          }
          if (c % 64 == 0) reserve();
        }
        reserve();
      },
      context);
  std::vector<uint32_t> all(partitions);
  std::iota(all.begin(), all.end(), 0u);
  totals_.resize(functions_.size());
  run_parallel(
      functions_.size(),
      [&](size_t f) {
        for (size_t t = 1; t < tasks; ++t) {
          totals[0][f]->merge(*totals[t][f], all.data(), all.data(), partitions);
        }
        totals_[f] = flatten(totals[0][f]->result(all.data(), partitions));
      },
      context);
}

ColumnPtr PartitionTotals::values(size_t f, const PartitionedChunk& chunk) const {
  std::vector<uint32_t> ids(chunk.rows, 0);
  if (chunk.table != nullptr) {
    const uint32_t* numbers = partitions_.at(chunk.table).data();
    for (uint32_t i = 0; i < chunk.rows; ++i) ids[i] = numbers[chunk.ids[i]];
  }
  return take(totals_[f], ids.data(), chunk.rows);
}

}  // namespace velaria
