#include <algorithm>
#include <cstring>
#include <utility>

#include "src/column/builder.h"
#include "src/exec/aggregate/group_layouts.h"
#include "src/kernel/dispatch.h"
#include "src/kernel/hash.h"
#include "src/kernel/take.h"

namespace velaria {

uint64_t WordTable::hash(uint64_t word) const { return equal_hashes_ ? 0 : hash_word(word); }

uint64_t WordTable::memory_bytes() const {
  return range_size_ * 4 + slots_.capacity() * sizeof(Slot);
}

void WordTable::clear() {
  words_ = 0;
  lowest_ = ~uint64_t{0};
  highest_ = 0;
  first_ = range_size_ = 0;
  range_memory_ = ZeroedMemory();
  range_ = nullptr;
  slots_.clear();
}

void WordTable::forget(const std::vector<uint64_t>& words) {
  if (!in_range_) {
    assign({});
    return;
  }
  for (const uint64_t word : words) range_[(word ^ flip_) - first_] = 0;
  words_ = 0;
  lowest_ = ~uint64_t{0};
  highest_ = 0;
}

void WordTable::assign(const std::vector<uint64_t>& words) {
  clear();
  in_range_ = may_be_in_range_;
  if (words.empty()) return;
  for (uint64_t word : words) add_word(word);
  constexpr uint64_t kMostPlacesPerWord = 64;
  const uint64_t span = highest_ - lowest_;
  in_range_ = may_be_in_range_ && span < most_range() && span / kMostPlacesPerWord < words.size();
  if (in_range_) {
    allocate_range(lowest_, span + 1);
    for (uint32_t group = 0; group < words.size(); ++group) {
      range_[(words[group] ^ flip_) - first_] = group + 1;
    }
    return;
  }
  size_t slots = 1024;
  while (slots < words.size() * 4) slots *= 2;
  slots_.resize(slots);
  for (uint32_t group = 0; group < words.size(); ++group) insert(words[group], group);
}

// Untouched parts of the array cost no memory, so sparse keys pay a page per key at worst; and
// never more than a few words per row seen.
uint64_t WordTable::most_range() const {
  constexpr uint64_t kAlways = uint64_t{1} << 20;
  constexpr uint64_t kMost = uint64_t{1} << 25;
  return std::min(kMost, std::max(kAlways, rows_ * 8));
}

void WordTable::allocate_range(uint64_t first, uint64_t size) {
  ZeroedMemory memory(size * sizeof(uint32_t));
  auto* range = static_cast<uint32_t*>(memory.data());
  if (range_size_ > 0) {
    std::memcpy(range + (first_ - first), range_, range_size_ * sizeof(uint32_t));
  }
  range_memory_ = std::move(memory);
  range_ = range;
  first_ = first;
  range_size_ = size;
}

// Makes the array cover `key`, with room to grow on the side on which it grew.
bool WordTable::extend_range(uint64_t key) {
  const uint64_t low = range_size_ == 0 ? key : std::min(first_, key);
  const uint64_t high = range_size_ == 0 ? key : std::max(first_ + (range_size_ - 1), key);
  if (high - low >= most_range()) return false;
  uint64_t size = 1024;
  while (size <= high - low) size *= 2;
  size = std::min(std::max(size, range_size_ * 2), std::max(most_range(), high - low + 1));
  const uint64_t room = size - (high - low + 1);
  const bool downwards = range_size_ > 0 && key < first_;
  uint64_t first = downwards ? low - std::min(low, room) : low;
  // The last word of all is a key too: the array must not run over it.
  if (first > ~uint64_t{0} - (size - 1)) first = ~uint64_t{0} - (size - 1);
  allocate_range(first, size);
  return true;
}

void WordTable::leave_range() {
  in_range_ = false;
  size_t slots = 1024;
  while (slots < words_ * 4) slots *= 2;
  slots_.assign(slots, Slot());
  for (uint64_t at = 0; at < range_size_; ++at) {
    if (range_[at] != 0) insert((first_ + at) ^ flip_, range_[at] - 1);
  }
  range_memory_ = ZeroedMemory();
  range_ = nullptr;
  first_ = range_size_ = 0;
}

void WordTable::enter_range() {
  LargeVector<Slot> old;
  old.swap(slots_);
  allocate_range(lowest_, highest_ - lowest_ + 1);
  in_range_ = true;
  for (const Slot& slot : old) {
    if (slot.group != kNoGroup) range_[(slot.word ^ flip_) - first_] = slot.group + 1;
  }
}

void WordTable::insert(uint64_t word, uint32_t group) {
  const size_t mask = slots_.size() - 1;
  size_t at = hash(word) & mask;
  while (slots_[at].group != kNoGroup) at = (at + 1) & mask;
  slots_[at] = {word, group};
}

void WordTable::grow_slots() {
  LargeVector<Slot> old(slots_.size() * 2);
  old.swap(slots_);
  for (const Slot& slot : old) {
    if (slot.group != kNoGroup) insert(slot.word, slot.group);
  }
}

uint32_t WordTable::find_in_slots(uint64_t word) const {
  if (slots_.empty()) return kNoGroup;
  const size_t mask = slots_.size() - 1;
  for (size_t at = hash(word) & mask;; at = (at + 1) & mask) {
    if (slots_[at].group == kNoGroup || slots_[at].word == word) return slots_[at].group;
  }
}

uint32_t WordTable::find_or_add_slowly(uint64_t word, uint32_t next) {
  if (in_range_) {
    if (extend_range(word ^ flip_)) return find_or_add(word, next);
    leave_range();
  }
  if (slots_.empty()) slots_.resize(1024);
  const size_t mask = slots_.size() - 1;
  for (size_t at = hash(word) & mask;; at = (at + 1) & mask) {
    Slot& slot = slots_[at];
    if (slot.group == kNoGroup) {
      slot = {word, next};
      add_word(word);
      if (words_ * 2 > slots_.size()) {
        // Seen more of, the words may turn out to be close together.
        if (may_be_in_range_ && highest_ - lowest_ < most_range()) {
          enter_range();
        } else {
          grow_slots();
        }
      }
      return next;
    }
    if (slot.word == word) return slot.group;
  }
}

namespace {

class WordGroups : public GroupTable {
 public:
  WordGroups(DataType type, const GroupTableOptions& options)
      : type_(std::move(type)),
        table_(!type_.is_unsigned_integer() && type_.id() != TypeId::kBool, options) {}

