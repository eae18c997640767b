// A set of words from a range, each with its rank among them, in about one and a half bits for each
// word of the range: sparse keys of a large range stay in the cache where an array or a hash table
// of them does not.
//
// Rank by popcount: G. Jacobson, "Space-efficient static trees and graphs" (FOCS 1989).
#pragma once

#include <cstdint>
#include <vector>

namespace velaria {

class RankedWords {
 public:
  // Words up to and with `max_word`.
  explicit RankedWords(uint64_t max_word) : bits_(max_word / 64 + 1, 0) {}

  void add(uint64_t word) { bits_[word / 64] |= uint64_t{1} << (word % 64); }
  // Ranks are known from here on, and no word is added any more.
  void finish() {
    ranks_.resize(bits_.size());
    for (size_t at = 0; at < bits_.size(); ++at) {
      ranks_[at] = size_;
      size_ += count_bits(bits_[at]);
    }
  }

  uint32_t size() const { return size_; }
  uint64_t contains(uint64_t word) const { return bits_[word / 64] >> (word % 64) & 1; }
  // How many words of the set are less; for a word of the set, its place in their order.
  uint32_t rank(uint64_t word) const {
    const uint64_t less = (uint64_t{1} << (word % 64)) - 1;
    return ranks_[word / 64] + count_bits(bits_[word / 64] & less);
  }

  static uint64_t bytes(uint64_t max_word) { return (max_word / 64 + 1) * 12; }

 private:
  // Without the processor's own instruction, which not every build may use.
  static uint32_t count_bits(uint64_t bits) {
    bits -= bits >> 1 & 0x5555555555555555u;
    bits = (bits & 0x3333333333333333u) + (bits >> 2 & 0x3333333333333333u);
    bits = (bits + (bits >> 4)) & 0x0F0F0F0F0F0F0F0Fu;
    return static_cast<uint32_t>((bits * 0x0101010101010101u) >> 56);
  }

  std::vector<uint64_t> bits_;
  std::vector<uint32_t> ranks_;  // of each word of bits_
  uint32_t size_ = 0;
};

}  // namespace velaria
