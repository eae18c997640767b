#include "src/exec/window/partitions.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "src/exec/scheduler.h"
#include "src/exec/window/row_sort.h"

namespace velaria {

namespace {

// A partition's number: its share (by hash), and its place among the share's partitions.
struct PartitionNumber {
  uint32_t share;
  uint32_t place;
};

// The partitions that the tasks found, one number for the same key in all of them.
class PartitionNumbers {
 public:
  PartitionNumbers(const std::vector<PartitionedChunk>& chunks,
                   const std::vector<DataType>& key_types, uint32_t rows,
                   const ExecutionContext& context) {
    for (const PartitionedChunk& chunk : chunks) {
      if (numbers_.emplace(chunk.table, std::vector<PartitionNumber>()).second) {
        tables_.push_back(chunk.table);
      }
    }
    uint64_t most = 0;
    for (const GroupTable* table : tables_) most += table->size();
    // A share's rows should fit a core's cache, and a share without partitions is no use.
    constexpr uint32_t kRowsPerShare = 32 * 1024;
    while (shares_ < 256 && shares_ * kRowsPerShare < rows && shares_ * 4 < most) shares_ *= 2;
    places_.assign(shares_, 0);
    std::vector<GroupsByShare> groups(tables_.size());
    run_parallel(tables_.size(), [&](size_t t) { groups[t] = by_share(*tables_[t]); }, context);
    for (const GroupTable* table : tables_) numbers_[table].resize(table->size());
    run_parallel(
        shares_,
        [&](size_t share) { number_share(static_cast<uint32_t>(share), groups, key_types); },
        context);
  }

  size_t shares() const { return shares_; }
  // Partitions of a share.
  uint32_t places(size_t share) const { return places_[share]; }
  const PartitionNumber* of(const GroupTable* table) const { return numbers_.at(table).data(); }

 private:
  // The groups of a table, those of a share side by side.
  struct GroupsByShare {
    std::vector<uint32_t> groups;
    std::vector<size_t> starts;  // of each share, and the end
  };

  GroupsByShare by_share(const GroupTable& table) const {
    const std::vector<uint64_t>& hashes = table.hashes();
    const auto share_of = [&](uint32_t group) { return (hashes[group] >> 40) & (shares_ - 1); };
    GroupsByShare out;
    out.groups.resize(table.size());
    std::vector<size_t> next(shares_, 0);
    for (uint32_t group = 0; group < table.size(); ++group) ++next[share_of(group)];
    size_t place = 0;
    for (size_t& share : next) {
      out.starts.push_back(place);
      place += std::exchange(share, place);
    }
    out.starts.push_back(place);
    for (uint32_t group = 0; group < table.size(); ++group) {
      out.groups[next[share_of(group)]++] = group;
    }
    return out;
  }

  void number_share(uint32_t share, const std::vector<GroupsByShare>& groups,
                    const std::vector<DataType>& key_types) {
    const std::unique_ptr<GroupTable> all = GroupTable::make(key_types);
    std::vector<uint32_t> ids;
    for (size_t t = 0; t < tables_.size(); ++t) {
      std::vector<PartitionNumber>& numbers = numbers_.at(tables_[t]);
      const uint32_t* from = groups[t].groups.data() + groups[t].starts[share];
      const size_t count = groups[t].starts[share + 1] - groups[t].starts[share];
      if (tables_.size() == 1) {  // nothing to bring together
        for (size_t i = 0; i < count; ++i) numbers[from[i]] = {share, static_cast<uint32_t>(i)};
        places_[share] = static_cast<uint32_t>(count);
        return;
      }
      if (count == 0) continue;
      const auto rows = static_cast<int64_t>(count);
      ids.resize(count);
      all->find_or_add(tables_[t]->keys(from, rows), rows, ids.data());
      for (size_t i = 0; i < count; ++i) numbers[from[i]] = {share, ids[i]};
    }
    places_[share] = all->size();
  }

  std::vector<const GroupTable*> tables_;
  std::unordered_map<const GroupTable*, std::vector<PartitionNumber>> numbers_;
  size_t shares_ = 1;
  std::vector<uint32_t> places_;
};

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
    constexpr uint32_t kBlock = 64 * 1024;
    run_parallel((rows + kBlock - 1) / kBlock,
                 [&](size_t block) {
                   const auto begin = static_cast<uint32_t>(block * kBlock);
                   const uint32_t end = std::min(rows, begin + kBlock);
                   std::vector<uint64_t> prefixes(end - begin);
                   keys.fill_prefixes(begin, end, prefixes.data());
                   for (uint32_t row = begin; row < end; ++row) {
                     sorted[row] = {prefixes[row - begin], 0, row};
                   }
                 },
                 context);
    if (!keys.empty()) other = allocate_rows(rows);
  } else {
    const PartitionNumbers numbers(chunks, key_types, rows, context);
    other = allocate_rows(rows);
    SortedRow* by_share = rows_of(*other);
    std::vector<uint32_t> share_starts;
    RowScatter(chunks, numbers, keys).by_share(by_share, &share_starts, context);
    std::vector<size_t> first_partition{0};
    for (size_t share = 0; share < numbers.shares(); ++share) {
      first_partition.push_back(first_partition.back() + numbers.places(share));
    }
    out.starts_.assign(first_partition.back() + 1, rows);
    run_parallel(
        numbers.shares(),
        [&](size_t share) {
          const uint32_t begin = share_starts[share];
          const uint32_t end = share_starts[share + 1];
          std::vector<uint32_t> next(numbers.places(share), 0);
          for (uint32_t i = begin; i < end; ++i) ++next[by_share[i].partition];
          uint32_t place = begin;
          for (size_t p = 0; p < next.size(); ++p) {
            out.starts_[first_partition[share] + p] = place;
            const uint32_t here = next[p];
            next[p] = place;
            place += here;
          }
          for (uint32_t i = begin; i < end; ++i) {
            sorted[next[by_share[i].partition]++] = by_share[i];
          }
        },
        context);
  }
  sort_partitions(sorted, other ? rows_of(*other) : nullptr, out.starts_.data(), out.count(), keys,
                  context);
  return out;
}

}  // namespace velaria
