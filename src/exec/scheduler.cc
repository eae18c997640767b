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

struct PipelineParts {
  const PipelineInputRun& input;
  // Asked between chunks, also between those that a transform makes of one; may throw.
  std::function<bool()> keep_going;
  std::atomic<uint64_t> next_order{0};
  std::atomic<bool> sink_finished{false};
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
  }

  // False: the source is at its end, or the sink wants no more.
  bool step() {
    Chunk chunk;
    if (!source_->next(&chunk)) return false;
    next_order_ = parts_.input.first_order + chunk.order + 1;
    order_ = (next_order_ - 1) << kSubOrderBits;
    last_order_ = order_ | ((uint64_t{1} << kSubOrderBits) - 1);
    return push(std::move(chunk), 0);
  }

  void combine() {
    parts_.input.sink.combine(parts_.input.sink_state, std::move(sink_task_));
    uint64_t seen = parts_.next_order.load();
    while (seen < next_order_ && !parts_.next_order.compare_exchange_weak(seen, next_order_)) {
    }
  }

 private:
  bool push(Chunk chunk, size_t stage) {
    if (stage == parts_.input.transforms.size()) {
      chunk.order = order_;
      // Beyond the bits the chunks share an order; they are still this task's, one after the other.
      if (order_ < last_order_ && chunk.selected_rows() > 0) ++order_;
      if (parts_.input.sink.consume(parts_.input.sink_state, *sink_task_, std::move(chunk)) ==
          SinkResult::kNeedInput) {
        return true;
      }
      parts_.sink_finished.store(true, std::memory_order_relaxed);
      return false;
    }
    const TransformOperator& transform = *parts_.input.transforms[stage];
    for (;;) {
      Chunk output;
      const TransformResult result = transform.process(chunk, states_[stage].get(), &output);
      if (!push(std::move(output), stage + 1)) return false;
      if (result == TransformResult::kNeedInput) return true;
      if (!parts_.keep_going()) return false;
    }
  }

  PipelineParts& parts_;
  std::unique_ptr<ScanTask> source_;
  std::unique_ptr<SinkTask> sink_task_;
  std::vector<std::unique_ptr<TransformState>> states_;
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