  void find_or_add(const std::vector<ColumnPtr>& keys, int64_t rows, uint32_t* ids) override {
    if (rows == 0) return;
    const Column& column = *keys[0];
    if (column.is_constant()) {
      const ColumnPtr one = flatten(keys[0]->repeat(1));
      uint32_t id = 0;
      find_or_add({one}, 1, &id);
      std::fill(ids, ids + rows, id);
      return;
    }
    table_.note_rows(rows);
    next_group(size_ + static_cast<size_t>(rows));
    visit_stored_type(type_, [&](auto tag) {
      using T = typename decltype(tag)::type;
      if constexpr (sizeof(T) <= 8) {
        const T* values = column.values<T>();
        if (!column.validity().all_valid()) {
          for (int64_t i = 0; i < rows; ++i) {
            ids[i] = column.validity().valid(i) ? find_word(key_word(values[i])) : find_null();
          }
          return;
        }
        int64_t i = 0;
        constexpr int64_t kAhead = 16;
        if (table_.worth_prefetching()) {
          for (; i + kAhead < rows; ++i) {
            table_.prefetch(key_word(values[i + kAhead]));
            ids[i] = find_word(key_word(values[i]));
          }
        }
        for (; i < rows; ++i) ids[i] = find_word(key_word(values[i]));
      }
    });
  }

  void find_or_add_groups(const GroupTable& other, const uint32_t* from, int64_t count,
                          uint32_t* to) override {
    const auto& source = static_cast<const WordGroups&>(other);
    table_.note_rows(count);
    next_group(size_ + static_cast<size_t>(count));
    for (int64_t i = 0; i < count; ++i) {
      to[i] = from[i] == source.null_group_ ? find_null() : find_word(source.words_[from[i]]);
    }
  }

  bool finds_groups() const override { return true; }
  void find_groups(const GroupTable& other, const uint32_t* from, int64_t count,
                   uint32_t* groups) const override {
    const auto& source = static_cast<const WordGroups&>(other);
    for (int64_t i = 0; i < count; ++i) {
      groups[i] = from[i] == source.null_group_ ? null_group_ : table_.find(source.words_[from[i]]);
    }
  }

  std::vector<ColumnPtr> keys(const uint32_t* groups, int64_t count) const override {
    ColumnPtr column;
    visit_stored_type(type_, [&](auto tag) {
      using T = typename decltype(tag)::type;
      if constexpr (sizeof(T) <= 8) {
        ArrayBuilder<T> values;
        T* out = count > 0 ? values.extend(count) : nullptr;
        bool any_null = false;
        for (int64_t i = 0; i < count; ++i) {
          std::memcpy(&out[i], &words_[groups[i]], sizeof(T));
          any_null |= groups[i] == null_group_;
        }
        ValidityBuilder validity;
        for (int64_t i = 0; any_null && i < count; ++i) validity.append(groups[i] != null_group_);
        column = Column::flat(type_, count, values.finish(), 0, validity.finish());
      }
    });
    return {column};
  }

  std::vector<uint64_t> hashes() const override {
    std::vector<uint64_t> out(words_.size());
    for (size_t i = 0; i < out.size(); ++i) {
      out[i] = i == null_group_ ? kNullHash : table_.hash(words_[i]);
    }
    return out;
  }
  uint64_t memory_bytes() const override { return table_.memory_bytes() + words_.capacity() * 8; }
  std::string_view layout() const override { return "word"; }

 private:
  uint32_t find_word(uint64_t word) {
    const uint32_t group = table_.find_or_add(word, size_);
    if (group == size_) add_group(word);
    return group;
  }
  uint32_t find_null() {
    if (null_group_ == kNoGroup) {
      null_group_ = size_;
      add_group(0);
    }
    return null_group_;
  }
  void add_group(uint64_t word) {
    words_.push_back(word);
    ++size_;
  }

  DataType type_;
  WordTable table_;
  LargeVector<uint64_t> words_;
  uint32_t null_group_ = kNoGroup;
};

}  // namespace

std::unique_ptr<GroupTable> make_word_groups(const DataType& type,
                                             const GroupTableOptions& options) {
  return std::make_unique<WordGroups>(type, options);
}

}  // namespace velaria
