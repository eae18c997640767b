#include "src/exec/collect_sink.h"

#include <algorithm>
#include <mutex>

#include "src/exec/sort/chunk_list_scan.h"
#include "src/kernel/take.h"

namespace velaria {

namespace {

class CollectState : public SinkState {
 public:
  CollectState(std::shared_ptr<MemoryBudget> session_budget, const char* purpose)
      : budget(std::move(session_budget)), reservation(budget, purpose) {}
  std::shared_ptr<MemoryBudget> budget;
  MemoryReservation reservation;
  std::mutex mutex;
  std::vector<Chunk> chunks;
};

class CollectTask : public SinkTask {
 public:
  CollectTask(std::shared_ptr<MemoryBudget> budget, const char* purpose)
      : reservation(std::move(budget), purpose) {}
  MemoryReservation reservation;
  uint64_t bytes = 0;
  std::vector<Chunk> chunks;
};

class CollectSink : public SinkOperator {
 public:
  explicit CollectSink(const char* purpose) : purpose_(purpose) {}
  std::unique_ptr<SinkState> new_state(const ExecutionContext& context) const override {
    return std::make_unique<CollectState>(context.budget, purpose_);
  }
  void begin_epoch(SinkState& state) const override {
    static_cast<CollectState&>(state).chunks.clear();
    static_cast<CollectState&>(state).reservation.resize(0);
  }
  std::unique_ptr<SinkTask> new_task(SinkState& state, size_t) const override {
    return std::make_unique<CollectTask>(static_cast<CollectState&>(state).budget, purpose_);
  }
  SinkResult consume(SinkState&, SinkTask& base, Chunk chunk) const override {
    if (chunk.selected_rows() == 0) return SinkResult::kNeedInput;
    auto& task = static_cast<CollectTask&>(base);
    task.chunks.push_back(compact(chunk));
    task.bytes += static_cast<uint64_t>(task.chunks.back().estimated_bytes());
    task.reservation.resize(task.bytes);
    return SinkResult::kNeedInput;
  }
  void combine(SinkState& base, std::unique_ptr<SinkTask> base_task) const override {
    auto& state = static_cast<CollectState&>(base);
    auto& task = static_cast<CollectTask&>(*base_task);
    const std::lock_guard<std::mutex> lock(state.mutex);
    for (Chunk& chunk : task.chunks) state.chunks.push_back(std::move(chunk));
    const uint64_t held = state.reservation.held_bytes() + task.bytes;
    task.reservation.resize(0);
    state.reservation.resize(held);
  }
  void finish(SinkState& base, const ExecutionContext&) const override {
    auto& state = static_cast<CollectState&>(base);
    std::stable_sort(state.chunks.begin(), state.chunks.end(),
                     [](const Chunk& a, const Chunk& b) { return a.order < b.order; });
  }
  std::unique_ptr<TableScan> result(SinkState& base, const ScanRequest& request) const override {
    return scan_chunks(static_cast<CollectState&>(base).chunks, request);
  }
  int64_t result_rows(const SinkState& base) const override {
    int64_t rows = 0;
    for (const Chunk& chunk : static_cast<const CollectState&>(base).chunks) rows += chunk.rows;
    return rows;
  }

 private:
  const char* purpose_;  // for messages about memory
};

}  // namespace

std::unique_ptr<SinkOperator> make_collect() {
  return std::make_unique<CollectSink>("the query result");
}

std::unique_ptr<SinkOperator> make_shared_rows() {
  return std::make_unique<CollectSink>("rows that the query reads several times");
}

std::vector<Chunk> take_collected(SinkState& base) {
  auto& state = static_cast<CollectState&>(base);
  std::vector<Chunk> out = std::move(state.chunks);
  state.chunks.clear();
  state.reservation.resize(0);
  return out;
}

}  // namespace velaria
