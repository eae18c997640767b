#include "src/exec/ordered_rows_sink.h"

#include <algorithm>
#include <limits>
#include <map>
#include <mutex>
#include <utility>

#include "src/exec/sort/chunk_list_scan.h"
#include "src/kernel/take.h"

namespace velaria {

namespace {

class OrderedRowsState : public SinkState {
 public:
  explicit OrderedRowsState(std::shared_ptr<MemoryBudget> budget)
      : reservation(std::move(budget), "rows of the result that wait to be taken") {}

  // Everything still to come is behind this, or of its task.
  uint64_t bound() const {
    uint64_t out = std::numeric_limits<uint64_t>::max();
    for (const uint64_t order : reached) out = std::min(out, order);
    return out;
  }

  std::mutex mutex;
  MemoryReservation reservation;
  std::multimap<uint64_t, Chunk> chunks;  // by order; equal ones in the order in which they came
  std::vector<uint64_t> reached;          // per task: the order of its last chunk
  size_t started = 0;                     // tasks that have begun
  uint64_t bytes = 0;
};

class OrderedRowsTask : public SinkTask {
 public:
  explicit OrderedRowsTask(size_t task_index) : index(task_index) {}
  const size_t index;
};

uint64_t bytes_of(const Chunk& chunk) { return static_cast<uint64_t>(chunk.estimated_bytes()); }

class OrderedRowsSink : public SinkOperator {
 public:
  std::unique_ptr<SinkState> new_state(const ExecutionContext& context) const override {
    return std::make_unique<OrderedRowsState>(context.budget);
  }
  void begin_epoch(SinkState& base) const override {
    auto& state = static_cast<OrderedRowsState&>(base);
    state.chunks.clear();
    state.reached.clear();
    state.started = 0;
    state.bytes = 0;
    state.reservation.resize(0);
  }
  std::unique_ptr<SinkTask> new_task(SinkState& base, size_t tasks) const override {
    auto& state = static_cast<OrderedRowsState&>(base);
    const std::lock_guard<std::mutex> lock(state.mutex);
    if (state.started == state.reached.size()) {  // the tasks of the next input
      state.reached.assign(tasks, 0);             // those that have not begun have reached nothing
      state.started = 0;
    }
    return std::make_unique<OrderedRowsTask>(state.started++);
  }
  SinkResult consume(SinkState& base, SinkTask& task, Chunk chunk) const override {
    auto& state = static_cast<OrderedRowsState&>(base);
    const uint64_t order = chunk.order;
    const bool has_rows = chunk.selected_rows() > 0;
    Chunk kept = has_rows ? compact(chunk) : Chunk();
    const std::lock_guard<std::mutex> lock(state.mutex);
    state.reached[static_cast<OrderedRowsTask&>(task).index] = order;
    if (has_rows) {
      state.bytes += bytes_of(kept);
      state.reservation.resize(state.bytes);
      state.chunks.emplace(order, std::move(kept));
    }
    return SinkResult::kNeedInput;
  }
  void combine(SinkState& base, std::unique_ptr<SinkTask> task) const override {
    auto& state = static_cast<OrderedRowsState&>(base);
    const std::lock_guard<std::mutex> lock(state.mutex);
    state.reached[static_cast<OrderedRowsTask&>(*task).index] =
        std::numeric_limits<uint64_t>::max();
  }
  void finish(SinkState&, const ExecutionContext&) const override {}
  std::unique_ptr<TableScan> result(SinkState&, const ScanRequest& request) const override {
    static const std::vector<Chunk> kNone;
    return scan_chunks(kNone, request);
  }
  int64_t result_rows(const SinkState&) const override { return 0; }
};

}  // namespace

std::unique_ptr<SinkOperator> make_ordered_rows() { return std::make_unique<OrderedRowsSink>(); }

bool take_next_in_order(SinkState& base, Chunk* chunk) {
  auto& state = static_cast<OrderedRowsState&>(base);
  const std::lock_guard<std::mutex> lock(state.mutex);
  if (state.chunks.empty() || state.chunks.begin()->first > state.bound()) return false;
  *chunk = std::move(state.chunks.begin()->second);
  state.chunks.erase(state.chunks.begin());
  state.bytes -= bytes_of(*chunk);
  state.reservation.resize(state.bytes);
  return true;
}

}  // namespace velaria
