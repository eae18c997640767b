#include <array>

#include "src/column/builder.h"
#include "src/exec/aggregate/group_layouts.h"
#include "src/kernel/hash.h"
#include "src/kernel/take.h"

namespace velaria {

namespace {

class TextGroups : public GroupTable {
 public:
  TextGroups(DataType type, const GroupTableOptions& options)
      : type_(std::move(type)), equal_hashes_(options.equal_hashes) {}

  void find_or_add(const std::vector<ColumnPtr>& keys, int64_t rows, uint32_t* ids) override {
    const ColumnPtr flat = flatten(keys[0]);
    const StringView* values = flat->values<StringView>();
    const bool all_valid = flat->validity().all_valid();
    if (all_valid && !equal_hashes_ && recent_.is_useful()) {
      find_recent(values, rows, ids);
      return;
    }
    // Hashes first: the slots that they name are on their way while others are looked at.
    row_hashes_.resize(static_cast<size_t>(rows));
    for (int64_t i = 0; i < rows; ++i) {
      const bool present = all_valid || flat->validity().valid(i);
      row_hashes_[static_cast<size_t>(i)] =
          present && !equal_hashes_ ? hash_text(values[i]) : kNullHash;
    }
    constexpr int64_t kAhead = 16;
    for (int64_t i = 0; i < rows; ++i) {
      if (i + kAhead < rows) slots_.prefetch(row_hashes_[static_cast<size_t>(i + kAhead)]);
      ids[i] = all_valid || flat->validity().valid(i)
                   ? find_text(values[i], row_hashes_[static_cast<size_t>(i)])
                   : find_null();
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

  std::vector<uint64_t> hashes() const override { return hashes_; }
  uint64_t memory_bytes() const override {
    return slots_.memory_bytes() + texts_.capacity() * sizeof(StringView) + hashes_.capacity() * 8 +
           heap_->size_bytes();
  }
  std::string_view layout() const override { return "text"; }

 private:
  // Groups of short texts that were found lately, by the texts' own words: columns of few different
  // texts are grouped without hashing any.
  class RecentTexts {
   public:
    bool is_useful() const { return useful_; }

    // The group of an inline text, or kNoGroup.
    uint32_t find(const StringView& text) const {
      const Entry& entry = entries_[place(text)];
      return entry.head == text.head() && entry.tail == text.tail() ? entry.group : kNoGroup;
    }
    void put(const StringView& text, uint32_t group) {
      entries_[place(text)] = {text.head(), text.tail(), group};
    }
    // After `rows` texts of which `missed` were not here.
    void note(int64_t rows, int64_t missed) {
      rows_ += rows;
      missed_ += missed;
      if (rows_ < kRowsToLookAt) return;
      useful_ = missed_ * 8 < rows_;
      rows_ = 0;
      missed_ = 0;
    }

   private:
    static constexpr int kPlaceBits = 8;
    static constexpr int64_t kRowsToLookAt = 16384;
    struct Entry {
      uint64_t head = ~uint64_t{0};  // of no inline text
      uint64_t tail = 0;
      uint32_t group = kNoGroup;
    };
    static size_t place(const StringView& text) {
      constexpr uint64_t kOdd = 0x9E3779B97F4A7C15ull;
      return ((text.head() ^ (text.tail() * kOdd)) * kOdd) >> (64 - kPlaceBits);
    }

    std::array<Entry, size_t{1} << kPlaceBits> entries_{};
    bool useful_ = true;
    int64_t rows_ = 0;
    int64_t missed_ = 0;
  };

  void find_recent(const StringView* values, int64_t rows, uint32_t* ids) {
    int64_t missed = 0;
    for (int64_t i = 0; i < rows; ++i) {
      const StringView& text = values[i];
      uint32_t group = recent_.find(text);
      if (group == kNoGroup) {
        ++missed;
        group = find_text(text, hash_text(text));
        if (text.is_inline()) recent_.put(text, group);
      }
      ids[i] = group;
    }
    recent_.note(rows, missed);
  }

  uint32_t find_text(const StringView& text, uint64_t hash) {
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
    ++size_;
    return group;
  }

  DataType type_;
  bool equal_hashes_;
  HashSlots slots_;
  std::vector<StringView> texts_;
  std::vector<uint64_t> hashes_;
  std::shared_ptr<StringHeap> heap_ = std::make_shared<StringHeap>();
  uint32_t null_group_ = kNoGroup;
  RecentTexts recent_;
  std::vector<uint64_t> row_hashes_;  // scratch of one call
};

}  // namespace

std::unique_ptr<GroupTable> make_text_groups(const DataType& type,
                                             const GroupTableOptions& options) {
  return std::make_unique<TextGroups>(type, options);
}

}  // namespace velaria
