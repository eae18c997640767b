// The hash table of a join: keys of 64 bits (a word that is the key, or a hash that stands for it)
// to runs of rows, split by hash into parts that are built one by one in cache.
//
// Radix partitioning before the build: S. Manegold, P. Boncz, M. Kersten, "Optimizing main-memory
// join on modern hardware" (TKDE 2002). Probing is not partitioned: it prefetches instead.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "src/base/large_memory.h"
#include "src/exec/join/join_table.h"
#include "src/exec/scheduler.h"

namespace velaria {

class HashPartitions {
 public:
  // keys[row] of the rows that are usable. hash(key); same(a, b): whether two rows of equal keys
  // are equal. Fills `run_rows` unless every run is one row, which is the result.
  template <typename Hash, typename Same>
  bool build(LargeVector<uint64_t> keys, const std::vector<uint8_t>& usable, const Hash& hash,
             const Same& same, std::vector<uint32_t>* run_rows, SharedReservation& reservation,
             const ExecutionContext& context);

  // Runs of keys[i] with hash runs->hashes[i] where runs->usable[i], by the first slot with the
  // key; prefetch(place) is called for each run found.
  template <typename Prefetch>
  void find(const uint64_t* keys, int64_t rows, const Prefetch& prefetch, JoinRuns* runs) const;
  // The same for one row where several runs may have its key, which is its hash. same(place, row):
  // whether the row at the place (see JoinTable::run_rows) equals the row looked up.
  template <typename Same>
  void find_among_equals(uint64_t hash, int64_t row, const Same& same, JoinRuns* runs) const;

  // A bit pattern of three bits in one word for each key; a table of few keys is as quick by itself
  // and gets none. F. Putze, P. Sanders, J. Singler, "Cache-, hash- and space-efficient Bloom
  // filters" (JEA 2009).
  template <typename Hash>
  void make_bloom_filter(const Hash& hash, SharedReservation& reservation);
  bool has_bloom_filter() const { return !bloom_words_.empty(); }
  // By scratch.hashes and scratch.usable.
  void may_match(const JoinRuns& scratch, int64_t rows, uint8_t* matches) const;

 private:
  struct Slot {
    uint64_t key = 0;
    uint32_t first = 0;  // while building: the group's number in its part
    uint32_t count = 0;  // 0: empty
  };
  struct Part {
    std::vector<Slot> slots;
    // Only while building.
    std::vector<uint32_t> group_rows;    // first row of each group
    std::vector<uint32_t> group_counts;  // rows of each group
  };
  // The usable rows, part by part, in their order.
  struct Entries {
    LargeVector<uint64_t> keys;
    LargeVector<uint32_t> rows;
    LargeVector<uint32_t> groups;
    std::vector<uint32_t> starts;  // of each part, and the end
  };
  struct PartRef {
    const Slot* slots;
    uint64_t mask;
  };

  static constexpr int64_t kPartRows = 32 * 1024;
  static constexpr size_t kMostParts = 2048;
  static constexpr size_t kPieceRows = 64 * 1024;
  static constexpr size_t kFirstSlots = 1024;  // few keys hardly ever meet then

  size_t part_of(uint64_t hash) const { return (hash >> 1) >> part_shift_; }

  template <typename Hash>
  void make_hint_bits(const Hash& hash);
  bool may_be_hinted(uint64_t hash) const {
    const uint64_t bit = hash >> 32 & hint_mask_;
    return (hint_bits_[bit >> 6] >> (bit & 63) & 1) != 0;
  }
  template <bool kOnePart, typename Prefetch>
  void find_in(const uint64_t* keys, int64_t rows, const Prefetch& prefetch, JoinRuns* runs) const;
  template <typename Hash>
  void scatter(const LargeVector<uint64_t>& keys, const std::vector<uint8_t>& usable,
               const Hash& hash, Entries* entries, const ExecutionContext& context) const;
  template <typename Hash, typename Same>
  static void group(const Hash& hash, const Same& same, size_t begin, size_t end, Entries* entries,
                    Part* part);
  static void finish_part(const Entries& entries, size_t begin, size_t end, bool unique,
                          std::vector<uint32_t>* run_rows, Part* part);

