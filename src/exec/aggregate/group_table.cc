#include "src/exec/aggregate/group_table.h"

#include <cmath>
#include <cstring>
#include <limits>

#include "src/base/error.h"
#include "src/column/builder.h"
#include "src/kernel/dispatch.h"
#include "src/kernel/hash.h"
#include "src/kernel/take.h"

namespace velaria {

namespace {

constexpr uint32_t kNoGroup = std::numeric_limits<uint32_t>::max();
constexpr uint64_t kNullHash = 0x5BD1E995CAFEF00Dull;

uint32_t next_group(size_t groups) {
  if (groups >= kNoGroup) {
    throw Error(ErrorKind::kResource,
                "GROUP BY has more than 4294967295 groups, which is the limit");
  }
  return static_cast<uint32_t>(groups);
}

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

// A slot is a key word and its group; the key lies in the slot, so a hit costs one cache miss.
class WordGroups : public GroupTable {
 public:
  explicit WordGroups(DataType type) : type_(std::move(type)), slots_(1024) {}

  void find_or_add(const std::vector<ColumnPtr>& keys, int64_t rows, uint32_t* ids) override {
    const Column& column = *keys[0];
    if (column.is_constant()) {
      if (rows == 0) return;
      const ColumnPtr one = flatten(keys[0]->repeat(1));
      uint32_t id = 0;
      find_or_add({one}, 1, &id);
      std::fill(ids, ids + rows, id);
      return;
    }
    visit_stored_type(type_, [&](auto tag) {
      using T = typename decltype(tag)::type;
      if constexpr (sizeof(T) <= 8) {
        const T* values = column.values<T>();
        if (column.validity().all_valid()) {
          for (int64_t i = 0; i < rows; ++i) ids[i] = find_word(key_word(values[i]));
        } else {
          for (int64_t i = 0; i < rows; ++i) {
            ids[i] = column.validity().valid(i) ? find_word(key_word(values[i])) : find_null();
          }
        }
      }
    });
  }

  std::vector<ColumnPtr> keys(const uint32_t* groups, int64_t count) const override {
    ColumnPtr column;
    visit_stored_type(type_, [&](auto tag) {
      using T = typename decltype(tag)::type;
      if constexpr (sizeof(T) <= 8) {
        FixedBuilder<T> builder(type_);
        for (int64_t i = 0; i < count; ++i) {
          if (groups[i] == null_group_) {
            builder.append_null();
          } else {
            T value;
            std::memcpy(&value, &words_[groups[i]], sizeof(T));
            builder.append(value);
          }
        }
        column = builder.finish();
      }
    });
    return {column};
  }

  const std::vector<uint64_t>& hashes() const override { return hashes_; }
  uint64_t memory_bytes() const override {
    return slots_.capacity() * sizeof(Slot) + (words_.capacity() + hashes_.capacity()) * 8;
  }
  std::string_view layout() const override { return "word"; }

 private:
  struct Slot {
    uint64_t word = 0;
    uint32_t group = kNoGroup;
  };

  uint32_t find_word(uint64_t word) {
    const uint64_t hash = hash_word(word);
    const size_t mask = slots_.size() - 1;
    for (size_t at = hash & mask;; at = (at + 1) & mask) {
      Slot& slot = slots_[at];
      if (slot.group == kNoGroup) {
        const uint32_t group = add_group(word, hash);
        slot = {word, group};
        if (hashes_.size() * 2 > slots_.size()) grow();
        return group;
      }
      if (slot.word == word) return slot.group;
    }
  }

  uint32_t find_null() {
    if (null_group_ == kNoGroup) null_group_ = add_group(0, kNullHash);
    return null_group_;
  }

  uint32_t add_group(uint64_t word, uint64_t hash) {
    const uint32_t group = next_group(hashes_.size());
    words_.push_back(word);
    hashes_.push_back(hash);
    return group;
  }

