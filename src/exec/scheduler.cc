#include "src/exec/scheduler.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <optional>
#include <utility>

#include "src/base/clock.h"
#include "src/kernel/take.h"

namespace velaria {

namespace {

// How long a task keeps its thread while tasks of other queries wait for one.
constexpr std::chrono::milliseconds kSlice(10);

// The turn of one task on a thread of the pool.
class Slice {
 public:
  using Clock = std::chrono::steady_clock;
  explicit Slice(const ThreadPool& pool) : pool_(pool), start_(Clock::now()) {}
  bool is_over() const { return pool_.has_waiting() && Clock::now() - start_ >= kSlice; }

 private:
  const ThreadPool& pool_;
  const Clock::time_point start_;
};

// How often somebody who waits for a query looks whether it shall go on.
constexpr std::chrono::milliseconds kBetweenInterruptChecks{20};

// Asks a context for interrupts, and not again before that time is over: the check may have to wait
// for a lock of the embedding program. For work in many short steps, none of which is waited for
// long enough to be asked about.
class InterruptClock {
 public:
  explicit InterruptClock(const ExecutionContext& context) : context_(context) {}
  void ask() {
    if (!context_.interrupt_check) return;
    const auto now = std::chrono::steady_clock::now();
    if (now < next_) return;
    context_.interrupt_check();
    next_ = now + kBetweenInterruptChecks;
  }

 private:
  const ExecutionContext& context_;
  std::chrono::steady_clock::time_point next_ =
      std::chrono::steady_clock::now() + kBetweenInterruptChecks;
};

// Work that can be left at the end of a slice and taken up again, by another thread too.
class SlicedTask {
 public:
  virtual ~SlicedTask() = default;
  // False: all is done.
  virtual bool run(const Slice& slice) = 0;
};

// Tasks that share a pool with those of other queries, in turns; keeps the first failure; asks for
// interrupts while it waits.
class TaskGroup {
 public:
  explicit TaskGroup(const ExecutionContext& context)
      : pool_(*context.pool), cpu_ns_(context.pool_cpu_ns) {}

  // Once; returns when all tasks have ended, throws the first failure.
  void run(std::vector<std::unique_ptr<SlicedTask>> tasks,
           const std::function<void()>& interrupt_check) {
    tasks_ = std::move(tasks);
    running_ = tasks_.size();
    for (size_t i = 0; i < tasks_.size(); ++i) submit(i);
    wait(interrupt_check);
  }

  bool stopped() const { return stopped_.load(std::memory_order_acquire); }

 private:
  void submit(size_t i) noexcept {
    try {
      pool_.submit([this, i] { run_slice(i); });
    } catch (...) {
      fail(std::current_exception());
      end(i);
    }
  }

  void run_slice(size_t i) noexcept {
    bool more = false;
    const int64_t start_ns = cpu_ns_ != nullptr ? thread_cpu_ns() : 0;
    try {
      if (!stopped()) more = tasks_[i]->run(Slice(pool_));
    } catch (...) {
      fail(std::current_exception());
    }
    if (cpu_ns_ != nullptr) cpu_ns_->fetch_add(thread_cpu_ns() - start_ns);
    if (more) {
      submit(i);
    } else {
      end(i);
    }
  }

  void end(size_t i) noexcept {
    tasks_[i].reset();
    // Notified under the lock: the waiter may destroy this object as soon as it sees zero.
    const std::lock_guard<std::mutex> lock(mutex_);
    if (--running_ == 0) done_.notify_all();
  }

  void fail(std::exception_ptr failure) noexcept {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!failure_) failure_ = std::move(failure);
    stopped_.store(true, std::memory_order_release);
  }

  void wait(const std::function<void()>& interrupt_check) {
    std::unique_lock<std::mutex> lock(mutex_);
    while (running_ > 0) {
      if (!interrupt_check) {
        done_.wait(lock);
        continue;
      }
      if (done_.wait_for(lock, kBetweenInterruptChecks) == std::cv_status::timeout) {
        lock.unlock();
        std::exception_ptr interrupt;
        try {
          interrupt_check();
        } catch (...) {
          interrupt = std::current_exception();
        }
        lock.lock();
        // Before any other failure: tasks that see the cancelled query fail as well.
        if (interrupt) {
          failure_ = std::move(interrupt);
          stopped_.store(true, std::memory_order_release);
        }
      }
    }
    if (failure_) std::rethrow_exception(failure_);
  }

