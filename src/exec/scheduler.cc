#include "src/exec/scheduler.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>

#include "src/base/error.h"

namespace velaria {

namespace {

// Waits for a number of tasks; keeps the first failure; asks for interrupts while it waits.
class TaskGroup {
 public:
  explicit TaskGroup(size_t tasks) : running_(tasks) {}

  void run(const std::function<void()>& task) noexcept {
    try {
      if (!stopped()) task();
    } catch (...) {
      fail(std::current_exception());
    }
    // Notified under the lock: the waiter may destroy this object as soon as it sees zero.
    const std::lock_guard<std::mutex> lock(mutex_);
    if (--running_ == 0) done_.notify_all();
  }

  void fail(std::exception_ptr failure) noexcept {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!failure_) failure_ = std::move(failure);
    stopped_.store(true, std::memory_order_release);
  }

  void stop() { stopped_.store(true, std::memory_order_release); }
  bool stopped() const { return stopped_.load(std::memory_order_acquire); }

  void wait(const std::function<void()>& interrupt_check) {
    std::unique_lock<std::mutex> lock(mutex_);
    while (running_ > 0) {
      if (!interrupt_check) {
        done_.wait(lock);
        continue;
      }
      if (done_.wait_for(lock, std::chrono::milliseconds(20)) == std::cv_status::timeout) {
        lock.unlock();
        try {
          interrupt_check();
        } catch (...) {
          fail(std::current_exception());
        }
        lock.lock();
      }
    }
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  std::mutex mutex_;
  std::condition_variable done_;
  size_t running_;
  std::exception_ptr failure_;
  std::atomic<bool> stopped_{false};
};

// Adds the time it lives to a stage; does nothing without one.
class StageClock {
 public:
  using Clock = std::chrono::steady_clock;
  explicit StageClock(StageProfile* stage) : stage_(stage) {
    if (stage_ != nullptr) start_ = Clock::now();
  }
  ~StageClock() {
    if (stage_ == nullptr) return;
    stage_->time_ns +=
        std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - start_).count();
  }
  StageClock(const StageClock&) = delete;
  StageClock& operator=(const StageClock&) = delete;

 private:
  StageProfile* stage_;
  Clock::time_point start_;
};

struct PipelineParts {
  const PipelineInputRun& input;
  // Asked between chunks, also between those that a transform makes of one; may throw.
  std::function<bool()> keep_going;
  std::atomic<uint64_t> next_order{0};
  std::atomic<bool> sink_finished{false};
  std::mutex profile_mutex{};
};

// One task of a pipeline.
class PipelineTask {
 public:
  PipelineTask(PipelineParts& parts, size_t tasks)
      : parts_(parts),
        source_(parts.input.scan.new_task()),
        sink_task_(parts.input.sink.new_task(parts.input.sink_state, tasks)) {
    for (const auto& transform : parts.input.transforms) {
      states_.push_back(transform->new_state(parts.input.states));
    }
    if (parts.input.profile != nullptr) stages_.resize(parts.input.transforms.size() + 2);
  }

  // False: the source is at its end, or the sink wants no more.
  bool step() {
    Chunk chunk;
    if (!pull(&chunk)) return false;
    next_order_ = parts_.input.first_order + chunk.order + 1;
    order_ = (next_order_ - 1) << kSubOrderBits;
    last_order_ = order_ | ((uint64_t{1} << kSubOrderBits) - 1);
    return push(std::move(chunk), 0);
  }

  void combine() {
    {
      const StageClock clock(stage(parts_.input.transforms.size() + 1));
      parts_.input.sink.combine(parts_.input.sink_state, std::move(sink_task_));
    }
    if (parts_.input.profile != nullptr) {
      const std::lock_guard<std::mutex> lock(parts_.profile_mutex);
      auto& total = parts_.input.profile->stages;
      total.resize(stages_.size());
      for (size_t i = 0; i < stages_.size(); ++i) total[i].add(stages_[i]);
    }
    uint64_t seen = parts_.next_order.load();
    while (seen < next_order_ && !parts_.next_order.compare_exchange_weak(seen, next_order_)) {
    }
  }

 private:
  // Null unless a profile is wanted. 0 is the scan, then come the transforms and the sink.
  StageProfile* stage(size_t i) { return stages_.empty() ? nullptr : &stages_[i]; }