  void grow() {
    std::vector<Slot> grown(slots_.size() * 2);
    const size_t mask = grown.size() - 1;
    for (const Slot& slot : slots_) {
      if (slot.group == kNoGroup) continue;
      size_t at = hashes_[slot.group] & mask;
      while (grown[at].group != kNoGroup) at = (at + 1) & mask;
      grown[at] = slot;
    }
    slots_ = std::move(grown);
  }

  DataType type_;
  std::vector<Slot> slots_;
  std::vector<uint64_t> words_;
  std::vector<uint64_t> hashes_;
  uint32_t null_group_ = kNoGroup;
};

// Slots of hash bits and group; keys beside them. Shared by the text and the bytes layout: `Key` is
// compared by `Equal` only when 32 hash bits agree.
struct HashSlot {
  uint32_t tag = 0;
  uint32_t group = kNoGroup;
};

class HashSlots {
 public:
  HashSlots() : slots_(1024) {}

  template <typename Equal, typename Add>
  uint32_t find_or_add(uint64_t hash, const std::vector<uint64_t>& hashes, Equal equal, Add add) {
    const auto tag = static_cast<uint32_t>(hash >> 32);
    const size_t mask = slots_.size() - 1;
    for (size_t at = hash & mask;; at = (at + 1) & mask) {
      HashSlot& slot = slots_[at];
      if (slot.group == kNoGroup) {
        const uint32_t group = add();
        slot = {tag, group};
        if (hashes.size() * 2 > slots_.size()) grow(hashes);
        return group;
      }
      if (slot.tag == tag && equal(slot.group)) return slot.group;
    }
  }

  uint64_t memory_bytes() const { return slots_.capacity() * sizeof(HashSlot); }

 private:
  void grow(const std::vector<uint64_t>& hashes) {
    std::vector<HashSlot> grown(slots_.size() * 2);
    const size_t mask = grown.size() - 1;
    for (const HashSlot& slot : slots_) {
      if (slot.group == kNoGroup) continue;
      size_t at = hashes[slot.group] & mask;
      while (grown[at].group != kNoGroup) at = (at + 1) & mask;
      grown[at] = slot;
    }
    slots_ = std::move(grown);
  }

  std::vector<HashSlot> slots_;
};

uint64_t hash_text(const StringView& text) {
  return text.is_inline() ? hash_words(text.head(), text.tail())
                          : hash_bytes(text.data(), text.size());
}

class TextGroups : public GroupTable {
 public:
  explicit TextGroups(DataType type) : type_(std::move(type)) {}

  void find_or_add(const std::vector<ColumnPtr>& keys, int64_t rows, uint32_t* ids) override {
    const ColumnPtr flat = flatten(keys[0]);
    const StringView* values = flat->values<StringView>();
    const bool all_valid = flat->validity().all_valid();
    for (int64_t i = 0; i < rows; ++i) {
      ids[i] = all_valid || flat->validity().valid(i) ? find_text(values[i]) : find_null();
    }
  }

  std::vector<ColumnPtr> keys(const uint32_t* groups, int64_t count) const override {
    StringBuilder builder(type_);
    builder.add_owner(heap_);
    for (int64_t i = 0; i < count; ++i) {
      if (groups[i] == null_group_) {
        builder.append_null();
      } else {
        builder.append_borrowed(texts_[groups[i]]);
      }
    }
    return {builder.finish()};
  }

  const std::vector<uint64_t>& hashes() const override { return hashes_; }
  uint64_t memory_bytes() const override {
    return slots_.memory_bytes() + texts_.capacity() * sizeof(StringView) + hashes_.capacity() * 8 +
           heap_->size_bytes();
  }
  std::string_view layout() const override { return "text"; }

 private:
  uint32_t find_text(const StringView& text) {
    const uint64_t hash = hash_text(text);
    return slots_.find_or_add(
        hash, hashes_, [&](uint32_t group) { return texts_[group] == text; },
        [&] { return add_group(heap_->add(text), hash); });
  }

  uint32_t find_null() {
    if (null_group_ == kNoGroup) null_group_ = add_group(StringView(), kNullHash);
    return null_group_;
  }

