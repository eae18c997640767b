// A memory reservation that several threads grow.
#pragma once

#include <algorithm>
#include <mutex>

#include "src/base/memory_budget.h"

namespace velaria {

class SharedReservation {
 public:
  SharedReservation(std::shared_ptr<MemoryBudget> budget, std::string_view owner)
      : reservation_(std::move(budget), owner) {}

  void grow(uint64_t bytes) {
    const std::lock_guard<std::mutex> lock(mutex_);
    reservation_.resize(reservation_.held_bytes() + bytes);
  }
  // False, and nothing changes, when the limit would be passed.
  bool try_grow(uint64_t bytes) {
    const std::lock_guard<std::mutex> lock(mutex_);
    return reservation_.try_resize(reservation_.held_bytes() + bytes);
  }
  void shrink(uint64_t bytes) {
    const std::lock_guard<std::mutex> lock(mutex_);
    reservation_.resize(reservation_.held_bytes() - std::min(bytes, reservation_.held_bytes()));
  }
  void resize(uint64_t bytes) {
    const std::lock_guard<std::mutex> lock(mutex_);
    reservation_.resize(bytes);
  }

 private:
  std::mutex mutex_;
  MemoryReservation reservation_;
};

}  // namespace velaria
