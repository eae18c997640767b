#include "src/exec/window/partitions.h"

#include <algorithm>

#include "src/exec/scheduler.h"
#include "src/exec/sort/row_sort.h"

namespace velaria {

namespace {

// Brings rows together by share, and inside a share by partition; every step is stable, so rows of
// a partition stand in their input order.
class RowScatter {
 public:
  RowScatter(const std::vector<PartitionedChunk>& chunks, const PartitionNumbers& numbers,
             const OrderKeys& keys)
      : chunks_(chunks), numbers_(numbers), keys_(keys) {
    constexpr uint32_t kRowsPerBlock = 128 * 1024;
    uint32_t rows = 0;
    for (size_t c = 0; c < chunks.size(); ++c) {
      if (c == 0 || rows >= kRowsPerBlock) {
        blocks_.push_back(c);
        rows = 0;
      }
      rows += chunks[c].rows;
    }
    blocks_.push_back(chunks.size());
  }

  // Rows to `out` by share; shares_starts gets where each begins.
  void by_share(SortedRow* out, std::vector<uint32_t>* share_starts,
                const ExecutionContext& context) {
    const size_t shares = numbers_.shares();
    const size_t blocks = blocks_.size() - 1;
    std::vector<std::vector<uint32_t>> next(blocks, std::vector<uint32_t>(shares, 0));
    run_parallel(
        blocks,
        [&](size_t block) {
          for_chunks(block, [&](const PartitionedChunk& chunk, const PartitionNumber* numbers) {
            for (uint32_t i = 0; i < chunk.rows; ++i) ++next[block][numbers[chunk.ids[i]].share];
          });
        },
        context);
    uint32_t place = 0;
    share_starts->clear();
    for (size_t share = 0; share < shares; ++share) {
      share_starts->push_back(place);
      for (size_t block = 0; block < blocks; ++block) {
        const uint32_t here = next[block][share];
        next[block][share] = place;
        place += here;
      }
    }
    share_starts->push_back(place);
    run_parallel(
        blocks,
        [&](size_t block) {
          std::vector<uint64_t> prefixes;
          for_chunks(block, [&](const PartitionedChunk& chunk, const PartitionNumber* numbers) {
            prefixes.resize(chunk.rows);
            keys_.fill_prefixes(chunk.first_row, chunk.first_row + chunk.rows, prefixes.data());
            for (uint32_t i = 0; i < chunk.rows; ++i) {
              const PartitionNumber number = numbers[chunk.ids[i]];
              out[next[block][number.share]++] = {prefixes[i], number.place, chunk.first_row + i};
            }
          });
        },
        context);
  }

 private:
  template <typename F>
  void for_chunks(size_t block, F f) const {
    for (size_t c = blocks_[block]; c < blocks_[block + 1]; ++c) {
      f(chunks_[c], numbers_.of(chunks_[c].table));
    }
  }

  const std::vector<PartitionedChunk>& chunks_;
  const PartitionNumbers& numbers_;
  const OrderKeys& keys_;
  std::vector<size_t> blocks_;  // first chunk of each block of rows, and the end
};

std::shared_ptr<Buffer> allocate_rows(uint32_t rows) {
  return Buffer::allocate(std::max<size_t>(1, rows) * sizeof(SortedRow));
}
SortedRow* rows_of(Buffer& buffer) { return reinterpret_cast<SortedRow*>(buffer.mutable_data()); }

}  // namespace

SortedPartitions SortedPartitions::make(uint32_t rows, const std::vector<PartitionedChunk>& chunks,
                                        const std::vector<DataType>& key_types,
                                        const OrderKeys& keys, const ExecutionContext& context) {
  SortedPartitions out;
  out.rows_ = allocate_rows(rows);
  SortedRow* sorted = rows_of(*out.rows_);
  std::shared_ptr<Buffer> other;
  if (key_types.empty()) {
    out.starts_ = {0, rows};
    if (!keys.empty()) other = allocate_rows(rows);
    sort_all_rows(sorted, other ? rows_of(*other) : nullptr, rows, keys, context);
  } else {
    const PartitionNumbers numbers(chunks, key_types, rows, context);
    other = allocate_rows(rows);
    SortedRow* by_share = rows_of(*other);
    std::vector<uint32_t> share_starts;
    RowScatter(chunks, numbers, keys).by_share(by_share, &share_starts, context);
    out.starts_.assign(numbers.first_partition(numbers.shares()) + 1, rows);
    run_parallel(
        numbers.shares(),
        [&](size_t share) {
          const uint32_t begin = share_starts[share];
          const uint32_t end = share_starts[share + 1];
          std::vector<uint32_t> next(numbers.places(share), 0);
          for (uint32_t i = begin; i < end; ++i) ++next[by_share[i].partition];
          uint32_t place = begin;
          for (size_t p = 0; p < next.size(); ++p) {
            out.starts_[numbers.first_partition(share) + p] = place;
            const uint32_t here = next[p];
            next[p] = place;
            place += here;
          }
          for (uint32_t i = begin; i < end; ++i) {
            sorted[next[by_share[i].partition]++] = by_share[i];
          }
        },
        context);
    sort_partitions(sorted, by_share, out.starts_.data(), out.count(), keys, context);
  }
  return out;
}

}  // namespace velaria
