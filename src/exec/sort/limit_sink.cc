#include <algorithm>
#include <limits>
#include <mutex>
#include <utility>

#include "src/exec/sort/chunk_list_scan.h"
#include "src/exec/sort/sort_sink.h"
#include "src/kernel/take.h"

namespace velaria {

namespace {

class LimitState : public SinkState {
 public:
  explicit LimitState(std::shared_ptr<MemoryBudget> budget)
      : reservation(std::move(budget), "the rows of LIMIT") {}

  std::mutex mutex;
  MemoryReservation reservation;
  std::vector<Chunk> chunks;
  std::vector<uint64_t> reached;  // per task: all its chunks before this order have come
  size_t started = 0;             // tasks that have begun
  int64_t rows = 0;               // that have come
  int64_t passed = 0;             // of them, surely within OFFSET: they are in `chunks` no more
  size_t unlooked = 0;            // chunks that have come since such were last looked for
  uint64_t bytes = 0;             // of `chunks`
  std::vector<Chunk> result;
};

// How many chunks come between two looks for those within OFFSET.
constexpr size_t kChunksBetweenLooks = 16;

uint64_t bytes_of(const Chunk& chunk) { return static_cast<uint64_t>(chunk.estimated_bytes()); }

class LimitTask : public SinkTask {
 public:
  explicit LimitTask(size_t task_index) : index(task_index) {}
  size_t index;
};

class LimitSink : public SinkOperator {
 public:
  LimitSink(std::optional<int64_t> limit, int64_t offset) : offset_(offset) {
    if (!limit || __builtin_add_overflow(*limit, offset, &needed_)) {
      needed_ = std::numeric_limits<int64_t>::max();
    }
  }

  std::unique_ptr<SinkState> new_state(const ExecutionContext& context) const override {
    return std::make_unique<LimitState>(context.budget);
  }
  void begin_epoch(SinkState& base) const override {
    auto& state = static_cast<LimitState&>(base);
    state.chunks.clear();
    state.reached.clear();
    state.started = 0;
    state.rows = 0;
    state.passed = 0;
    state.unlooked = 0;
    state.bytes = 0;
    state.result.clear();
    state.reservation.resize(0);
  }

  std::unique_ptr<SinkTask> new_task(SinkState& base, size_t tasks) const override {
    auto& state = static_cast<LimitState&>(base);
    const std::lock_guard<std::mutex> lock(state.mutex);
    // Tasks that have not begun count as having reached nothing.
    if (state.started == state.reached.size()) {  // the tasks of the next input
      state.reached.assign(tasks, 0);
      state.started = 0;
    }
    return std::make_unique<LimitTask>(state.started++);
  }

  SinkResult consume(SinkState& base, SinkTask& task, Chunk chunk) const override {
    auto& state = static_cast<LimitState&>(base);
    const std::lock_guard<std::mutex> lock(state.mutex);
    if (needed_ == 0) return SinkResult::kFinished;
    const uint64_t order = chunk.order;
    if (chunk.selected_rows() > 0) {
      state.rows += chunk.selected_rows();
      state.chunks.push_back(compact(chunk));
      state.bytes += bytes_of(state.chunks.back());
      ++state.unlooked;
    }
    state.reached[static_cast<LimitTask&>(task).index] = order;
    if (state.passed < offset_ && state.unlooked >= kChunksBetweenLooks) let_pass(state);
    state.reservation.resize(state.bytes);
    if (state.rows < needed_) return SinkResult::kNeedInput;
    return complete(state) ? SinkResult::kFinished : SinkResult::kNeedInput;
  }

  void combine(SinkState& base, std::unique_ptr<SinkTask> task) const override {
    auto& state = static_cast<LimitState&>(base);
    const std::lock_guard<std::mutex> lock(state.mutex);
    state.reached[static_cast<LimitTask&>(*task).index] = std::numeric_limits<uint64_t>::max();
  }

  void finish(SinkState& base, const ExecutionContext&) const override {
    auto& state = static_cast<LimitState&>(base);
    std::stable_sort(state.chunks.begin(), state.chunks.end(),
                     [](const Chunk& a, const Chunk& b) { return a.order < b.order; });
    state.result.clear();
    int64_t passed = state.passed;
    for (const Chunk& chunk : state.chunks) {
      const int64_t first = std::clamp<int64_t>(offset_ - passed, 0, chunk.rows);
      const int64_t last = std::clamp<int64_t>(needed_ - passed, first, chunk.rows);
      if (last > first) state.result.push_back(slice_chunk(chunk, first, last - first));
      passed += chunk.rows;
    }
    state.chunks.clear();
    uint64_t bytes = 0;
    for (const Chunk& chunk : state.result) bytes += bytes_of(chunk);
    state.reservation.resize(bytes);
  }

  std::unique_ptr<TableScan> result(SinkState& base, const ScanRequest& request) const override {
    return scan_chunks(static_cast<LimitState&>(base).result, request);
  }
  int64_t result_rows(const SinkState& base) const override {
    int64_t rows = 0;
    for (const Chunk& chunk : static_cast<const LimitState&>(base).result) rows += chunk.rows;
    return rows;
  }

 private:
  // Everything still to come is behind chunks of a lower order; of one task, behind all.
  static uint64_t settled_order(const LimitState& state) {
    constexpr uint64_t kAll = std::numeric_limits<uint64_t>::max();
    if (state.reached.size() == 1) return kAll;
    uint64_t bound = kAll;
    for (uint64_t reached : state.reached) bound = std::min(bound, reached);
    return bound;
  }

  // Whether the rows that are surely in front of everything still to come suffice.
  bool complete(const LimitState& state) const {
    const uint64_t bound = settled_order(state);
    int64_t rows = state.passed;
    for (const Chunk& chunk : state.chunks) {
      if (chunk.order < bound) rows += chunk.rows;
    }
    return rows >= needed_;
  }

  // Gives up the chunks that are surely within OFFSET.
  void let_pass(LimitState& state) const {
    state.unlooked = 0;
    const uint64_t bound = settled_order(state);
    std::stable_sort(state.chunks.begin(), state.chunks.end(),
                     [](const Chunk& a, const Chunk& b) { return a.order < b.order; });
    auto chunk = state.chunks.begin();
    for (; chunk != state.chunks.end(); ++chunk) {
      if (chunk->order >= bound || state.passed + chunk->rows > offset_) break;
      state.passed += chunk->rows;
      state.bytes -= bytes_of(*chunk);
    }
    state.chunks.erase(state.chunks.begin(), chunk);
  }

  int64_t needed_ = 0;  // offset + limit
  int64_t offset_;
};

}  // namespace

std::unique_ptr<SinkOperator> make_limit(std::optional<int64_t> limit, int64_t offset) {
  return std::make_unique<LimitSink>(limit, offset);
}

}  // namespace velaria
