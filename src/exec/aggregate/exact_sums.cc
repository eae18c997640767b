#include "src/exec/aggregate/exact_sums.h"

#include <algorithm>

#include "src/base/error.h"

namespace velaria {

namespace {

int bit_length(unsigned __int128 value) {
  const auto high = static_cast<uint64_t>(value >> 64);
  const auto low = static_cast<uint64_t>(value);
  return high != 0 ? 128 - __builtin_clzll(high) : (low != 0 ? 64 - __builtin_clzll(low) : 0);
}

}  // namespace

void ExactSums::widen(size_t first, size_t end) {
  if (width_ == 0) first_ = first;
  const size_t new_first = std::min(first, first_);
  const size_t new_width = std::max(end, first_ + width_) - new_first;
  std::vector<uint64_t> grown(groups_ * new_width, 0);
  for (size_t group = 0; group < groups_ && width_ > 0; ++group) {
    const uint64_t* from = words_.data() + group * width_;
    uint64_t* to = grown.data() + group * new_width;
    std::copy(from, from + width_, to + (first_ - new_first));
    if (static_cast<int64_t>(from[width_ - 1]) < 0) {
      std::fill(to + (first_ - new_first) + width_, to + new_width, ~uint64_t{0});
    }
  }
  words_ = std::move(grown);
  first_ = new_first;
  width_ = new_width;
}

void ExactSums::add(uint32_t group, bool negative, UInt128 magnitude, int bit) {
  if (magnitude == 0) return;
  const auto lowest = static_cast<size_t>(bit) / 64;
  // 64 bits above the number hold the carries of 2^63 additions and the sign.
  const size_t end = static_cast<size_t>(bit + bit_length(magnitude) + 64) / 64 + 1;
  if (lowest < first_ || end > first_ + width_) widen(lowest, end);
  const int shift = bit % 64;
  const auto low = static_cast<uint64_t>(magnitude);
  const auto high = static_cast<uint64_t>(magnitude >> 64);
  const uint64_t parts[3] = {low << shift,
                             shift == 0 ? high : (high << shift) | (low >> (64 - shift)),
                             shift == 0 ? 0 : high >> (64 - shift)};
  uint64_t* words = words_.data() + static_cast<size_t>(group) * width_;
  size_t i = lowest - first_;
  if (negative) {
    uint64_t borrow = 0;
    for (const uint64_t part : parts) {
      if (i == width_) return;
      const UInt128 difference = static_cast<UInt128>(words[i]) - part - borrow;
      words[i++] = static_cast<uint64_t>(difference);
      borrow = static_cast<uint64_t>(difference >> 64) & 1;
    }
    for (; borrow != 0 && i < width_; ++i) borrow = words[i]-- == 0 ? 1 : 0;
  } else {
    uint64_t carry = 0;
    for (const uint64_t part : parts) {
      if (i == width_) return;
      const UInt128 sum = static_cast<UInt128>(words[i]) + part + carry;
      words[i++] = static_cast<uint64_t>(sum);
      carry = static_cast<uint64_t>(sum >> 64);
    }
    for (; carry != 0 && i < width_; ++i) carry = ++words[i] == 0 ? 1 : 0;
  }
}

void ExactSums::add_product(uint32_t group, bool negative, UInt128 a, UInt128 b, int bit) {
  const auto a_high = static_cast<uint64_t>(a >> 64);
  const auto b_high = static_cast<uint64_t>(b >> 64);
  const auto a_low = static_cast<uint64_t>(a);
  const auto b_low = static_cast<uint64_t>(b);
  add(group, negative, static_cast<UInt128>(a_low) * b_low, bit);
  if ((a_high | b_high) == 0) return;
  add(group, negative, static_cast<UInt128>(a_high) * b_low, bit + 64);
  add(group, negative, static_cast<UInt128>(a_low) * b_high, bit + 64);
  add(group, negative, static_cast<UInt128>(a_high) * b_high, bit + 128);
}

void ExactSums::add_words(uint32_t group, const uint64_t* words, size_t count, size_t first) {
  if (count == 0) return;
  if (first < first_ || first + count > first_ + width_ || width_ == 0) widen(first, first + count);
  uint64_t* to = words_.data() + static_cast<size_t>(group) * width_;
  const uint64_t sign = static_cast<int64_t>(words[count - 1]) < 0 ? ~uint64_t{0} : 0;
  uint64_t carry = 0;
  for (size_t i = first - first_; i < width_; ++i) {
    const size_t at = i + first_ - first;
    const UInt128 sum = static_cast<UInt128>(to[i]) + (at < count ? words[at] : sign) + carry;
    to[i] = static_cast<uint64_t>(sum);
    carry = static_cast<uint64_t>(sum >> 64);
  }
}

void ExactSums::merge(const ExactSums& other, uint32_t from, uint32_t to) {
  add_words(to, other.words_.data() + static_cast<size_t>(from) * other.width_, other.width_,
            other.first_);
}

BigNumber ExactSums::value(uint32_t group, int origin) const {
  return BigNumber::from_words(words_.data() + static_cast<size_t>(group) * width_, width_,
                               static_cast<int64_t>(first_) + origin / 64);
}

void ExactSums::append_state(uint32_t group, std::string* out) const {
  append_fixed(static_cast<uint16_t>(first_), out);
  append_fixed(static_cast<uint16_t>(width_), out);
  const uint64_t* words = words_.data() + static_cast<size_t>(group) * width_;
  for (size_t i = 0; i < width_; ++i) append_fixed(words[i], out);
}

void ExactSums::restore_group(uint32_t group, StateReader* reader) {
  const size_t first = reader->fixed<uint16_t>();
  const size_t count = reader->fixed<uint16_t>();
  constexpr size_t kMostWords = 128;
  if (first + count > kMostWords) {
    throw Error(ErrorKind::kCheckpoint, "the checkpoint holds a sum of an impossible size");
  }
  std::vector<uint64_t> words;
  for (size_t i = 0; i < count; ++i) words.push_back(reader->fixed<uint64_t>());
  add_words(group, words.data(), count, first);
}

}  // namespace velaria
