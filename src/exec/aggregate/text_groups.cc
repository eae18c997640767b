#include "src/base/error.h"
#include "src/column/builder.h"
#include "src/exec/aggregate/group_layouts.h"
#include "src/kernel/dispatch.h"
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
  std::vector<uint64_t> row_hashes_;  // scratch of one call
};

}  // namespace

std::unique_ptr<GroupTable> make_text_groups(const DataType& type,
                                             const GroupTableOptions& options) {
  return std::make_unique<TextGroups>(type, options);
}

}  // namespace velaria
