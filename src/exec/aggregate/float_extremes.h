// The values that a running sum of doubles cannot take in any order: infinities, NaN, and numbers
// so large that a part of the sum could overflow on the way to a total that does not.
//
// They are kept apart from the rest, so that the total is the same for every order of the rows.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>

#include "src/kernel/exact_pair.h"

namespace velaria {

class FloatExtremes {
 public:
  // Whether `value` belongs here.
  static bool is_extreme(double value) { return !(std::fabs(value) < kExactPairLimit); }

  void add(double value) {
    if (std::isnan(value)) {
      flags_ |= kNan;
    } else if (std::isinf(value)) {
      flags_ |= value > 0 ? kPlusInfinity : kMinusInfinity;
    } else {
      large_.add(value * kDown);
    }
  }
  void merge(const FloatExtremes& other) {
    flags_ |= other.flags_;
    large_.add(other.large_);
  }

  // The sum of these and of `rest`, divided by `divisor`.
  double total(const ExactPair& rest, double divisor) const {
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    if ((flags_ & kNan) != 0 || flags_ == (kPlusInfinity | kMinusInfinity)) {
      return std::numeric_limits<double>::quiet_NaN();
    }
    if (flags_ != 0) return flags_ == kPlusInfinity ? kInfinity : -kInfinity;
    ExactPair all = large_;
    if (all.high == 0 && all.low == 0) return (rest.high + rest.low) / divisor;
    all.add(rest.high * kDown);
    all.low += rest.low * kDown;
    return (all.high + all.low) / divisor * kUp;
  }

  bool empty() const { return flags_ == 0 && large_.high == 0 && large_.low == 0; }
  // For snapshots.
  int64_t flags() const { return flags_; }
  const ExactPair& large() const { return large_; }
  void restore(int64_t flags, const ExactPair& large) {
    flags_ = static_cast<uint8_t>(flags);
    large_ = large;
  }

 private:
  static constexpr double kDown = 0x1p-128;  // what large numbers are kept times
  static constexpr double kUp = 0x1p+128;
  enum : uint8_t { kNan = 1, kPlusInfinity = 2, kMinusInfinity = 4 };

  uint8_t flags_ = 0;
  ExactPair large_;
};

}  // namespace velaria
