#include <algorithm>

#include "src/base/error.h"
#include "src/exec/aggregate/group_layouts.h"
#include "src/kernel/hash.h"
#include "src/kernel/take.h"

namespace velaria {

namespace {

// Several keys, each with a table of its own that makes a small number of it: a code. The codes of
// a row are put together in one word, and the word is what is grouped by. So texts are looked at
// once, in tables of their distinct values, and few distinct values of each key mean an array
// instead of a hash table (see WordTable). When the codes outgrow a word, or the tables of the keys
// the table of the groups, everything goes to the bytes layout, once.
class CodedGroups : public GroupTable {
 public:
  CodedGroups(const std::vector<DataType>& types, const GroupTableOptions& options)
      : types_(types), options_(options), words_(false, options) {
    for (const DataType& type : types) {
      coders_.push_back(GroupTable::make({type}, options));
      bits_.push_back(kFirstBits);
    }
    // Very many keys need more bits than a word has from the start.
    if (types.size() * kFirstBits > 64) make_general();
  }

  void find_or_add(const std::vector<ColumnPtr>& keys, int64_t rows, uint32_t* ids) override {
    if (rows == 0) return;
    if (!general_) {
      const auto count = static_cast<size_t>(rows);
      codes_.resize(count * coders_.size());
      for (size_t k = 0; k < coders_.size(); ++k) {
        coders_[k]->find_or_add({keys[k]}, rows, codes_.data() + k * count);
      }
      if (fit_bits()) {
        find_codes(rows, ids);
        if (!codes_pay()) make_general();
        return;
      }
      make_general();
    }
    general_->find_or_add(keys, rows, ids);
    size_ = general_->size();
  }

  void find_or_add_each(const std::vector<ColumnPtr>& keys, int64_t rows, size_t each,
                        const ColumnPtr& values, uint32_t* ids) override {
    const auto count = static_cast<size_t>(rows);
    if (general_ || count == 0) {
      GroupTable::find_or_add_each(keys, rows, each, values, ids);
      return;
    }
    // The other keys and the values are looked up once, and only words for each pair.
    codes_.resize(count * coders_.size());
    for (size_t k = 0; k < coders_.size(); ++k) {
      if (k != each) coders_[k]->find_or_add({keys[k]}, rows, codes_.data() + k * count);
    }
    std::vector<uint32_t> value_codes(static_cast<size_t>(values->length()));
    coders_[each]->find_or_add({values}, values->length(), value_codes.data());
    if (!fit_bits()) {
      make_general();
      GroupTable::find_or_add_each(keys, rows, each, values, ids);
      return;
    }
    std::fill_n(codes_.begin() + static_cast<std::ptrdiff_t>(each * count), count, 0u);
    make_words(count);
    const std::vector<uint64_t> without = row_words_;
    for (const uint32_t code : value_codes) {
      const uint64_t value = uint64_t{code} << shift_of(each);
      for (size_t i = 0; i < count; ++i) row_words_[i] = without[i] | value;
      find_words(count, ids);
      ids += count;
    }
    if (!codes_pay()) make_general();
  }

  void find_or_add_groups(const GroupTable& other_base, const uint32_t* from, int64_t count,
                          uint32_t* to) override {
    const auto* other = dynamic_cast<const CodedGroups*>(&other_base);
    if (general_ || other == nullptr || other->general_ || count == 0) {
      GroupTable::find_or_add_groups(other_base, from, count, to);
      return;
    }
    // Only the distinct values of each key are looked up here, not those of every group.
    const auto groups = static_cast<size_t>(count);
    codes_.resize(groups * coders_.size());
    std::vector<uint32_t> used;
    std::vector<uint32_t> mine;
    for (size_t k = 0; k < coders_.size(); ++k) {
      const GroupTable& coder = *other->coders_[k];
      const int shift = other->shift_of(k);
      const uint64_t mask = (uint64_t{1} << other->bits_[k]) - 1;
      uint32_t* codes = codes_.data() + k * groups;
      mine.assign(coder.size(), kNoGroup);
      used.clear();
      for (size_t i = 0; i < groups; ++i) {
        codes[i] = static_cast<uint32_t>((other->group_words_[from[i]] >> shift) & mask);
        if (mine[codes[i]] != kNoGroup) continue;
        mine[codes[i]] = 0;
        used.push_back(codes[i]);
      }
      std::vector<uint32_t> found(used.size());
      coders_[k]->find_or_add_groups(coder, used.data(), static_cast<int64_t>(used.size()),
                                     found.data());
      for (size_t i = 0; i < used.size(); ++i) mine[used[i]] = found[i];
      for (size_t i = 0; i < groups; ++i) codes[i] = mine[codes[i]];
    }
    if (fit_bits()) {
      find_codes(count, to);
    } else {
      make_general();
      GroupTable::find_or_add_groups(other_base, from, count, to);
    }
  }

  std::vector<ColumnPtr> keys(const uint32_t* groups, int64_t count) const override {
    if (general_) return general_->keys(groups, count);
    std::vector<ColumnPtr> out;
    std::vector<uint32_t> codes(static_cast<size_t>(count));
    for (size_t k = 0; k < coders_.size(); ++k) {
      const int shift = shift_of(k);
      const uint64_t mask = (uint64_t{1} << bits_[k]) - 1;
      for (size_t i = 0; i < codes.size(); ++i) {
        codes[i] = static_cast<uint32_t>((group_words_[groups[i]] >> shift) & mask);
      }
      out.push_back(coders_[k]->keys(codes.data(), count)[0]);
    }
    return out;
  }