  ThreadPool& pool_;
  std::atomic<int64_t>* const cpu_ns_;
  std::vector<std::unique_ptr<SlicedTask>> tasks_;
  std::mutex mutex_;
  std::condition_variable done_;
  size_t running_ = 0;
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
  int64_t chunk_rows;
  // Asked between chunks, also between those that a transform makes of one; may throw.
  std::function<bool()> keep_going;
  std::atomic<uint64_t> next_order{0};
  std::atomic<bool> sink_finished{false};
  std::mutex profile_mutex{};
};

// The chunks of the scan that something comes from.
struct SourceRange {
  uint64_t begin = 0;
  uint64_t end = 0;
};

// Chunks of few rows between two stages of a task, which go on as one. They come from neighbouring
// chunks of the scan, so no other task has rows in between, and the order of all rows stays what it
// is.
struct GatheredChunks {
  std::vector<Chunk> chunks;
  int64_t rows = 0;
  SourceRange source;
};

// Whether gathering copies no more than the rows themselves: texts coded by a dictionary would have
// to be written out. Columns that nobody reads are NULL constants.
bool is_cheap_to_gather(const Chunk& chunk) {
  return std::all_of(chunk.columns.begin(), chunk.columns.end(), [](const ColumnPtr& column) {
    return column->is_flat() || (column->is_constant() && column->is_null(0));
  });
}

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
    gathered_.resize(parts.input.transforms.size());
    if (parts.input.profile != nullptr) stages_.resize(parts.input.transforms.size() + 2);
  }

  // Takes one chunk to the sink, or to where it waits for others: the next that a transform makes
  // of the one it has, or a new one. False: the source is at its end, or the sink wants no more.
  bool step() {
    if (on_the_way_.empty() && !pull() && !release_first_gathered()) return false;
    while (!on_the_way_.empty() && on_the_way_.back().stage < parts_.input.transforms.size()) {
      transform();
    }
    return on_the_way_.empty() || sink();
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

  bool pull() {
    if (source_is_at_its_end_) return false;
    Chunk chunk;
    {
      const StageClock clock(stage(0));
      if (!source_->next(&chunk)) {
        source_is_at_its_end_ = true;
        return false;
      }
      count(0, chunk);
    }
    next_order_ = parts_.input.first_order + chunk.order + 1;
    on_the_way_.push_back({std::move(chunk), 0, {next_order_ - 1, next_order_}});
    return true;
  }

  // The newest chunk, at its next transform: what comes out is on the way from then on, and the
  // chunk stays while the transform has more to make of it.
  void transform() {
    const size_t i = on_the_way_.back().stage;
    const SourceRange source = on_the_way_.back().source;
    Chunk output;
    TransformResult result;
    {
      const StageClock clock(stage(i + 1));
      result =
          parts_.input.transforms[i]->process(on_the_way_.back().chunk, states_[i].get(), &output);
    }
    count(i + 1, output);
    if (result == TransformResult::kNeedInput) on_the_way_.pop_back();
    if (!parts_.input.transforms[i]->may_leave_few_rows() || !gather(&output, i, source)) {
      on_the_way_.push_back({std::move(output), i + 1, source});
    }
  }

  // Keeps what stage `i` made while it is little; false: it goes on by itself. What waits already
  // goes on first.
  bool gather(Chunk* output, size_t i, const SourceRange& source) {
    constexpr int64_t kFewRows = 256;
    constexpr int64_t kEnoughRows = 1024;
    // In the worst case this many chunks of the scan pass before a LIMIT hears of their rows.
    constexpr uint64_t kMostSourceChunks = 32;
    GatheredChunks& waiting = gathered_[i];
    const int64_t rows = output->selected_rows();
    const int64_t most_rows = chunk_rows_of_width(parts_.chunk_rows, output->columns.size());
    const bool is_small = rows < std::min(kFewRows, (most_rows + 1) / 2) &&
                          (rows == 0 || is_cheap_to_gather(*output));
    const bool are_neighbours = waiting.source.end >= source.begin &&
                                source.end <= waiting.source.begin + kMostSourceChunks;
    const bool goes_on_first = !waiting.chunks.empty() && !(is_small && are_neighbours);
    if (goes_on_first) {
      Chunk before = take_gathered(i);
      const SourceRange before_source = waiting.source;
      // The newest goes on first.
      if (!is_small) on_the_way_.push_back({std::move(*output), i + 1, source});
      on_the_way_.push_back({std::move(before), i + 1, before_source});
      if (!is_small) return true;
    } else if (!is_small) {
      return false;
    }
    if (waiting.chunks.empty()) {
      // Without rows it tells the sink how far this task is; not before rows that go on first.
      if (rows == 0) return goes_on_first;
      waiting.source.begin = source.begin;
    }
    waiting.source.end = source.end;
    if (rows == 0) return true;
    waiting.rows += rows;
    waiting.chunks.push_back(std::move(*output));
    if (waiting.rows >= std::min(kEnoughRows, most_rows)) {
      on_the_way_.push_back({take_gathered(i), i + 1, waiting.source});
    }
    return true;
  }

  // The chunks that wait behind stage `i` as one; none waits then.
  Chunk take_gathered(size_t i) {
    const StageClock clock(stage(i + 1));
    GatheredChunks& waiting = gathered_[i];
    std::vector<DataType> types;
    for (const ColumnPtr& column : waiting.chunks[0].columns) types.push_back(column->type());
    Chunk out = concatenate_chunks(waiting.chunks, types);
    waiting.chunks.clear();
    waiting.rows = 0;
    return out;
  }

  // Of the source's last chunks. False: nothing waits anywhere.
  bool release_first_gathered() {
    for (size_t i = 0; i < gathered_.size(); ++i) {
      if (gathered_[i].chunks.empty()) continue;
      on_the_way_.push_back({take_gathered(i), i + 1, gathered_[i].source});
      return true;
    }
    return false;
  }

  bool sink() {
    Chunk chunk = std::move(on_the_way_.back().chunk);
    const uint64_t first_order = on_the_way_.back().source.begin << kSubOrderBits;
    const uint64_t last_order = first_order | ((uint64_t{1} << kSubOrderBits) - 1);
    on_the_way_.pop_back();
    order_ = std::max(order_, first_order);
    chunk.order = order_;
    // Beyond the bits the chunks share an order; they are still this task's, one after the other.
    if (order_ < last_order && chunk.selected_rows() > 0) ++order_;
    const size_t last = parts_.input.transforms.size() + 1;
    count(last, chunk);
    const StageClock clock(stage(last));
    const SinkResult result =
        parts_.input.sink.consume(parts_.input.sink_state, *sink_task_, std::move(chunk));
    if (result == SinkResult::kNeedInput) return true;
    parts_.sink_finished.store(true, std::memory_order_relaxed);
    return false;
  }

  // A chunk and the transform it comes to next; the newest is the last.
  struct ChunkOnTheWay {
    Chunk chunk;
    size_t stage;
    SourceRange source;
  };

  PipelineParts& parts_;
  std::unique_ptr<ScanTask> source_;
  std::unique_ptr<SinkTask> sink_task_;
  std::vector<std::unique_ptr<TransformState>> states_;
  std::vector<ChunkOnTheWay> on_the_way_;
  std::vector<GatheredChunks> gathered_;  // behind each transform
  bool source_is_at_its_end_ = false;
  std::vector<StageProfile> stages_;  // empty unless a profile is wanted
  uint64_t next_order_ = 0;
  uint64_t order_ = 0;  // of the next chunk at the sink, if its source is not behind it
};