  void count(size_t i, const Chunk& chunk) {
    if (stages_.empty()) return;
    const int64_t rows = chunk.selected_rows();
    if (rows == 0) return;
    StageProfile& passed = stages_[i];
    ++passed.chunks;
    passed.rows += rows;
    const double share = static_cast<double>(rows) / static_cast<double>(chunk.rows);
    passed.bytes += static_cast<int64_t>(static_cast<double>(chunk.estimated_bytes()) * share);
  }

  bool pull(Chunk* chunk) {
    const StageClock clock(stage(0));
    if (!source_->next(chunk)) return false;
    count(0, *chunk);
    return true;
  }

  SinkResult sink(Chunk chunk) {
    const size_t last = parts_.input.transforms.size() + 1;
    count(last, chunk);
    const StageClock clock(stage(last));
    return parts_.input.sink.consume(parts_.input.sink_state, *sink_task_, std::move(chunk));
  }

  TransformResult transform(size_t i, const Chunk& input, Chunk* output) {
    const StageClock clock(stage(i + 1));
    return parts_.input.transforms[i]->process(input, states_[i].get(), output);
  }

  bool push(Chunk chunk, size_t next) {
    if (next == parts_.input.transforms.size()) {
      chunk.order = order_;
      // Beyond the bits the chunks share an order; they are still this task's, one after the other.
      if (order_ < last_order_ && chunk.selected_rows() > 0) ++order_;
      if (sink(std::move(chunk)) == SinkResult::kNeedInput) return true;
      parts_.sink_finished.store(true, std::memory_order_relaxed);
      return false;
    }
    for (;;) {
      Chunk output;
      const TransformResult result = transform(next, chunk, &output);
      count(next + 1, output);
      if (!push(std::move(output), next + 1)) return false;
      if (result == TransformResult::kNeedInput) return true;
      if (!parts_.keep_going()) return false;
    }
  }

  PipelineParts& parts_;
  std::unique_ptr<ScanTask> source_;
  std::unique_ptr<SinkTask> sink_task_;
  std::vector<std::unique_ptr<TransformState>> states_;
  std::vector<StageProfile> stages_;  // empty unless a profile is wanted
  uint64_t next_order_ = 0;
  uint64_t order_ = 0;
  uint64_t last_order_ = 0;
};

}  // namespace

PipelineInputEnd run_pipeline_input(const PipelineInputRun& input,
                                    const ExecutionContext& context) {
  PipelineParts parts{input, nullptr};
  parts.next_order = input.first_order;
  if (input.tasks <= 1 || context.pool == nullptr) {
    constexpr int kChunksBetweenInterruptChecks = 64;
    int chunks = 0;
    parts.keep_going = [&context, &chunks] {
      if (context.cancellation) context.cancellation->throw_if_cancelled();
      if (context.interrupt_check && ++chunks % kChunksBetweenInterruptChecks == 0) {
        context.interrupt_check();
      }
      return true;
    };
    PipelineTask task(parts, 1);
    do {
      parts.keep_going();
    } while (task.step());
    task.combine();
  } else {
    TaskGroup group(input.tasks);
    parts.keep_going = [&context, &group] {
      if (context.cancellation) context.cancellation->throw_if_cancelled();
      return !group.stopped();
    };
    for (size_t i = 0; i < input.tasks; ++i) {
      context.pool->submit([&group, &parts] {
        group.run([&] {
          PipelineTask task(parts, parts.input.tasks);
          while (parts.keep_going() && task.step()) {
          }
          task.combine();
        });
      });
    }
    group.wait(context.interrupt_check);
  }
  return {parts.next_order.load(), parts.sink_finished.load()};
}

void run_parallel(size_t count, const std::function<void(size_t)>& f,
                  const ExecutionContext& context) {
  if (context.pool == nullptr || context.tasks <= 1 || count <= 1) {
    for (size_t i = 0; i < count; ++i) {
      if (context.cancellation) context.cancellation->throw_if_cancelled();
      if (context.interrupt_check) context.interrupt_check();
      f(i);
    }
    return;
  }
  const size_t tasks = std::min(count, context.tasks);
  std::atomic<size_t> next{0};
  TaskGroup group(tasks);
  for (size_t t = 0; t < tasks; ++t) {
    context.pool->submit([&] {
      group.run([&] {
        for (size_t i = next.fetch_add(1); i < count && !group.stopped(); i = next.fetch_add(1)) {
          if (context.cancellation) context.cancellation->throw_if_cancelled();
          f(i);
        }
      });
    });
  }
  group.wait(context.interrupt_check);
}

}  // namespace velaria
