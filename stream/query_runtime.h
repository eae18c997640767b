// The inside of StreamingQuery: its two threads and what they share. Internal to this room.
//
// The control thread opens and closes the sink, runs the epochs and writes checkpoints; the
// producer thread makes every call of the source, markers and acks included, so that a source never
// sees two threads. One mutex guards what they share; no call of source, sink, kernel or disk is
// made under it.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "src/base/cancellation.h"
#include "src/base/memory_budget.h"
#include "src/exec/physical_plan.h"
#include "stream/batch_queue.h"
#include "stream/checkpoint/checkpoint_store.h"
#include "stream/streaming_query.h"

namespace velaria {

class StreamingQuery::Runtime {
 public:
  Runtime(StreamPlan plan, StreamSinkPtr sink, StreamOptions options,
          StreamEnvironment environment);
  ~Runtime();

  void start();
  uint64_t await_termination(std::optional<int64_t> timeout_ms, const InterruptCheck& interrupt);
  void stop(bool drain, const InterruptCheck& interrupt);
  StreamingQueryProgress progress() const;
  std::vector<BatchProgress> recent_progress() const;
  StreamStatus status() const;
  std::exception_ptr exception() const;

  const std::string& query_id() const { return context_.query_id; }
  const StreamStrategy& strategy() const { return strategy_; }
  const StreamPlan& plan() const { return plan_; }

 private:
  using Lock = std::unique_lock<std::mutex>;
  struct BatchMeasure {
    int64_t rows_in = 0;
    int64_t rows_out = 0;
    int64_t payload_bytes = 0;
    int64_t state_bytes = 0;
    uint64_t late_rows = 0;
    int64_t execution_ns = 0;
    int64_t sink_ns = 0;
  };

  // producer_loop.cc
  void produce();
  void close_source(bool* closed);
  void pull_batches();
  bool wait_for_room(Lock* lock);
  void wait_while_blocked(int64_t since_ns, bool drained);
  void deliver_markers();
  void deliver_until_done();

  // epochs.cc
  void open_state();
  void run_epochs();
  void wait_for_trigger();
  void process(StreamBatch batch);
  int64_t write_rows(const std::vector<Chunk>& chunks);
  void limit_rows(std::vector<Chunk>* chunks);
  bool limit_reached() const;
  void keep_rows(std::vector<Chunk> chunks);
  void write_final_rows();
  void report_final_rows(int64_t rows);
  ExecutionContext execution_context();
  std::vector<Chunk> state_parts() const;
  void restore_state(const std::vector<Chunk>& parts);
  void report_batch(const BatchMeasure& measure, const std::string& source_offset);
  bool checkpoint_due() const;
  void record_checkpoint();

  // streaming_query.cc
  void control();
  void finish();
  void load_checkpoint();

  bool ending() const { return stop_now_ || failure_ != nullptr; }  // under the mutex
  bool asked_to_end() const;
  bool ended(StreamStatus status) const {
    return status == StreamStatus::kStopped || status == StreamStatus::kFailed;
  }
  const Schema& output_schema() const {
    return physical_at_end_ ? physical_at_end_->schema() : physical_.schema();
  }
  StreamStatus status_locked() const;
  // Keeps the first failure, and ends both threads.
  void fail(const std::exception_ptr& cause, const std::string& where);
  bool on_own_thread() const;
  void wait_ended(Lock* lock, std::optional<int64_t> timeout_ms, const InterruptCheck& interrupt);

  const StreamPlan plan_;
  const StreamSinkPtr sink_;
  const StreamOptions options_;
  const StreamEnvironment environment_;
  const StreamStrategy strategy_;
  const PhysicalPlan physical_;
  const std::unique_ptr<const PhysicalPlan> physical_at_end_;
  StreamContext context_;
  CancellationToken cancellation_;

  // Control thread only, once started.
  std::unique_ptr<CheckpointStore> checkpoint_;
  std::optional<CheckpointData> restored_;
  std::unique_ptr<PlanExecution> execution_;
  int64_t rows_before_limit_ = 0;  // rows that have come to LIMIT and OFFSET
  std::vector<Chunk> kept_rows_;   // for the end, when per_batch gives rows and not groups
  uint64_t kept_bytes_ = 0;
  uint64_t next_order_;
  MemoryReservation kept_reservation_;
  uint64_t batches_before_ = 0;  // done by earlier runs of this query
  int64_t last_start_ns_ = 0;
  bool any_epoch_ = false;
  uint64_t batches_begun_ = 0;
  std::optional<std::string> unrecorded_offset_;  // of the last batch, until its checkpoint
  std::optional<int64_t> last_checkpoint_ns_;

  mutable std::mutex mutex_;
  std::condition_variable producer_wake_;
  std::condition_variable control_wake_;
  std::condition_variable ended_wake_;
  // All below is guarded by mutex_.
  BatchQueue queue_;
  std::deque<CheckpointMarker> markers_;  // to be given to the source
  StreamStatus status_ = StreamStatus::kCreated;
  bool stop_now_ = false;
  bool draining_ = false;
  bool source_drains_ = false;
  bool source_ended_ = false;  // no batch will be queued any more
  bool epochs_done_ = false;   // no marker will be queued any more
  bool control_started_ = false;
  bool stopping_unstarted_ = false;
  std::exception_ptr failure_;
  StreamingQueryProgress progress_;
  std::deque<BatchProgress> recent_;
  uint64_t rows_pulled_ = 0;
  int64_t started_ns_ = 0;
  int64_t ended_ns_ = 0;
  int64_t busy_ns_ = 0;
  BatchMeasure sampled_;  // sums
  int64_t sampled_partitions_ = 0;
  std::thread::id control_id_;
  std::thread::id producer_id_;

  bool source_closed_ = false;  // producer thread, or whoever ends a query without one
  std::thread producer_;        // control thread
  std::thread control_;
};

}  // namespace velaria