// A PipelineTask in turns, begun by the thread that runs it first.
class SlicedPipelineTask : public SlicedTask {
 public:
  explicit SlicedPipelineTask(PipelineParts& parts) : parts_(parts) {}

  bool run(const Slice& slice) override {
    if (!task_) task_.emplace(parts_, parts_.input.tasks);
    while (parts_.keep_going() && task_->step()) {
      if (slice.is_over()) return true;
    }
    task_->combine();
    return false;
  }

 private:
  PipelineParts& parts_;
  std::optional<PipelineTask> task_;
};

// Takes the next piece until there is none.
class SlicedPieces : public SlicedTask {
 public:
  SlicedPieces(std::atomic<size_t>& next, size_t count, const std::function<void(size_t)>& f,
               const std::function<bool()>& keep_going)
      : next_(next), count_(count), f_(f), keep_going_(keep_going) {}

  bool run(const Slice& slice) override {
    while (keep_going_()) {
      const size_t i = next_.fetch_add(1);
      if (i >= count_) return false;
      f_(i);
      if (slice.is_over()) return true;
    }
    return false;
  }

 private:
  std::atomic<size_t>& next_;
  const size_t count_;
  const std::function<void(size_t)>& f_;
  const std::function<bool()>& keep_going_;
};

}  // namespace

struct PipelineSteps::State {
  // A task that goes on for a number of chunks; empty before the first and after the last one.
  struct Task {
    std::optional<PipelineTask> task;
    bool ended = false;
  };
  class SlicedSteps : public SlicedTask {
   public:
    SlicedSteps(Task& task, PipelineParts& parts, size_t chunks)
        : task_(task), parts_(parts), left_(chunks) {}
    bool run(const Slice& slice) override {
      if (!task_.task) task_.task.emplace(parts_, parts_.input.tasks);
      for (; left_ > 0; --left_) {
        if (!parts_.keep_going() || !task_.task->step()) {
          task_.task->combine();
          task_.task.reset();
          task_.ended = true;
          return false;
        }
        if (slice.is_over()) {
          --left_;
          return left_ > 0;
        }
      }
      return false;
    }

