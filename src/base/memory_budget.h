// One memory budget per session: state that grows with the data (group tables, sort runs, collected
// results) asks it before it grows. Small per-chunk scratch is not counted.
//
// Thread-safe. Shared ownership: whoever holds reserved bytes keeps the budget alive.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string_view>

namespace velaria {

class MemoryBudget {
 public:
  // limit_bytes == 0: no limit, only counting. `parent`, when given, counts the same bytes and may
  // refuse them: a part of a budget that is looked at by itself.
  explicit MemoryBudget(uint64_t limit_bytes = 0, std::shared_ptr<MemoryBudget> parent = nullptr)
      : limit_bytes_(limit_bytes), parent_(std::move(parent)) {}

  // Throws ResourceError naming `owner` and the bytes when the limit would be passed.
  void reserve(uint64_t bytes, std::string_view owner);
  // False, and nothing is taken, when the limit would be passed.
  bool try_reserve(uint64_t bytes) noexcept;
  void release(uint64_t bytes) noexcept;

  uint64_t limit_bytes() const { return limit_bytes_; }
  // Of this budget or of one above it.
  bool is_limited() const { return limit_bytes_ != 0 || (parent_ && parent_->is_limited()); }
  uint64_t used_bytes() const { return used_bytes_.load(std::memory_order_relaxed); }
  uint64_t peak_bytes() const { return peak_bytes_.load(std::memory_order_relaxed); }

 private:
  // Adds only what fits: bytes that are refused are never seen by another thread, which would be
  // refused for their sake. `before`: what was in use.
  bool take(uint64_t bytes, uint64_t* before) noexcept;
  void note_peak(uint64_t used) noexcept;

  const uint64_t limit_bytes_;
  const std::shared_ptr<MemoryBudget> parent_;
  std::atomic<uint64_t> used_bytes_{0};
  std::atomic<uint64_t> peak_bytes_{0};
};

// Memory that was freed in small pieces goes back to the system, where its allocator would keep it.
// Worth milliseconds: after much was freed, and little of it will be wanted again.
void return_free_memory();

// Bytes held of a budget by one owner; grows and shrinks to a level, gives all back at the end.
class MemoryReservation {
 public:
  MemoryReservation(std::shared_ptr<MemoryBudget> budget, std::string_view owner)
      : budget_(std::move(budget)), owner_(owner) {}
  ~MemoryReservation() {
    if (budget_) budget_->release(held_bytes_);
  }
  MemoryReservation(MemoryReservation&& other) noexcept
      : budget_(std::move(other.budget_)), owner_(other.owner_), held_bytes_(other.held_bytes_) {
    other.held_bytes_ = 0;
  }
  MemoryReservation(const MemoryReservation&) = delete;
  MemoryReservation& operator=(const MemoryReservation&) = delete;
  MemoryReservation& operator=(MemoryReservation&&) = delete;

  // Brings the held amount to `bytes`. Throws ResourceError when growing passes the limit.
  void resize(uint64_t bytes);
  // False, and nothing changes, when the limit would be passed.
  bool try_resize(uint64_t bytes) noexcept;
  uint64_t held_bytes() const { return held_bytes_; }

 private:
  std::shared_ptr<MemoryBudget> budget_;  // may be null: nothing is counted then
  std::string_view owner_;                // a literal
  uint64_t held_bytes_ = 0;
};

}  // namespace velaria
