#include "src/base/memory_budget.h"

#include "src/base/error.h"
#include "src/base/text.h"

namespace velaria {

void MemoryBudget::reserve(uint64_t bytes, std::string_view owner) {
  if (parent_) parent_->reserve(bytes, owner);
  const uint64_t before = used_bytes_.fetch_add(bytes, std::memory_order_relaxed);
  const uint64_t now = before + bytes;
  if (limit_bytes_ != 0 && now > limit_bytes_) {
    release(bytes);
    throw Error(ErrorKind::kResource,
                concat(owner, " needs ", format_bytes(bytes), " more, but ", format_bytes(before),
                       " of the session's memory_limit of ", format_bytes(limit_bytes_),
                       " are in use; raise memory_limit or reduce the data"));
  }
  uint64_t peak = peak_bytes_.load(std::memory_order_relaxed);
  while (now > peak && !peak_bytes_.compare_exchange_weak(peak, now, std::memory_order_relaxed)) {
  }
}

void MemoryBudget::release(uint64_t bytes) noexcept {
  used_bytes_.fetch_sub(bytes, std::memory_order_relaxed);
  if (parent_) parent_->release(bytes);
}

void MemoryReservation::resize(uint64_t bytes) {
  if (!budget_) return;
  if (bytes > held_bytes_) {
    budget_->reserve(bytes - held_bytes_, owner_);
  } else {
    budget_->release(held_bytes_ - bytes);
  }
  held_bytes_ = bytes;
}

}  // namespace velaria
