#include "src/base/thread_pool.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>

#include <algorithm>
#include <system_error>

#include "src/base/error.h"
#include "src/base/text.h"

namespace velaria {

size_t usable_cores() {
#if defined(__linux__)
  cpu_set_t cores;
  CPU_ZERO(&cores);
  if (sched_getaffinity(0, sizeof(cores), &cores) == 0) {
    return static_cast<size_t>(std::max(1, CPU_COUNT(&cores)));
  }
#endif
  return std::max(1u, std::thread::hardware_concurrency());
}

size_t pool_threads(size_t threads, size_t cores) {
  if (threads == 0) return std::min(cores, kMostThreads);
  if (threads > kMostThreads) {
    throw Error(ErrorKind::kInvalidArgument,
                concat("threads=", threads, " is more than the limit of ", kMostThreads));
  }
  return threads;
}

ThreadPool::ThreadPool(size_t threads) {
  threads = pool_threads(threads, usable_cores());
  // Signals belong to the embedding program's threads, so ours start with all of them blocked.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  threads_.reserve(threads);
  try {
    for (size_t i = 0; i < threads; ++i) threads_.emplace_back([this] { work(); });
  } catch (const std::system_error& failure) {
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    const size_t started = threads_.size();
    stop();
    throw Error(ErrorKind::kResource,
                concat("cannot start ", threads, " threads, only ", started, ": ", failure.what()));
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

ThreadPool::~ThreadPool() { stop(); }

void ThreadPool::stop() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void ThreadPool::submit(std::function<void()> task) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    queue_.push_back(std::move(task));
    waiting_.store(queue_.size(), std::memory_order_relaxed);
  }
  wake_.notify_one();
}

void ThreadPool::work() {
  for (;;) {
    std::function<void()> task;
    {
      std::unique_lock<std::mutex> lock(mutex_);
      wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
      if (queue_.empty()) return;
      task = std::move(queue_.front());
      queue_.pop_front();
      waiting_.store(queue_.size(), std::memory_order_relaxed);
    }
    task();
  }
}

}  // namespace velaria