  uint32_t add_group(StringView text, uint64_t hash) {
    const uint32_t group = next_group(hashes_.size());
    texts_.push_back(text);
    hashes_.push_back(hash);
    return group;
  }

  DataType type_;
  HashSlots slots_;
  std::vector<StringView> texts_;
  std::vector<uint64_t> hashes_;
  std::shared_ptr<StringHeap> heap_ = std::make_shared<StringHeap>();
  uint32_t null_group_ = kNoGroup;
};

// Several keys as one byte string per row: for each key a presence byte, then the value's bytes, or
// for text four bytes of length and the text.
class BytesGroups : public GroupTable {
 public:
  explicit BytesGroups(std::vector<DataType> types) : types_(std::move(types)) {}

  void find_or_add(const std::vector<ColumnPtr>& keys, int64_t rows, uint32_t* ids) override {
    encode(keys, rows);
    for (int64_t i = 0; i < rows; ++i) {
      const char* bytes = encoded_.data() + starts_[static_cast<size_t>(i)];
      const size_t size = starts_[static_cast<size_t>(i) + 1] - starts_[static_cast<size_t>(i)];
      const uint64_t hash = hash_bytes(bytes, size);
      ids[i] = slots_.find_or_add(
          hash, hashes_,
          [&](uint32_t group) {
            const std::string_view key = keys_[group];
            return key.size() == size && std::memcmp(key.data(), bytes, size) == 0;
          },
          [&] {
            const uint32_t group = next_group(hashes_.size());
            char* copy = heap_.allocate(size);
            std::memcpy(copy, bytes, size);
            keys_.emplace_back(copy, size);
            hashes_.push_back(hash);
            return group;
          });
    }
  }

  std::vector<ColumnPtr> keys(const uint32_t* groups, int64_t count) const override {
    std::vector<const char*> cursors(static_cast<size_t>(count));
    for (int64_t i = 0; i < count; ++i) cursors[static_cast<size_t>(i)] = keys_[groups[i]].data();
    std::vector<ColumnPtr> out;
    for (const DataType& type : types_) out.push_back(decode(type, &cursors));
    return out;
  }

  const std::vector<uint64_t>& hashes() const override { return hashes_; }
  uint64_t memory_bytes() const override {
    return slots_.memory_bytes() + keys_.capacity() * sizeof(std::string_view) +
           hashes_.capacity() * 8 + heap_.size_bytes();
  }
  std::string_view layout() const override { return "bytes"; }

 private:
  void encode(const std::vector<ColumnPtr>& keys, int64_t rows) {
    const auto count = static_cast<size_t>(rows);
    std::vector<ColumnPtr> flat;
    for (const ColumnPtr& key : keys) flat.push_back(flatten(key));
    size_t fixed_bytes = 0;
    for (const DataType& type : types_) {
      fixed_bytes += 1 + (type.is_string() ? 4
                                           : (type.is_vector() ? type.list_size() * 4
                                                               : type.value_width_bytes()));
    }
    starts_.assign(count + 1, 0);
    for (size_t i = 0; i < count; ++i) starts_[i + 1] = fixed_bytes;
    for (size_t k = 0; k < types_.size(); ++k) {
      if (!types_[k].is_string()) continue;
      const StringView* values = flat[k]->values<StringView>();
      for (size_t i = 0; i < count; ++i) {
        if (!flat[k]->is_null(static_cast<int64_t>(i))) starts_[i + 1] += values[i].size();
      }
    }
    for (size_t i = 0; i < count; ++i) starts_[i + 1] += starts_[i];
    encoded_.resize(starts_[count]);
    cursors_.assign(starts_.begin(), starts_.end() - 1);
    for (size_t k = 0; k < types_.size(); ++k) encode_column(*flat[k], count);
  }

