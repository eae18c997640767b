#include "src/column/builder.h"
#include "src/exec/aggregate/group_layouts.h"
#include "src/kernel/dispatch.h"
#include "src/kernel/hash.h"
#include "src/kernel/take.h"

namespace velaria {

namespace {

// Several keys as one byte string per row: for each key a presence byte, then the value's bytes, or
// for text four bytes of length and the text.
class BytesGroups : public GroupTable {
 public:
  BytesGroups(std::vector<DataType> types, const GroupTableOptions& options)
      : types_(std::move(types)), equal_hashes_(options.equal_hashes) {}

  void find_or_add(const std::vector<ColumnPtr>& keys, int64_t rows, uint32_t* ids) override {
    encode(keys, rows);
    for (int64_t i = 0; i < rows; ++i) {
      const char* bytes = encoded_.data() + starts_[static_cast<size_t>(i)];
      const size_t size = starts_[static_cast<size_t>(i) + 1] - starts_[static_cast<size_t>(i)];
      const uint64_t hash = equal_hashes_ ? 0 : hash_bytes(bytes, size);
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
            ++size_;
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

  std::vector<uint64_t> hashes() const override { return hashes_; }
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
          T value = present ? values[i] : T();
          if constexpr (std::is_same_v<T, Interval>) value = canonical_interval(value);
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
  bool equal_hashes_;
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

std::unique_ptr<GroupTable> make_bytes_groups(const std::vector<DataType>& types,
                                              const GroupTableOptions& options) {
  return std::make_unique<BytesGroups>(types, options);
}

}  // namespace velaria
