#include "src/similarity/parallel_tasks.h"

#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>

namespace velaria {
namespace {

class Countdown {
 public:
  explicit Countdown(size_t count) : left_(count) {}

  void finish(size_t tasks, const std::exception_ptr& failure) {
    // Notified under the lock: the waiter destroys this object as soon as it wakes.
    const std::lock_guard<std::mutex> lock(mutex_);
    if (failure && !failure_) failure_ = failure;
    left_ -= tasks;
    if (left_ == 0) done_.notify_all();
  }

  void wait(const std::function<void()>& interrupt_check, std::atomic<bool>* stop) {
    std::unique_lock<std::mutex> lock(mutex_);
    const auto finished = [this] { return left_ == 0; };
    bool interrupted = false;
    while (interrupt_check && !interrupted &&
           !done_.wait_for(lock, std::chrono::milliseconds(20), finished)) {
      lock.unlock();
      std::exception_ptr failure;
      try {
        interrupt_check();
      } catch (...) {
        failure = std::current_exception();
        interrupted = true;
        if (stop != nullptr) stop->store(true, std::memory_order_relaxed);
      }
      lock.lock();
      if (failure && !failure_) failure_ = failure;
    }
    done_.wait(lock, finished);
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  std::mutex mutex_;
  std::condition_variable done_;
  size_t left_;
  std::exception_ptr failure_;
};

}  // namespace

void run_tasks(ThreadPool* pool, size_t count, const std::function<void(size_t)>& task,
               const std::function<void()>& interrupt_check, std::atomic<bool>* stop) {
  // A single task goes to the pool too when the caller is to be asked for interrupts meanwhile.
  if (pool == nullptr || (count <= 1 && !interrupt_check)) {
    for (size_t i = 0; i < count; ++i) task(i);
    return;
  }
  Countdown countdown(count);
  for (size_t i = 0; i < count; ++i) {
    try {
      pool->submit([&countdown, &task, i] {
        std::exception_ptr failure;
        try {
          task(i);
        } catch (...) {
          failure = std::current_exception();
        }
        countdown.finish(1, failure);
      });
    } catch (...) {
      countdown.finish(count - i, std::current_exception());
      break;
    }
  }
  countdown.wait(interrupt_check, stop);
}

}  // namespace velaria
