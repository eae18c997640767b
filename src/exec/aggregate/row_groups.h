// GROUP BY where nearly every row is a group of its own. A table of the groups would be as large as
// the input, and every row a cache miss in it, so the rows stay in their chunks instead: each is
// hashed, the hashes are dealt to partitions, and each partition finds the few rows whose key was
// there before. What comes out are the chunks that came in, without these rows. So the groups are
// in the order of their first rows without being sorted, and no key is ever copied.
// Internal to this room.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "src/exec/aggregate/group_table.h"
#include "src/exec/operator.h"
#include "src/expr/aggregate.h"

namespace velaria {

class RowGroups {
 public:
  // Whether these keys and aggregates can be computed so: no vectors, nothing but counts, sums,
  // averages and extremes, each of a row alone.
  static bool suits(const std::vector<BoundExpressionPtr>& keys,
                    const std::vector<BoundAggregate>& aggregates);

  // `keys` and `aggregates` outlive this and its scans.
  RowGroups(const std::vector<BoundExpressionPtr>& keys,
            const std::vector<BoundAggregate>& aggregates, const GroupTableOptions& options)
      : keys_(keys), aggregates_(aggregates), options_(options) {}

  struct KeptChunk {
    uint64_t order = 0;
    int64_t rows = 0;
    std::vector<ColumnPtr> keys;       // flat
    std::vector<ColumnPtr> arguments;  // flat, one per aggregate; null for COUNT(*)
  };
  struct HashedRow {
    uint64_t hash;
    uint64_t row;  // chunk << kChunkRowBits | row in chunk
  };
  static constexpr size_t kPartitions = 256;

  // What one task keeps.
  class Part {
   public:
    explicit Part(const RowGroups& groups) : groups_(groups), rows_(kPartitions) {}
    // Chunks come in ascending order.
    void add(const Chunk& chunk);
    uint64_t memory_bytes() const { return bytes_; }

   private:
    friend class RowGroups;
    const RowGroups& groups_;
    std::vector<KeptChunk> chunks_;
    std::vector<std::vector<HashedRow>> rows_;  // by partition
    std::vector<uint64_t> hashes_;              // scratch
    uint64_t bytes_ = 0;
  };

  // All parts, once.
  void finish(std::vector<std::unique_ptr<Part>> parts, const ExecutionContext& context);
  int64_t groups() const { return groups_; }
  uint64_t memory_bytes() const { return bytes_; }
  // Reads the groups; this outlives the scan.
  std::unique_ptr<TableScan> scan(const ScanRequest& request) const;

 private:
  // A row whose key an earlier row, the leader, has.
  struct Follower {
    uint64_t row;
    uint64_t leader;
  };
  class Scan;

  void hash_keys(const KeptChunk& chunk, std::vector<uint64_t>* hashes) const;
  bool same_keys(uint64_t a, uint64_t b) const;
  void find_followers(const std::vector<std::unique_ptr<Part>>& parts,
                      const std::vector<std::vector<uint64_t>>& places, size_t partition,
                      std::vector<Follower>* followers) const;
  bool follows(size_t chunk, int64_t row) const {
    return (follower_bits_[first_words_[chunk] + static_cast<size_t>(row / 64)] >> (row % 64)) & 1;
  }
  ColumnPtr arguments_of(size_t aggregate, const Follower* first, int64_t count) const;
  Chunk output(size_t chunk, const std::vector<size_t>& columns) const;

  const std::vector<BoundExpressionPtr>& keys_;
  const std::vector<BoundAggregate>& aggregates_;
  const GroupTableOptions options_;
  // In the order of the input. Places below are those of a chunk here and a row in it.
  std::vector<KeptChunk> chunks_;
  std::vector<size_t> first_words_;      // of each chunk's bits
  std::vector<uint64_t> follower_bits_;  // rows that are in the group of an earlier one
  std::vector<Follower> followers_;      // by the leader's chunk
  std::vector<size_t> first_followers_;  // of each chunk; one more than there are chunks
  int64_t groups_ = 0;
  uint64_t bytes_ = 0;
};

}  // namespace velaria