  std::vector<uint64_t> hashes() const override {
    if (general_) return general_->hashes();
    std::vector<uint64_t> out(group_words_.size(), 0);
    for (size_t k = 0; k < coders_.size(); ++k) {
      const std::vector<uint64_t> of_codes = coders_[k]->hashes();
      for (uint32_t group = 0; group < out.size(); ++group) {
        out[group] = hash_words(out[group], of_codes[code(group, k)]);
      }
    }
    return out;
  }

  uint64_t memory_bytes() const override {
    if (general_) return general_->memory_bytes();
    uint64_t bytes = words_.memory_bytes() + group_words_.capacity() * 8;
    for (const auto& coder : coders_) bytes += coder->memory_bytes();
    return bytes;
  }
  std::string_view layout() const override { return general_ ? "bytes" : "codes"; }

  // The codes of the keys' values stay, as long as their words lie close enough together: windows
  // that will not come again have codes too.
  bool clear() override {
    if (general_) return false;
    constexpr uint64_t kMostPlacesOfGroup = 64;
    constexpr uint64_t kFewPlaces = uint64_t{1} << 18;
    int bits = 0;
    for (const int bits_of_key : bits_) bits += bits_of_key;
    const uint64_t most_places = std::max(kFewPlaces, size_ * kMostPlacesOfGroup);
    if (bits >= 63 || (uint64_t{1} << bits) > most_places) return false;
    words_.forget(group_words_);
    group_words_.clear();
    size_ = 0;
    return true;
  }

  void make_general() override {
    if (general_) return;
    auto general = make_bytes_groups(types_, options_);
    std::vector<uint32_t> part;
    std::vector<uint32_t> ids;
    constexpr uint32_t kPart = 4096;
    for (uint32_t first = 0; first < size_; first += kPart) {
      const uint32_t groups = std::min(kPart, size_ - first);
      part.resize(groups);
      ids.resize(groups);
      for (uint32_t i = 0; i < groups; ++i) part[i] = first + i;
      general->find_or_add(keys(part.data(), groups), groups, ids.data());
    }
    VELARIA_CHECK(general->size() == size_);
    general_ = std::move(general);
    coders_.clear();
    words_.clear();
    group_words_ = {};
    codes_ = {};
  }

 private:
  static constexpr int kFirstBits = 4;

  uint32_t code(uint32_t group, size_t k) const {
    return static_cast<uint32_t>((group_words_[group] >> shift_of(k)) &
                                 ((uint64_t{1} << bits_[k]) - 1));
  }
  int shift_of(size_t k) const {
    int shift = 0;
    for (size_t i = 0; i < k; ++i) shift += bits_[i];
    return shift;
  }

  // Widens the places of codes that have outgrown them; false when a word has no room for all.
  bool fit_bits() {
    std::vector<int> wanted = bits_;
    int total = 0;
    for (size_t k = 0; k < wanted.size(); ++k) {
      while ((uint64_t{1} << wanted[k]) < coders_[k]->size()) ++wanted[k];
      total += wanted[k];
    }
    if (wanted == bits_) return true;
    if (total > 64) return false;
    std::vector<uint64_t> repacked(group_words_.size(), 0);
    int shift = 0;
    for (size_t k = 0; k < wanted.size(); ++k) {
      for (uint32_t group = 0; group < repacked.size(); ++group) {
        repacked[group] |= uint64_t{code(group, k)} << shift;
      }
      shift += wanted[k];
    }
    bits_ = std::move(wanted);
    group_words_ = std::move(repacked);
    words_.assign(group_words_);
    return true;
  }

  void find_codes(int64_t rows, uint32_t* ids) {
    const auto count = static_cast<size_t>(rows);
    make_words(count);
    find_words(count, ids);
  }

  // The codes of each row in a word.
  void make_words(size_t count) {
    row_words_.assign(codes_.begin(), codes_.begin() + static_cast<std::ptrdiff_t>(count));
    int shift = bits_[0];
    for (size_t k = 1; k < coders_.size(); ++k) {
      const uint32_t* codes = codes_.data() + k * count;
      for (size_t i = 0; i < count; ++i) row_words_[i] |= uint64_t{codes[i]} << shift;
      shift += bits_[k];
    }
  }

  void find_words(size_t count, uint32_t* ids) {
    next_group(size_ + count);
    words_.note_rows(static_cast<int64_t>(count));
    const bool prefetch = words_.worth_prefetching();
    constexpr size_t kAhead = 16;
    for (size_t i = 0; i < count; ++i) {
      if (prefetch && i + kAhead < count) words_.prefetch(row_words_[i + kAhead]);
      ids[i] = words_.find_or_add(row_words_[i], size_);
      if (ids[i] == size_) {
        group_words_.push_back(row_words_[i]);
        ++size_;
      }
    }
  }

  // A key with nearly as many values as there are groups is better looked up once, as a part of the
  // whole key.
  bool codes_pay() const {
    constexpr uint32_t kManyCodes = uint32_t{1} << 18;
    for (const auto& coder : coders_) {
      if (coder->size() > kManyCodes && coder->size() > size_ / 2) return false;
    }
    return true;
  }

  std::vector<DataType> types_;
  GroupTableOptions options_;
  std::vector<std::unique_ptr<GroupTable>> coders_;
  std::vector<int> bits_;  // of each key's code in a word, the first key's lowest
  WordTable words_;
  std::vector<uint64_t> group_words_;
  std::unique_ptr<GroupTable> general_;
  // Scratch of one call.
  std::vector<uint32_t> codes_;  // key by key
  std::vector<uint64_t> row_words_;
};

}  // namespace

std::unique_ptr<GroupTable> make_coded_groups(const std::vector<DataType>& types,
                                              const GroupTableOptions& options) {
  return std::make_unique<CodedGroups>(types, options);
}

}  // namespace velaria
