// Loops over the values of one group, which may be very many: they can be broken off. Internal to
// this room.
#pragma once

#include <cstdint>

#include "src/base/cancellation.h"

namespace velaria {

class LongLoop {
 public:
  // May be null.
  explicit LongLoop(const CancellationToken* cancellation) : cancellation_(cancellation) {}

  // After each value, or each comparison of two. Throws CancelledError.
  void step() {
    if (++steps_ % kStepsBetweenLooks == 0 && cancellation_ != nullptr) {
      cancellation_->throw_if_cancelled();
    }
  }

 private:
  static constexpr uint32_t kStepsBetweenLooks = 1 << 15;

  const CancellationToken* cancellation_;
  uint32_t steps_ = 0;
};

}  // namespace velaria
