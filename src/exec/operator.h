// The three faces of an operator: where chunks come from (TableScan, see plan/table_source.h), what
// changes them on the way (TransformOperator), and where they end (SinkOperator).
//
// Operators are immutable and shared by all tasks; everything that changes is in state objects
// outside of them. An operator never waits, never starts threads and never sees another operator.
#pragma once

#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "src/base/cancellation.h"
#include "src/base/memory_budget.h"
#include "src/base/thread_pool.h"
#include "src/column/chunk.h"
#include "src/plan/table_source.h"

namespace velaria {

struct ExecutionProfile;
class SpillSpace;

// What a running query may use. Outlives everything that gets it.
struct ExecutionContext {
  ThreadPool* pool = nullptr;  // null: everything runs on the calling thread
  size_t tasks = 1;            // how many tasks a parallel pipeline gets
  std::shared_ptr<MemoryBudget> budget;
  const CancellationToken* cancellation = nullptr;
  int64_t chunk_rows = kDefaultChunkRows;
  // Called now and then by the thread that waits for the query; throws to stop it (Ctrl-C), which
  // cancels what the query's other threads do.
  std::function<void()> interrupt_check;
  ExecutionProfile* profile = nullptr;  // filled when given; nothing is measured otherwise
  // Where operators put rows that do not fit into memory: a folder, empty for the system's, and
  // from which size on they do it though memory is left (0: never), for tests.
  std::string temp_dir;
  uint64_t spill_after_bytes = 0;
  std::shared_ptr<SpillSpace> spill;  // of the sink that gets this context
  // When given, the processor time that tasks took on the pool's threads is added to it.
  std::atomic<int64_t>* pool_cpu_ns = nullptr;
};

// Operators may make several chunks of one. The pipeline shifts the order that a scan gives to the
// left by this many bits and numbers the chunks that reach the sink from one chunk of the scan.
constexpr int kSubOrderBits = 14;
// Rows a chunk may have at most, so that order and row number fit one word.
constexpr int kChunkRowBits = 12;
constexpr int64_t kMostChunkRows = int64_t{1} << kChunkRowBits;

// Chunks of wide rows are shorter: a chunk stands outside of the memory limit, so that what it
// holds must not grow with the number of columns.
inline int64_t chunk_rows_of_width(int64_t chunk_rows, size_t columns) {
  constexpr size_t kMostValues = size_t{1} << 20;
  return std::min(chunk_rows, static_cast<int64_t>(kMostValues / std::max<size_t>(columns, 1)) + 1);
}

// The place of a row among all rows of its pipeline, the same for any number of tasks.
inline uint64_t row_position(uint64_t chunk_order, uint32_t row) {
  return (chunk_order << kChunkRowBits) | row;
}

// Shared by the tasks of one sink; what combine() touches is guarded inside.
class SinkState {
 public:
  virtual ~SinkState() = default;
};

// What the pipelines before this one left, by the number of the pipeline.
using PipelineStates = std::vector<std::unique_ptr<SinkState>>;

class SinkOperator;

class TransformState {
 public:
  virtual ~TransformState() = default;
};

enum class TransformResult {
  kNeedInput,       // done with this input
  kHaveMoreOutput,  // call again with the same input
};

class TransformOperator {
 public:
  virtual ~TransformOperator() = default;
  // One per task; may be null for an operator without state. An operator that looks into what an
  // earlier pipeline built (a join's hash table) finds it in `states`, which outlives the task.
  virtual std::unique_ptr<TransformState> new_state(const PipelineStates& states) const {
    static_cast<void>(states);
    return nullptr;
  }
  // `output` may end up without rows. Chunks made of one input come out in their order.
  virtual TransformResult process(const Chunk& input, TransformState* state,
                                  Chunk* output) const = 0;
  // Whether hardly any rows may be left of a chunk: then the pipeline gathers several of them
  // before it goes on, since what comes behind costs something for every chunk.
  virtual bool may_leave_few_rows() const { return false; }
  // Not null where `states` say that this cannot work chunk by chunk, since what it looks into is
  // on disk: then all rows go into this sink, and its result stands for what process() would give.
  virtual std::unique_ptr<SinkOperator> replacing_sink(const PipelineStates& states) const;
};

// One task's part.
class SinkTask {
 public:
  virtual ~SinkTask() = default;
};

enum class SinkResult {
  kNeedInput,
  kFinished,  // no more rows are wanted from any task
};

class SinkOperator {
 public:
  virtual ~SinkOperator() = default;
  virtual std::unique_ptr<SinkState> new_state(const ExecutionContext& context) const = 0;
  // A stream enters the same pipelines again and again: called before each epoch. Stateful sinks
  // keep their state, the others start afresh.
  virtual void begin_epoch(SinkState& state) const = 0;
  // `tasks`: how many tasks there will be in this epoch.
  virtual std::unique_ptr<SinkTask> new_task(SinkState& state, size_t tasks) const = 0;
  // Also called with chunks without rows, so that a sink sees how far a task is. Chunks of one task
  // come in ascending order.
  virtual SinkResult consume(SinkState& state, SinkTask& task, Chunk chunk) const = 0;
  virtual void combine(SinkState& state, std::unique_ptr<SinkTask> task) const = 0;
  // After all tasks were combined; may run tasks of its own on the context's pool.
  virtual void finish(SinkState& state, const ExecutionContext& context) const = 0;
  // What the next pipeline reads. The state outlives the scan.
  virtual std::unique_ptr<TableScan> result(SinkState& state, const ScanRequest& request) const = 0;
  virtual int64_t result_rows(const SinkState& state) const = 0;
};

inline std::unique_ptr<SinkOperator> TransformOperator::replacing_sink(
    const PipelineStates&) const {
  return nullptr;
}

}  // namespace velaria
