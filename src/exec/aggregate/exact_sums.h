// Sums of binary numbers without any rounding, one for each group.
//
// A sum is a fixed-point number in two's complement; all groups share one window of 64-bit words,
// which widens when a number needs it (numbers of ordinary data need 3 to 5 words, all doubles 35,
// their products 70). The order of additions cannot show, and what cancels, cancels exactly. After
// U. Kulisch, "Computer Arithmetic and Validity" (2008).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "src/exec/aggregate/big_number.h"
#include "src/exec/aggregate/row_codec.h"

namespace velaria {

class ExactSums {
 public:
  using UInt128 = unsigned __int128;

  void grow(uint32_t groups) {
    groups_ = groups;
    words_.resize(static_cast<size_t>(groups) * width_, 0);
  }
  // Adds +-magnitude * 2^bit; bit >= 0, what bit 0 means is the caller's.
  void add(uint32_t group, bool negative, UInt128 magnitude, int bit);
  // The product of two magnitudes.
  void add_product(uint32_t group, bool negative, UInt128 a, UInt128 b, int bit);
  void merge(const ExactSums& other, uint32_t from, uint32_t to);
  // `origin`: the exponent of bit 0, a multiple of 64.
  BigNumber value(uint32_t group, int origin) const;
  uint64_t memory_bytes() const { return words_.capacity() * 8; }

  void append_state(uint32_t group, std::string* out) const;
  void restore_group(uint32_t group, StateReader* reader);

 private:
  void widen(size_t first, size_t end);
  void add_words(uint32_t group, const uint64_t* words, size_t count, size_t first);

  size_t groups_ = 0;
  size_t first_ = 0;  // the window: words [first_, first_ + width_) of all that could be
  size_t width_ = 0;
  std::vector<uint64_t> words_;  // group by group, `width_` each
};

}  // namespace velaria
