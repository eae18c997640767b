// A running sum of doubles as two doubles: what a rounded addition loses is kept beside it.
//
// Source of the error-free addition: D. E. Knuth, The Art of Computer Programming, vol. 2, 4.2.2.
#pragma once

namespace velaria {

struct ExactPair {
  double high = 0;
  double low = 0;

  // high + value exactly, as a rounded sum and what the rounding lost.
  void add(double value) {
    const double sum = high + value;
    const double part = sum - high;
    low += (high - (sum - part)) + (value - part);
    high = sum;
  }
  void add(const ExactPair& other) {
    add(other.high);
    low += other.low;
  }
};

// Sums take the numbers below this in any order: 2^63 of them still fit a double. The others, NaN
// and the infinities have to be kept apart.
constexpr double kExactPairLimit = 0x1p+960;

}  // namespace velaria
