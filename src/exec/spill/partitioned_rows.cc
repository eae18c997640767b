#include "src/exec/spill/partitioned_rows.h"

#include <algorithm>
#include <numeric>

#include "src/exec/spill/sorted_runs.h"
#include "src/kernel/take.h"

namespace velaria {

PartitionedRows::PartitionedRows(std::shared_ptr<SpillSpace> space, std::string purpose,
                                 std::vector<DataType> types)
    : file_(std::move(space), std::move(purpose), with_position_type(std::move(types))) {}

void PartitionedRows::write(std::vector<Piece> pieces, Sequence* sequence) {
  const std::vector<DataType>& types = file_.types();
  std::vector<std::vector<Chunk>> parts(kSpillPartitions);
  std::vector<std::vector<uint32_t>> rows_of;
  for (Piece& piece : pieces) {
    const auto rows = static_cast<int64_t>(piece.positions.size());
    partition_by_keys(piece.keys, rows, &rows_of);
    Chunk whole;
    whole.rows = rows;
    for (size_t c = 0; c < piece.columns.size(); ++c) {
      whole.columns.push_back(piece.columns[c] ? piece.columns[c] : Column::nulls(types[c], rows));
    }
    whole = with_positions(std::move(whole), piece.positions);
    for (size_t p = 0; p < kSpillPartitions; ++p) {
      if (rows_of[p].empty()) continue;
      Chunk part;
      part.rows = static_cast<int64_t>(rows_of[p].size());
      for (const ColumnPtr& column : whole.columns) {
        part.columns.push_back(take(column, rows_of[p].data(), part.rows));
      }
      parts[p].push_back(std::move(part));
    }
    piece = Piece();
  }
  for (size_t p = 0; p < kSpillPartitions; ++p) {
    if (parts[p].empty()) continue;
    file_.write(concatenate_chunks(parts[p], types), &sequence->parts[p]);
    parts[p].clear();
  }
}

void PartitionedRows::add(Sequence sequence) {
  const std::lock_guard<std::mutex> lock(mutex_);
  sequences_.push_back(std::move(sequence));
}

Chunk PartitionedRows::read_part(size_t part) const {
  std::vector<Chunk> chunks;
  for (const Sequence& sequence : sequences_) {
    for (const SpillFrame& frame : sequence.parts[part]) chunks.push_back(read(frame));
  }
  Chunk rows = concatenate_chunks(chunks, file_.types());
  const auto* positions = rows.columns.back()->values<uint64_t>();
  std::vector<uint32_t> order(static_cast<size_t>(rows.rows));
  std::iota(order.begin(), order.end(), 0u);
  const auto before = [&](uint32_t a, uint32_t b) { return positions[a] < positions[b]; };
  if (std::is_sorted(order.begin(), order.end(), before)) return rows;
  std::sort(order.begin(), order.end(), before);
  Chunk sorted;
  sorted.rows = rows.rows;
  for (const ColumnPtr& column : rows.columns) {
    sorted.columns.push_back(take(column, order.data(), rows.rows));
  }
  return sorted;
}

}  // namespace velaria
