#include "src/exec/join/hash_partitions.h"

namespace velaria {

void HashPartitions::may_match(const JoinRuns& scratch, int64_t rows, uint8_t* matches) const {
  const uint64_t* hashes = scratch.hashes.data();
  const uint8_t* usable = scratch.usable.data();
  const uint64_t* words = bloom_words_.data();
  const uint64_t mask = bloom_words_.size() - 1;
  for (int64_t i = 0; i < rows; ++i) {
    const uint64_t bits = bloom_bits(hashes[i]);
    matches[i] = static_cast<uint8_t>(usable[i] & ((words[hashes[i] & mask] & bits) == bits));
  }
}

void HashPartitions::finish_part(const Entries& entries, size_t begin, size_t end, bool unique,
                                 std::vector<uint32_t>* run_rows, Part* part) {
  std::vector<uint32_t>& starts = part->group_rows;  // what it held is not needed for runs
  if (!unique) {
    auto next = static_cast<uint32_t>(begin);
    for (size_t group = 0; group < starts.size(); ++group) {
      starts[group] = next;
      next += part->group_counts[group];
    }
  }
  for (Slot& slot : part->slots) {
    if (slot.count == 0) continue;
    const uint32_t group = slot.first;
    slot.first = starts[group];
    slot.count = part->group_counts[group];
  }
  if (!unique) {
    for (size_t e = begin; e < end; ++e) {
      (*run_rows)[starts[entries.groups[e]]++] = entries.rows[e];
    }
  }
  std::vector<uint32_t>().swap(part->group_rows);
  std::vector<uint32_t>().swap(part->group_counts);
}

}  // namespace velaria
