// What the layouts of group tables share. Internal to this room.
#pragma once

#include <cmath>
#include <cstring>
#include <limits>
#include <memory>
#include <vector>

#include "src/base/large_memory.h"
#include "src/exec/aggregate/group_table.h"
#include "src/kernel/hash.h"

namespace velaria {

// word_groups.cc: one key of at most 8 bytes.
std::unique_ptr<GroupTable> make_word_groups(const DataType& type,
                                             const GroupTableOptions& options);
// text_groups.cc: one text.
std::unique_ptr<GroupTable> make_text_groups(const DataType& type,
                                             const GroupTableOptions& options);
// coded_groups.cc: several keys, each coded by a table of its own.
std::unique_ptr<GroupTable> make_coded_groups(const std::vector<DataType>& types,
                                              const GroupTableOptions& options);
// bytes_groups.cc: anything.
std::unique_ptr<GroupTable> make_bytes_groups(const std::vector<DataType>& types,
                                              const GroupTableOptions& options);

constexpr uint64_t kNullHash = 0x5BD1E995CAFEF00Dull;

// The number of a new group; ResourceError at the limit.
uint32_t next_group(size_t groups);

// One value as a word such that equal keys, and only those, are equal words.
template <typename T>
uint64_t key_word(T value) {
  if constexpr (std::is_floating_point_v<T>) {
    if (value == 0) value = 0;
    if (std::isnan(value)) value = std::numeric_limits<T>::quiet_NaN();
    uint64_t word = 0;
    std::memcpy(&word, &value, sizeof(T));
    return word;
  } else {
    return static_cast<uint64_t>(value);
  }
}

// Equal intervals, and only those, are the same three numbers.
inline Interval canonical_interval(const Interval& value) {
  const Int128 micros = value.total_micros();
  const Int128 days = micros / Interval::kDayMicros;
  Interval out;
  out.months = static_cast<int32_t>(days / Interval::kMonthDays);
  out.days = static_cast<int32_t>(days % Interval::kMonthDays);
  out.micros = static_cast<int64_t>(micros % Interval::kDayMicros);
  return out;
}

inline uint64_t hash_text(const StringView& text) {
  return text.is_inline() ? hash_words(text.head(), text.tail())
                          : hash_bytes(text.data(), text.size());
}

// Slots of hash bits and group; keys beside them: `equal` is asked only when 32 hash bits agree.
class HashSlots {
 public:
  HashSlots() : slots_(1024) {}

  template <typename Equal, typename Add>
  uint32_t find_or_add(uint64_t hash, const std::vector<uint64_t>& hashes, Equal equal, Add add) {
    const auto tag = static_cast<uint32_t>(hash >> 32);
    const size_t mask = slots_.size() - 1;
    for (size_t at = hash & mask;; at = (at + 1) & mask) {
      Slot& slot = slots_[at];
      if (slot.group == kNoGroup) {
        const uint32_t group = add();
        slot = {tag, group};
        if (hashes.size() * 2 > slots_.size()) grow(hashes);
        return group;
      }
      if (slot.tag == tag && equal(slot.group)) return slot.group;
    }
  }

  void prefetch(uint64_t hash) const { __builtin_prefetch(&slots_[hash & (slots_.size() - 1)]); }
  uint64_t memory_bytes() const { return slots_.capacity() * sizeof(Slot); }

 private:
  struct Slot {
    uint32_t tag = 0;
    uint32_t group = kNoGroup;
  };

  void grow(const std::vector<uint64_t>& hashes) {
    std::vector<Slot> grown(slots_.size() * 2);
    const size_t mask = grown.size() - 1;
    for (const Slot& slot : slots_) {
      if (slot.group == kNoGroup) continue;
      size_t at = hashes[slot.group] & mask;
      while (grown[at].group != kNoGroup) at = (at + 1) & mask;
      grown[at] = slot;
    }
    slots_ = std::move(grown);
  }

  std::vector<Slot> slots_;
};

// Words to group numbers. As long as the words lie close together, the group stands in an array at
// the word's place (no hash, no comparison); otherwise in a hash table whose slots hold the words,
// so that a hit costs one cache miss.
class WordTable {
 public:
  // `signed_words`: which order says what lies close together.
  WordTable(bool signed_words, const GroupTableOptions& options)
      : flip_(signed_words ? uint64_t{1} << 63 : 0),
        equal_hashes_(options.equal_hashes),
        may_be_in_range_(!options.general_layouts && !options.equal_hashes),
        in_range_(may_be_in_range_) {}

  // The group of the word, or `next`, which the word then stands for.
  uint32_t find_or_add(uint64_t word, uint32_t next) {
    if (in_range_) {
      const uint64_t at = (word ^ flip_) - first_;
      if (at < range_size_) {
        uint32_t& entry = range_[at];
        if (entry == 0) {
          entry = next + 1;
          add_word(word);
        }
        return entry - 1;
      }
    }
    return find_or_add_slowly(word, next);
  }
  // The group of the word, or kNoGroup.
  uint32_t find(uint64_t word) const {
    if (in_range_) {
      const uint64_t at = (word ^ flip_) - first_;
      return at < range_size_ && range_[at] != 0 ? range_[at] - 1 : kNoGroup;
    }
    return find_in_slots(word);
  }
  // Before rows are looked up: the array may have room for so many more.
  void note_rows(int64_t rows) { rows_ += static_cast<uint64_t>(rows); }
  // Brings the place of a word to come near.
  void prefetch(uint64_t word) const {
    if (!in_range_) __builtin_prefetch(&slots_[hash(word) & (slots_.size() - 1)]);
  }
  bool worth_prefetching() const { return !in_range_ && slots_.size() > (size_t{1} << 16); }

  bool in_range() const { return in_range_; }
  uint64_t hash(uint64_t word) const;
  uint64_t memory_bytes() const;
  // Empty again, for words of another kind.
  void clear();
  // Empty again, for words like these, which are all that it holds.
  void forget(const std::vector<uint64_t>& words);
  // clear(), and then holds these words, all different, as groups 0, 1, ... The layout is chosen
  // with all of them in sight.
  void assign(const std::vector<uint64_t>& words);

 private:
  struct Slot {
    uint64_t word = 0;
    uint32_t group = kNoGroup;
  };

  void add_word(uint64_t word) {
    ++words_;
    const uint64_t key = word ^ flip_;
    lowest_ = key < lowest_ ? key : lowest_;
    highest_ = key > highest_ ? key : highest_;
  }
  uint32_t find_or_add_slowly(uint64_t word, uint32_t next);
  uint32_t find_in_slots(uint64_t word) const;
  uint64_t most_range() const;
  bool extend_range(uint64_t key);
  void allocate_range(uint64_t first, uint64_t size);
  void leave_range();
  void enter_range();
  void grow_slots();
  void insert(uint64_t word, uint32_t group);

  uint64_t flip_;
  bool equal_hashes_;
  bool may_be_in_range_;
  uint64_t rows_ = 0;
  uint64_t words_ = 0;
  // Of the words, in the order of their kind.
  uint64_t lowest_ = ~uint64_t{0};
  uint64_t highest_ = 0;
  // The array: 0, or the group and 1, of the words first_ ... first_ + range_size_ - 1.
  bool in_range_;
  uint64_t first_ = 0;
  uint64_t range_size_ = 0;
  ZeroedMemory range_memory_;
  uint32_t* range_ = nullptr;
  LargeVector<Slot> slots_;
};

}  // namespace velaria
