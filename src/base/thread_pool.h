// A fixed set of threads that run short tasks. One pool per session; no process-wide state.
//
// Tasks are begun in the order they came. They must not wait for other tasks of the same pool, and
// a long one looks at has_waiting() now and then and makes room by submitting its rest.
// The destructor runs what is queued, then joins. Thread-safe.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace velaria {

// More than this are refused; the default keeps to it on a larger machine.
inline constexpr size_t kMostThreads = 1024;

class ThreadPool {
 public:
  // threads == 0: one per core the process may run on. kResource if the system gives no more,
  // kInvalidArgument for more than kMostThreads.
  explicit ThreadPool(size_t threads = 0);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  size_t size() const { return threads_.size(); }
  void submit(std::function<void()> task);
  // Whether tasks wait for a thread. Costs one load.
  bool has_waiting() const { return waiting_.load(std::memory_order_relaxed) > 0; }

 private:
  void work();
  void stop();

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> queue_;
  std::atomic<size_t> waiting_{0};  // queue_.size(), to be read without the lock
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

// Cores this process may use (respects CPU affinity), at least 1.
size_t usable_cores();
// How many threads a pool has that is asked for `threads`, on a machine of so many cores.
size_t pool_threads(size_t threads, size_t cores);

}  // namespace velaria
