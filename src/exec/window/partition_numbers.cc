#include "src/exec/window/partition_numbers.h"

#include <utility>

#include "src/exec/scheduler.h"

namespace velaria {

PartitionNumbers::PartitionNumbers(const std::vector<PartitionedChunk>& chunks,
                                   const std::vector<DataType>& key_types, uint32_t rows,
                                   const ExecutionContext& context) {
  for (const PartitionedChunk& chunk : chunks) {
    if (numbers_.emplace(chunk.table, std::vector<PartitionNumber>()).second) {
      tables_.push_back(chunk.table);
    }
  }
  uint64_t most = 0;
  for (const GroupTable* table : tables_) most += table->size();
  // A share without partitions is no use.
  constexpr uint32_t kRowsPerShare = 32 * 1024;
  while (shares_ < 256 && shares_ * kRowsPerShare < rows && shares_ * 4 < most) shares_ *= 2;
  places_.assign(shares_, 0);
  std::vector<GroupsByShare> groups(tables_.size());
  run_parallel(tables_.size(), [&](size_t t) { groups[t] = by_share(*tables_[t]); }, context);
  for (const GroupTable* table : tables_) numbers_[table].resize(table->size());
  run_parallel(
      shares_, [&](size_t share) { number_share(static_cast<uint32_t>(share), groups, key_types); },
      context);
  for (const uint32_t places : places_) {
    first_partition_.push_back(first_partition_.back() + places);
  }
}

PartitionNumbers::GroupsByShare PartitionNumbers::by_share(const GroupTable& table) const {
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

void PartitionNumbers::number_share(uint32_t share, const std::vector<GroupsByShare>& groups,
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

}  // namespace velaria