   private:
    Task& task_;
    PipelineParts& parts_;
    size_t left_;
  };

  PipelineInputRun input;
  const ExecutionContext& context;
  PipelineParts parts{input, context.chunk_rows, nullptr};
  InterruptClock interrupts{context};
  std::vector<Task> tasks;

  State(const PipelineInputRun& input_run, const ExecutionContext& execution_context)
      : input(input_run),
        context(execution_context),
        tasks(context.pool == nullptr ? 1 : std::max<size_t>(1, input_run.tasks)) {
    input.tasks = tasks.size();
    input.profile = nullptr;
    parts.next_order = input.first_order;
  }

  bool ended() const {
    return std::all_of(tasks.begin(), tasks.end(), [](const Task& task) { return task.ended; });
  }

  void run_here(size_t chunks) {
    parts.keep_going = [this] {
      if (context.cancellation) context.cancellation->throw_if_cancelled();
      interrupts.ask();
      return true;
    };
    Task& only = tasks[0];
    if (!only.task) only.task.emplace(parts, 1);
    for (; chunks > 0; --chunks) {
      parts.keep_going();
      if (only.task->step()) continue;
      only.task->combine();
      only.task.reset();
      only.ended = true;
      return;
    }
  }

  void run_on_pool(size_t chunks) {
    interrupts.ask();
    TaskGroup group(context);
    parts.keep_going = [this, &group] {
      if (context.cancellation) context.cancellation->throw_if_cancelled();
      return !group.stopped();
    };
    std::vector<std::unique_ptr<SlicedTask>> steps;
    for (Task& task : tasks) {
      if (!task.ended) steps.push_back(std::make_unique<SlicedSteps>(task, parts, chunks));
    }
    group.run(std::move(steps), context.interrupt_check);
  }
};

PipelineSteps::PipelineSteps(const PipelineInputRun& input, const ExecutionContext& context)
    : state_(std::make_unique<State>(input, context)) {}

PipelineSteps::~PipelineSteps() = default;

bool PipelineSteps::advance(size_t chunks) {
  if (state_->ended()) return false;
  if (state_->tasks.size() == 1) {
    state_->run_here(chunks);
  } else {
    state_->run_on_pool(chunks);
  }
  return !state_->ended();
}

PipelineInputEnd PipelineSteps::end() const {
  return {state_->parts.next_order.load(), state_->parts.sink_finished.load()};
}

PipelineInputEnd run_pipeline_input(const PipelineInputRun& input,
                                    const ExecutionContext& context) {
  PipelineParts parts{input, context.chunk_rows, nullptr};
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
    TaskGroup group(context);
    parts.keep_going = [&context, &group] {
      if (context.cancellation) context.cancellation->throw_if_cancelled();
      return !group.stopped();
    };
    std::vector<std::unique_ptr<SlicedTask>> tasks;
    for (size_t i = 0; i < input.tasks; ++i) {
      tasks.push_back(std::make_unique<SlicedPipelineTask>(parts));
    }
    group.run(std::move(tasks), context.interrupt_check);
  }
  return {parts.next_order.load(), parts.sink_finished.load()};
}

namespace {

void run_pieces_here(size_t count, const std::function<void(size_t)>& f,
                     const ExecutionContext& context) {
  for (size_t i = 0; i < count; ++i) {
    if (context.cancellation) context.cancellation->throw_if_cancelled();
    if (context.interrupt_check) context.interrupt_check();
    f(i);
  }
}

void run_pieces_on_pool(size_t count, const std::function<void(size_t)>& f,
                        const ExecutionContext& context) {
  std::atomic<size_t> next{0};
  TaskGroup group(context);
  const std::function<bool()> keep_going = [&context, &group] {
    if (context.cancellation) context.cancellation->throw_if_cancelled();
    return !group.stopped();
  };
  std::vector<std::unique_ptr<SlicedTask>> tasks;
  for (size_t t = 0; t < std::min(count, context.tasks); ++t) {
    tasks.push_back(std::make_unique<SlicedPieces>(next, count, f, keep_going));
  }
  group.run(std::move(tasks), context.interrupt_check);
}

}  // namespace

void run_parallel(size_t count, const std::function<void(size_t)>& f,
                  const ExecutionContext& context) {
  if (context.pool == nullptr || context.tasks <= 1 || count <= 1) {
    run_pieces_here(count, f, context);
  } else {
    run_pieces_on_pool(count, f, context);
  }
}

void run_long_pieces(size_t count, const std::function<void(size_t)>& f,
                     const ExecutionContext& context) {
  if (context.pool == nullptr) {
    run_pieces_here(count, f, context);
  } else {
    run_pieces_on_pool(count, f, context);
  }
}

}  // namespace velaria
