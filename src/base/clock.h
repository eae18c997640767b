// Time is passed in, so that tests of triggers, rates and latencies are deterministic.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

namespace velaria {

class Clock {
 public:
  virtual ~Clock() = default;
  virtual int64_t steady_ns() const = 0;  // monotonic; only differences mean something
  virtual int64_t wall_us() const = 0;    // microseconds since 1970-01-01T00:00:00Z
};

std::shared_ptr<Clock> system_clock();

// The processor time that the calling thread has used; only differences mean something.
int64_t thread_cpu_ns();

class ManualClock : public Clock {
 public:
  int64_t steady_ns() const override { return now_ns_.load(); }
  int64_t wall_us() const override { return now_ns_.load() / 1000; }
  void advance_ns(int64_t ns) { now_ns_.fetch_add(ns); }

 private:
  std::atomic<int64_t> now_ns_{0};
};

}  // namespace velaria