  void encode_column(const Column& column, size_t count) {
    const DataType& type = column.type();
    const auto put = [&](size_t row, const void* bytes, size_t size) {
      std::memcpy(encoded_.data() + cursors_[row], bytes, size);
      cursors_[row] += size;
    };
    const auto put_presence = [&](size_t row, bool present) {
      encoded_[cursors_[row]++] = static_cast<char>(present ? 1 : 0);
    };
    if (type.is_null()) {
      for (size_t i = 0; i < count; ++i) put_presence(i, false);
      return;
    }
    if (type.is_vector()) {
      const std::vector<float> zeros(static_cast<size_t>(type.list_size()), 0.0f);
      std::vector<float> canonical(zeros.size());
      for (size_t i = 0; i < count; ++i) {
        const auto row = static_cast<int64_t>(i);
        const bool present = !column.is_null(row);
        put_presence(i, present);
        const float* elements = present ? column.vector_at(row) : zeros.data();
        for (size_t e = 0; e < canonical.size(); ++e) {
          const uint64_t word = key_word(elements[e]);
          std::memcpy(&canonical[e], &word, 4);
        }
        put(i, canonical.data(), canonical.size() * 4);
      }
      return;
    }
    visit_stored_type(type, [&](auto tag) {
      using T = typename decltype(tag)::type;
      const T* values = column.values<T>();
      for (size_t i = 0; i < count; ++i) {
        const bool present = column.validity().valid(static_cast<int64_t>(i));
        put_presence(i, present);
        if constexpr (std::is_same_v<T, StringView>) {
          const uint32_t size = present ? values[i].size() : 0;
          put(i, &size, 4);
          if (size > 0) put(i, values[i].data(), size);
        } else if constexpr (sizeof(T) <= 8) {
          const uint64_t word = present ? key_word(values[i]) : 0;
          put(i, &word, sizeof(T));
        } else {
          const T value = present ? values[i] : T();
          put(i, &value, sizeof(T));
        }
      }
    });
  }

  ColumnPtr decode(const DataType& type, std::vector<const char*>* cursors) const {
    if (type.is_null()) {
      for (const char*& cursor : *cursors) ++cursor;
      return Column::nulls(type, static_cast<int64_t>(cursors->size()));
    }
    if (type.is_vector()) {
      VectorBuilder builder(type);
      std::vector<float> elements(static_cast<size_t>(type.list_size()));
      for (const char*& cursor : *cursors) {
        const bool present = *cursor++ != 0;
        std::memcpy(elements.data(), cursor, elements.size() * 4);
        cursor += elements.size() * 4;
        present ? builder.append(elements.data()) : builder.append_null();
      }
      return builder.finish();
    }
    return visit_stored_type(type, [&](auto tag) -> ColumnPtr {
      using T = typename decltype(tag)::type;
      if constexpr (std::is_same_v<T, StringView>) {
        StringBuilder builder(type);
        for (const char*& cursor : *cursors) {
          const bool present = *cursor++ != 0;
          uint32_t size = 0;
          std::memcpy(&size, cursor, 4);
          cursor += 4;
          present ? builder.append(std::string_view(cursor, size)) : builder.append_null();
          cursor += size;
        }
        return builder.finish();
      } else {
        FixedBuilder<T> builder(type);
        for (const char*& cursor : *cursors) {
          const bool present = *cursor++ != 0;
          T value;
          std::memcpy(&value, cursor, sizeof(T));
          cursor += sizeof(T);
          present ? builder.append(value) : builder.append_null();
        }
        return builder.finish();
      }
    });
  }

  std::vector<DataType> types_;
  HashSlots slots_;
  std::vector<std::string_view> keys_;
  std::vector<uint64_t> hashes_;
  StringHeap heap_;
  // Scratch of one call.
  std::vector<char> encoded_;
  std::vector<size_t> starts_;
  std::vector<size_t> cursors_;
};

}  // namespace

std::unique_ptr<GroupTable> GroupTable::make(const std::vector<DataType>& key_types) {
  VELARIA_CHECK(!key_types.empty());
  if (key_types.size() == 1) {
    const DataType& type = key_types[0];
    if (type.is_string()) return std::make_unique<TextGroups>(type);
    if (type.value_width_bytes() >= 1 && type.value_width_bytes() <= 8) {
      return std::make_unique<WordGroups>(type);
    }
  }
  return std::make_unique<BytesGroups>(key_types);
}

}  // namespace velaria
