#include "src/io/memory/distinct_estimate.h"

#include <algorithm>
#include <string>
#include <unordered_map>
#include <vector>

namespace velaria {

namespace {

constexpr int64_t kSampleRows = 4096;

// Any fixed choice of rows that does not follow the data's own order.
std::vector<int64_t> sample_rows(int64_t rows) {
  std::vector<int64_t> out;
  if (rows <= kSampleRows) {
    for (int64_t row = 0; row < rows; ++row) out.push_back(row);
    return out;
  }
  uint64_t state = 0x2545F4914F6CDD1Dull;
  for (int64_t i = 0; i < kSampleRows; ++i) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    out.push_back(static_cast<int64_t>(state % static_cast<uint64_t>(rows)));
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

// If all values were equally frequent, two rows would agree once in `distinct` times: so the pairs
// that agree tell it. With unequal frequencies the guess is lower, as low as a join on the column
// needs it.
int64_t estimate(const TableBlocks& blocks, size_t column) {
  int64_t rows = 0;
  for (size_t block = 0; block < blocks.blocks(); ++block) rows += blocks.block_rows(block);
  std::unordered_map<std::string, int64_t> counts;
  int64_t sampled = 0;
  size_t block = 0;
  int64_t block_start = 0;
  for (const int64_t row : sample_rows(rows)) {
    while (row >= block_start + blocks.block_rows(block)) block_start += blocks.block_rows(block++);
    const ColumnPtr one = blocks.column(block, column, row - block_start, 1);
    if (one->is_null(0)) continue;
    ++counts[one->value(0).to_sql()];
    ++sampled;
  }
  const auto seen = static_cast<int64_t>(counts.size());
  if (rows <= kSampleRows) return std::max<int64_t>(1, seen);
  double pairs = 0;
  for (const auto& [value, count] : counts) {
    pairs += static_cast<double>(count) * static_cast<double>(count - 1) / 2;
  }
  if (pairs == 0) return std::max<int64_t>(1, rows);
  const double all_pairs = static_cast<double>(sampled) * static_cast<double>(sampled - 1) / 2;
  return std::clamp(static_cast<int64_t>(all_pairs / pairs), std::max<int64_t>(1, seen), rows);
}

}  // namespace

int64_t DistinctEstimates::of(const TableBlocks& blocks, size_t column) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto found = known_.find(column);
  if (found != known_.end()) return found->second;
  return known_[column] = estimate(blocks, column);
}

}  // namespace velaria
