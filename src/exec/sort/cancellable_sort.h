// std::sort for long runs: it can be broken off.
#pragma once

#include <algorithm>
#include <cstdint>

#include "src/base/cancellation.h"

namespace velaria {

// Looks at `cancellation` (may be null) every few milliseconds; when it throws, the elements stand
// in any order. They are small values: one is lost, and another doubled, if a move is broken off.
template <typename Iterator, typename Before>
void cancellable_sort(Iterator begin, Iterator end, Before before,
                      const CancellationToken* cancellation) {
  constexpr uint32_t kComparisonsBetweenChecks = 1 << 16;
  uint32_t comparisons = 0;
  std::sort(begin, end, [&](const auto& a, const auto& b) {
    if (++comparisons % kComparisonsBetweenChecks == 0 && cancellation != nullptr) {
      cancellation->throw_if_cancelled();
    }
    return before(a, b);
  });
}

}  // namespace velaria
