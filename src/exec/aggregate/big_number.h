// Exact binary numbers of any size: what variances are computed with, so that nothing is lost when
// large sums cancel. Small numbers of words; not meant for loops over rows.
#pragma once

#include <cstdint>
#include <vector>

#include "src/column/type.h"

namespace velaria {

class BigNumber {
 public:
  BigNumber() = default;  // 0
  explicit BigNumber(Int128 value);
  // A two's complement number of `words` words, lowest first, times 2^(64 * exponent).
  static BigNumber from_words(const uint64_t* words, size_t count, int64_t exponent);
  static BigNumber power_of_ten(int exponent);

  int sign() const { return sign_; }  // -1, 0, 1
  BigNumber operator*(const BigNumber& other) const;
  BigNumber operator+(const BigNumber& other) const;
  BigNumber operator-(const BigNumber& other) const;

  // a / b as a double: computed with more than 100 bits and rounded once. b is not 0.
  static double ratio(const BigNumber& a, const BigNumber& b);

 private:
  // The first 128 bits as a double and what it misses: value = (high + low) * 2^exponent.
  struct Leading {
    double high = 0;
    double low = 0;
    int64_t exponent = 0;
  };
  Leading leading() const;
  void trim();
  static BigNumber add_signed(const BigNumber& a, const BigNumber& b, int b_sign);

  int sign_ = 0;
  std::vector<uint64_t> words_;  // magnitude, lowest first, no zero at either end
  int64_t exponent_ = 0;         // of the lowest word
};

}  // namespace velaria
