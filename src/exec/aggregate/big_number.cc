#include "src/exec/aggregate/big_number.h"

#include <algorithm>
#include <cmath>

#include "src/column/decimal.h"

namespace velaria {

namespace {

using UInt128 = unsigned __int128;

std::vector<uint64_t> shifted(const std::vector<uint64_t>& words, int64_t by) {
  std::vector<uint64_t> out(static_cast<size_t>(by), 0);
  out.insert(out.end(), words.begin(), words.end());
  return out;
}

int compare_magnitudes(const std::vector<uint64_t>& a, const std::vector<uint64_t>& b) {
  const auto word = [](const std::vector<uint64_t>& words, size_t i) {
    return i < words.size() ? words[i] : 0;
  };
  for (size_t i = std::max(a.size(), b.size()); i-- > 0;) {
    if (word(a, i) != word(b, i)) return word(a, i) < word(b, i) ? -1 : 1;
  }
  return 0;
}

}  // namespace

BigNumber::BigNumber(Int128 value) {
  const UInt128 magnitude = value < 0 ? -static_cast<UInt128>(value) : static_cast<UInt128>(value);
  sign_ = value < 0 ? -1 : 1;
  words_ = {static_cast<uint64_t>(magnitude), static_cast<uint64_t>(magnitude >> 64)};
  trim();
}

BigNumber BigNumber::from_words(const uint64_t* words, size_t count, int64_t exponent) {
  BigNumber out;
  out.words_.assign(words, words + count);
  out.exponent_ = exponent;
  out.sign_ = 1;
  if (count > 0 && static_cast<int64_t>(words[count - 1]) < 0) {
    out.sign_ = -1;
    bool carry = true;
    for (uint64_t& word : out.words_) {
      word = ~word + (carry ? 1 : 0);
      carry = carry && word == 0;
    }
  }
  out.trim();
  return out;
}

BigNumber BigNumber::power_of_ten(int exponent) {
  BigNumber out(Int128{1});
  for (; exponent > 38; exponent -= 38) out = out * BigNumber(velaria::power_of_ten(38));
  return out * BigNumber(velaria::power_of_ten(exponent));
}

void BigNumber::trim() {
  while (!words_.empty() && words_.back() == 0) words_.pop_back();
  size_t zeros = 0;
  while (zeros < words_.size() && words_[zeros] == 0) ++zeros;
  words_.erase(words_.begin(), words_.begin() + static_cast<std::ptrdiff_t>(zeros));
  exponent_ += static_cast<int64_t>(zeros);
  if (words_.empty()) {
    sign_ = 0;
    exponent_ = 0;
  }
}

BigNumber BigNumber::operator*(const BigNumber& other) const {
  BigNumber out;
  out.sign_ = sign_ * other.sign_;
  if (out.sign_ == 0) return out;
  out.exponent_ = exponent_ + other.exponent_;
  out.words_.assign(words_.size() + other.words_.size(), 0);
  for (size_t i = 0; i < words_.size(); ++i) {
    uint64_t carry = 0;
    for (size_t j = 0; j < other.words_.size(); ++j) {
      const UInt128 sum =
          static_cast<UInt128>(words_[i]) * other.words_[j] + out.words_[i + j] + carry;
      out.words_[i + j] = static_cast<uint64_t>(sum);
      carry = static_cast<uint64_t>(sum >> 64);
    }
    out.words_[i + other.words_.size()] = carry;
  }
  out.trim();
  return out;
}

BigNumber BigNumber::add_signed(const BigNumber& a, const BigNumber& b, int b_sign) {
  if (b_sign == 0) return a;
  BigNumber out;
  if (a.sign_ == 0) {
    out = b;
    out.sign_ = b_sign;
    return out;
  }
  out.exponent_ = std::min(a.exponent_, b.exponent_);
  const std::vector<uint64_t> x = shifted(a.words_, a.exponent_ - out.exponent_);
  const std::vector<uint64_t> y = shifted(b.words_, b.exponent_ - out.exponent_);
  const size_t size = std::max(x.size(), y.size());
  const auto word = [](const std::vector<uint64_t>& words, size_t i) {
    return i < words.size() ? words[i] : 0;
  };
  out.words_.reserve(size + 1);
  if (a.sign_ == b_sign) {
    out.sign_ = a.sign_;
    UInt128 carry = 0;
    for (size_t i = 0; i < size; ++i) {
      carry += static_cast<UInt128>(word(x, i)) + word(y, i);
      out.words_.push_back(static_cast<uint64_t>(carry));
      carry >>= 64;
    }
    out.words_.push_back(static_cast<uint64_t>(carry));
  } else {
    const bool a_larger = compare_magnitudes(x, y) >= 0;
    out.sign_ = a_larger ? a.sign_ : b_sign;
    const std::vector<uint64_t>& large = a_larger ? x : y;
    const std::vector<uint64_t>& small = a_larger ? y : x;
    uint64_t borrow = 0;
    for (size_t i = 0; i < size; ++i) {
      const UInt128 less = static_cast<UInt128>(word(small, i)) + borrow;
      borrow = less > word(large, i) ? 1 : 0;
      out.words_.push_back(word(large, i) - static_cast<uint64_t>(less));
    }
  }
  out.trim();
  return out;
}

BigNumber BigNumber::operator+(const BigNumber& other) const {
  return add_signed(*this, other, other.sign_);
}
BigNumber BigNumber::operator-(const BigNumber& other) const {
  return add_signed(*this, other, -other.sign_);
}

BigNumber::Leading BigNumber::leading() const {
  Leading out;
  if (sign_ == 0) return out;
  const size_t size = words_.size();
  const int zeros = __builtin_clzll(words_[size - 1]);
  const auto word = [&](size_t back) { return back <= size ? words_[size - back] : 0; };
  UInt128 bits = (static_cast<UInt128>(word(1)) << 64) | word(2);
  if (zeros > 0) bits = (bits << zeros) | (word(3) >> (64 - zeros));
  out.high = static_cast<double>(bits);
  // High may have been rounded up to 2^128, which no 128 bits hold: as a difference it is 0.
  const UInt128 rounded = out.high < 0x1p+128 ? static_cast<UInt128>(out.high) : UInt128{0};
  out.low = static_cast<double>(static_cast<Int128>(bits - rounded));
  out.exponent = (exponent_ + static_cast<int64_t>(size)) * 64 - zeros - 128;
  if (sign_ < 0) {
    out.high = -out.high;
    out.low = -out.low;
  }
  return out;
}

double BigNumber::ratio(const BigNumber& a, const BigNumber& b) {
  if (a.sign_ == 0) return 0.0;
  const Leading x = a.leading();
  const Leading y = b.leading();
  const double quotient = x.high / y.high;
  // What is left of a, exactly but for the last of more than 100 bits.
  const double rest = std::fma(-quotient, y.high, x.high) + x.low - quotient * y.low;
  const int64_t exponent = std::clamp<int64_t>(x.exponent - y.exponent, -5000, 5000);
  return std::ldexp(quotient + rest / y.high, static_cast<int>(exponent));
}

}  // namespace velaria
