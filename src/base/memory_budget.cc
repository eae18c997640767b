#include "src/base/memory_budget.h"

#include <cstdlib>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "src/base/error.h"
#include "src/base/text.h"

namespace velaria {

bool MemoryBudget::take(uint64_t bytes, uint64_t* before) noexcept {
  *before = used_bytes_.load(std::memory_order_relaxed);
  do {
    if (limit_bytes_ != 0 && (*before > limit_bytes_ || bytes > limit_bytes_ - *before)) {
      return false;
    }
  } while (!used_bytes_.compare_exchange_weak(*before, *before + bytes, std::memory_order_relaxed));
  return true;
}

void MemoryBudget::reserve(uint64_t bytes, std::string_view owner) {
  uint64_t before = 0;
  if (!take(bytes, &before)) {
    throw Error(ErrorKind::kResource,
                concat(owner, " needs ", format_bytes(bytes), " more, but ", format_bytes(before),
                       " of the session's memory_limit of ", format_bytes(limit_bytes_),
                       " are in use; raise memory_limit or reduce the data"));
  }
  if (parent_) {
    try {
      parent_->reserve(bytes, owner);
    } catch (...) {
      used_bytes_.fetch_sub(bytes, std::memory_order_relaxed);
      throw;
    }
  }
  note_peak(before + bytes);
}

bool MemoryBudget::try_reserve(uint64_t bytes) noexcept {
  uint64_t before = 0;
  if (!take(bytes, &before)) return false;
  if (parent_ && !parent_->try_reserve(bytes)) {
    used_bytes_.fetch_sub(bytes, std::memory_order_relaxed);
    return false;
  }
  note_peak(before + bytes);
  return true;
}

void MemoryBudget::note_peak(uint64_t used) noexcept {
  uint64_t peak = peak_bytes_.load(std::memory_order_relaxed);
  while (used > peak && !peak_bytes_.compare_exchange_weak(peak, used, std::memory_order_relaxed)) {
  }
}

void MemoryBudget::release(uint64_t bytes) noexcept {
  used_bytes_.fetch_sub(bytes, std::memory_order_relaxed);
  if (parent_) parent_->release(bytes);
}

void return_free_memory() {
#ifdef __GLIBC__
  malloc_trim(0);
#endif
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

bool MemoryReservation::try_resize(uint64_t bytes) noexcept {
  if (!budget_) return true;
  if (bytes > held_bytes_) {
    if (!budget_->try_reserve(bytes - held_bytes_)) return false;
  } else {
    budget_->release(held_bytes_ - bytes);
  }
  held_bytes_ = bytes;
  return true;
}

}  // namespace velaria
