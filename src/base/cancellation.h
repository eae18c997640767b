// One flag that every loop over data looks at between chunks, and within a chunk that costs much.
#pragma once

#include <atomic>

#include "src/base/error.h"

namespace velaria {

class CancellationToken {
 public:
  CancellationToken() = default;
  // Cancelled also as soon as `parent` is, which outlives this; may be null.
  explicit CancellationToken(const CancellationToken* parent) : parent_(parent) {}

  void cancel() { cancelled_.store(true, std::memory_order_release); }
  bool cancelled() const {
    return cancelled_.load(std::memory_order_acquire) ||
           (parent_ != nullptr && parent_->cancelled());
  }
  void throw_if_cancelled() const {
    if (cancelled()) throw Error(ErrorKind::kCancelled, "the query was cancelled");
  }

 private:
  const CancellationToken* const parent_ = nullptr;
  std::atomic<bool> cancelled_{false};
};

}  // namespace velaria
