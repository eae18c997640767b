// One flag that every loop over data looks at between chunks.
#pragma once

#include <atomic>

#include "src/base/error.h"

namespace velaria {

class CancellationToken {
 public:
  void cancel() { cancelled_.store(true, std::memory_order_release); }
  bool cancelled() const { return cancelled_.load(std::memory_order_acquire); }
  void throw_if_cancelled() const {
    if (cancelled()) throw Error(ErrorKind::kCancelled, "the query was cancelled");
  }

 private:
  std::atomic<bool> cancelled_{false};
};

}  // namespace velaria