  int part_shift_ = 63;
  std::vector<Part> parts_;
  std::vector<PartRef> refs_;
  std::vector<uint64_t> bloom_words_;  // a power of two of them
  // Of a single part, a bit for every key: most keys that are not there are known by it, where the
  // slots, often half full, would be a branch that cannot be foreseen.
  std::vector<uint64_t> hint_bits_;
  uint64_t hint_mask_ = 0;
};

// The bits of a hash in its word; the word is chosen by other bits.
inline uint64_t bloom_bits(uint64_t hash) {
  return uint64_t{1} << (hash >> 58) | uint64_t{1} << (hash >> 52 & 63) |
         uint64_t{1} << (hash >> 46 & 63);
}

template <typename Hash>
void HashPartitions::make_hint_bits(const Hash& hash) {
  constexpr size_t kFewestBits = 32 * 1024;  // 4 KiB
  constexpr size_t kBitsPerSlot = 8;         // about half of the slots are keys
  size_t bits = kFewestBits;
  while (bits < parts_[0].slots.size() * kBitsPerSlot) bits *= 2;
  hint_mask_ = bits - 1;
  hint_bits_.assign(bits / 64, 0);
  for (const Slot& slot : parts_[0].slots) {
    if (slot.count == 0) continue;
    const uint64_t bit = hash(slot.key) >> 32 & hint_mask_;
    hint_bits_[bit >> 6] |= uint64_t{1} << (bit & 63);
  }
}

template <typename Hash>
void HashPartitions::make_bloom_filter(const Hash& hash, SharedReservation& reservation) {
  constexpr size_t kKeysPerWord = 4;
  size_t slots = 0;
  for (const Part& part : parts_) slots += part.slots.size();
  if (slots <= kFirstSlots) return;
  size_t words = 1;
  while (words * kKeysPerWord * 2 < slots) words *= 2;  // about half of the slots are keys
  reservation.grow(words * 8);
  bloom_words_.assign(words, 0);
  for (const Part& part : parts_) {
    for (const Slot& slot : part.slots) {
      if (slot.count == 0) continue;
      const uint64_t of_key = hash(slot.key);
      bloom_words_[of_key & (words - 1)] |= bloom_bits(of_key);
    }
  }
}

template <typename Hash>
void HashPartitions::scatter(const LargeVector<uint64_t>& keys, const std::vector<uint8_t>& usable,
                             const Hash& hash, Entries* entries,
                             const ExecutionContext& context) const {
  const size_t rows = keys.size();
  const size_t pieces = (rows + kPieceRows - 1) / kPieceRows;
  const size_t parts = parts_.size();
  // Rows of each piece in each part; then where the piece's rows of the part begin.
  std::vector<uint32_t> counts(pieces * parts, 0);
  run_parallel(
      pieces,
      [&](size_t piece) {
        uint32_t* count = counts.data() + piece * parts;
        const size_t end = std::min(rows, (piece + 1) * kPieceRows);
        for (size_t i = piece * kPieceRows; i < end; ++i) {
          if (usable[i]) ++count[part_of(hash(keys[i]))];
        }
      },
      context);
  uint32_t total = 0;
  for (size_t part = 0; part < parts; ++part) {
    entries->starts.push_back(total);
    for (size_t piece = 0; piece < pieces; ++piece) {
      uint32_t& count = counts[piece * parts + part];
      const uint32_t begin = total;
      total += count;
      count = begin;
    }
  }
  entries->starts.push_back(total);
  entries->keys.resize(total);
  entries->rows.resize(total);
  entries->groups.resize(total);
  run_parallel(
      pieces,
      [&](size_t piece) {
        uint32_t* next = counts.data() + piece * parts;
        const size_t end = std::min(rows, (piece + 1) * kPieceRows);
        for (size_t i = piece * kPieceRows; i < end; ++i) {
          if (!usable[i]) continue;
          const uint32_t to = next[part_of(hash(keys[i]))]++;
          entries->keys[to] = keys[i];
          entries->rows[to] = static_cast<uint32_t>(i);
        }
      },
      context);
}

template <typename Hash, typename Same>
void HashPartitions::group(const Hash& hash, const Same& same, size_t begin, size_t end,
                           Entries* entries, Part* part) {
  std::vector<Slot>& slots = part->slots;
  slots.resize(kFirstSlots);
  size_t mask = slots.size() - 1;
  constexpr size_t kAhead = 8;
  for (size_t e = begin; e < end; ++e) {
    if (e + kAhead < end) __builtin_prefetch(&slots[hash(entries->keys[e + kAhead]) & mask], 1);
    const uint64_t key = entries->keys[e];
    const uint32_t row = entries->rows[e];
    size_t at = hash(key) & mask;
    while (slots[at].count != 0 &&
           !(slots[at].key == key && same(part->group_rows[slots[at].first], row))) {
      at = (at + 1) & mask;
    }
    if (slots[at].count != 0) {
      entries->groups[e] = slots[at].first;
      ++part->group_counts[slots[at].first];
      continue;
    }
    const auto group = static_cast<uint32_t>(part->group_rows.size());
    slots[at] = {key, group, 1};
    entries->groups[e] = group;
    part->group_rows.push_back(row);
    part->group_counts.push_back(1);
    if ((static_cast<size_t>(group) + 1) * 3 < slots.size() * 2) continue;
    // Rows so far tell about how many groups there will be; but not by more than this at once,
    // since the first rows may all be different by chance.
    constexpr size_t kMostGrowth = 8;
    const size_t expected = (static_cast<size_t>(group) + 1) * (end - begin) / (e + 1 - begin);
    size_t size = slots.size() * 2;
    while (size < slots.size() * kMostGrowth && expected * 3 >= size * 2) size *= 2;
    std::vector<Slot> grown(size);
    mask = grown.size() - 1;
    for (const Slot& slot : slots) {
      if (slot.count == 0) continue;
      size_t to = hash(slot.key) & mask;
      while (grown[to].count != 0) to = (to + 1) & mask;
      grown[to] = slot;
    }
    slots = std::move(grown);
  }
}

template <typename Hash, typename Same>
bool HashPartitions::build(LargeVector<uint64_t> keys, const std::vector<uint8_t>& usable,
                           const Hash& hash, const Same& same, std::vector<uint32_t>* run_rows,
                           SharedReservation& reservation, const ExecutionContext& context) {
  const auto rows = static_cast<int64_t>(keys.size());
  size_t parts = 1;
  while (parts < kMostParts && static_cast<int64_t>(parts) * kPartRows < rows) {
    parts *= 2;
    --part_shift_;
  }
  parts_.resize(parts);
  const uint64_t entry_bytes = static_cast<uint64_t>(rows) * 16;
  reservation.grow(entry_bytes);
  Entries entries;
  scatter(keys, usable, hash, &entries, context);
  LargeVector<uint64_t>().swap(keys);
  run_parallel(
      parts,
      [&](size_t p) {
        Part& part = parts_[p];
        group(hash, same, entries.starts[p], entries.starts[p + 1], &entries, &part);
        reservation.grow(part.slots.size() * sizeof(Slot) + part.group_rows.capacity() * 8);
      },
      context);
  size_t groups = 0;
  for (const Part& part : parts_) groups += part.group_rows.size();
  const bool unique = groups == entries.rows.size();
  if (!unique) {
    reservation.grow(entries.rows.size() * 4);
    run_rows->resize(entries.rows.size());
  }
  run_parallel(
      parts,
      [&](size_t p) {
        Part& part = parts_[p];
        const uint64_t scratch_bytes = part.group_rows.capacity() * 8;
        finish_part(entries, entries.starts[p], entries.starts[p + 1], unique, run_rows, &part);
        reservation.shrink(scratch_bytes);
      },
      context);
  for (const Part& part : parts_) refs_.push_back({part.slots.data(), part.slots.size() - 1});
  reservation.shrink(entry_bytes);
  if (refs_.size() == 1) make_hint_bits(hash);
  return unique;
}

template <typename Prefetch>
void HashPartitions::find(const uint64_t* keys, int64_t rows, const Prefetch& prefetch,
                          JoinRuns* runs) const {
  if (refs_.size() == 1) {  // lies in the cache
    find_in<true>(keys, rows, prefetch, runs);
  } else {
    find_in<false>(keys, rows, prefetch, runs);
  }
}

template <bool kOnePart, typename Prefetch>
void HashPartitions::find_in(const uint64_t* keys, int64_t rows, const Prefetch& prefetch,
                             JoinRuns* runs) const {
  constexpr int64_t kPrefetchRows = 16;
  const uint64_t* hashes = runs->hashes.data();
  const uint8_t* usable = runs->usable.data();
  uint32_t* first = runs->first.data();
  uint32_t* count = runs->count.data();
  const PartRef* refs = refs_.data();
  const PartRef only = refs[0];
  const int shift = part_shift_;
  for (int64_t i = 0; i < rows; ++i) {
    if (!kOnePart && i + kPrefetchRows < rows) {
      const uint64_t later = hashes[i + kPrefetchRows];
      const PartRef& ref = refs[(later >> 1) >> shift];
      __builtin_prefetch(ref.slots + (later & ref.mask));
    }
    if (kOnePart && !may_be_hinted(hashes[i])) {
      first[i] = kNoRow;
      count[i] = 0;
      continue;
    }
    const PartRef& ref = kOnePart ? only : refs[(hashes[i] >> 1) >> shift];
    uint64_t at = hashes[i] & ref.mask;
    // Most often the first slot decides, and then nothing here is a branch.
    if ((ref.slots[at].count != 0) & (ref.slots[at].key != keys[i])) {
      do {
        at = (at + 1) & ref.mask;
      } while (ref.slots[at].count != 0 && ref.slots[at].key != keys[i]);
    }
    const Slot& slot = ref.slots[at];
    const bool found = (slot.count != 0) & (usable[i] != 0);
    first[i] = found ? slot.first : kNoRow;
    count[i] = found ? slot.count : 0;
    if (!kOnePart && found) prefetch(slot.first);
  }
}

template <typename Same>
void HashPartitions::find_among_equals(uint64_t hash, int64_t row, const Same& same,
                                       JoinRuns* runs) const {
  const PartRef& ref = refs_[part_of(hash)];
  uint32_t& first = runs->first[static_cast<size_t>(row)];
  uint32_t& count = runs->count[static_cast<size_t>(row)];
  first = kNoRow;
  count = 0;
  for (uint64_t at = hash & ref.mask; ref.slots[at].count != 0; at = (at + 1) & ref.mask) {
    const Slot& slot = ref.slots[at];
    if (slot.key != hash || !same(slot.first, row)) continue;
    first = slot.first;
    count = slot.count;
    return;
  }
}

}  // namespace velaria
