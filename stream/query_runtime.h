// The inside of StreamingQuery: its two threads and what they share. Internal to this room.
//
// The control thread opens and closes the sink, runs the epochs and takes checkpoints; the producer
// thread makes every call of the source, markers and acks included, so that a source never sees two
// threads. A third thread writes checkpoints, a fourth tells a listener, when there are any. One
// mutex guards what they share; no call of source, sink, listener, kernel or disk is made under it.
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
#include "stream/batch_execution.h"
#include "stream/batch_queue.h"
#include "stream/checkpoint/checkpoint_store.h"
#include "stream/streaming_query.h"

namespace velaria {

class StreamingQuery::Runtime : public std::enable_shared_from_this<StreamingQuery::Runtime> {
 public:
  Runtime(StreamPlan plan, StreamSinkPtr sink, StreamOptions options,
          StreamEnvironment environment);

  void start();
  // For the last owner of the query, before it goes: stops it and waits for its end. On a thread of
  // the query's own it only asks; the control thread then frees this at its end.
  void let_go();
  uint64_t await_termination(std::optional<int64_t> timeout_ms, const InterruptCheck& interrupt);
  void stop(bool drain, const InterruptCheck& interrupt);
  StreamingQueryProgress progress() const;
  std::vector<BatchProgress> recent_progress() const;
  std::vector<std::string> warnings() const;
  bool over() const;
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

  // progress_loop.cc
  void report_progress();
  void take_source_notes();

  // epochs.cc
  void open_state();
  std::unique_ptr<BatchExecution> make_execution();
  void report_choice(const ExecutionChoice& choice);
  void run_epochs();
  void wait_for_trigger();
  bool next_batch(StreamBatch* batch);
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

  // checkpoint_loop.cc
  void checkpoint_if_due();
  bool checkpoint_due() const;
  void record_checkpoint();
  CheckpointMarker take_marker();
  CheckpointData checkpoint_of(const CheckpointMarker& marker) const;
  void write_checkpoint(const CheckpointData& data);
  void announce(CheckpointMarker marker);
  void deliver_written();
  void write_checkpoints();
  void join_checkpoint_writer();
  void record_last_checkpoint();

  // streaming_query.cc
  void control();
  void finish();
  void load_checkpoint();
  // These want the mutex to be held.
  bool take_source_and_sink();
  [[noreturn]] void refuse_source_or_sink_in_use() const;

  bool ending() const { return stop_now_ || failure_ != nullptr; }  // under the mutex
  bool asked_to_end() const;
  bool ended(StreamStatus status) const {
    return status == StreamStatus::kStopped || status == StreamStatus::kFailed;
  }
  const Schema& output_schema() const {
    return physical_at_end_ ? physical_at_end_->schema() : physical_.schema();
  }
  StreamStatus status_locked() const;
  StreamingQueryProgress progress_locked() const;
  // Keeps the first failure, and ends both threads. Throws nothing. `batch`: its number, if it is
  // one that failed.
  void fail(const std::exception_ptr& cause, const char* where, uint64_t batch = 0);
  // The calls of wake() and drain(), which come on any thread, to a source or sink that is open.
  // Before it is closed they are waited for: behind that, another query may open the same side.
  struct OpenSide {
    bool open = false;
    int calls = 0;
  };
  bool begin_call(OpenSide* side);  // false: it is not open
  void end_call(OpenSide* side);
  void refuse_calls(OpenSide* side);
  // Wakes a source or sink that is open. Throws nothing: a query that ends does so all the same,
  // and warns of what wake() threw.
  template <typename Side>
  void wake(Side& side, OpenSide* calls);
  // What drain() of the source says, false if it is not open; when it throws, the query fails.
  bool drain_source();
  bool on_own_thread() const;
  void wait_ended(Lock* lock, std::optional<int64_t> timeout_ms, const InterruptCheck& interrupt);

  const StreamPlan plan_;
  const StreamSinkPtr sink_;
  ProgressListener listener_;  // until the query is over; constant while its thread runs
  const StreamOptions options_;
  const StreamEnvironment environment_;
  const StreamStrategy strategy_;
  const PhysicalPlan physical_;
  const std::unique_ptr<const PhysicalPlan> physical_at_end_;
  const bool source_wants_markers_;
  StreamContext context_;
  CancellationToken cancellation_;

  // Control thread only, once started.
  std::unique_ptr<CheckpointStore> checkpoint_;
  std::optional<CheckpointData> restored_;
  std::unique_ptr<BatchExecution> execution_;
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
  std::thread checkpoint_writer_;

  mutable std::mutex mutex_;
  std::condition_variable producer_wake_;
  std::condition_variable control_wake_;
  std::condition_variable ended_wake_;
  std::condition_variable calls_wake_;
  std::condition_variable writer_wake_;
  std::condition_variable reporter_wake_;
  // All below is guarded by mutex_.
  BatchQueue queue_;
  std::deque<CheckpointMarker> markers_;  // to be given to the source
  StreamStatus status_ = StreamStatus::kCreated;
  bool stop_now_ = false;
  bool draining_ = false;
  bool source_drains_ = false;
  OpenSide source_side_;
  OpenSide sink_side_;
  bool source_ended_ = false;  // no batch will be queued any more
  bool epochs_done_ = false;   // no marker will be queued any more
  bool control_started_ = false;
  bool stopping_unstarted_ = false;
  bool has_source_and_sink_ = false;  // no other query calls them, and this one may
  std::exception_ptr failure_;
  // The checkpoint that is being written.
  enum class WriteStep { kNone, kAsked, kDone };
  WriteStep write_step_ = WriteStep::kNone;
  CheckpointData to_write_;
  CheckpointMarker to_announce_;  // when it is written
  std::exception_ptr write_failure_;
  bool writer_ends_ = false;
  bool report_end_ = false;  // the status is the last one, and the listener is to hear of it
  bool over_ = false;        // nobody will be called any more
  StreamingQueryProgress progress_;
  std::vector<std::string> warnings_;
  uint64_t more_warnings_ = 0;  // than kMostWarnings
  uint64_t listener_failures_ = 0;
  std::string last_listener_failure_;
  uint64_t wake_failures_ = 0;
  std::string last_wake_failure_;
  std::deque<BatchProgress> recent_;
  uint64_t rows_pulled_ = 0;
  int64_t started_ns_ = 0;
  int64_t ended_ns_ = 0;
  int64_t busy_ns_ = 0;
  BatchMeasure sampled_;  // sums
  int64_t sampled_partitions_ = 0;
  std::thread::id control_id_;
  std::thread::id producer_id_;
  std::thread::id writer_id_;
  std::thread::id reporter_id_;

  bool source_closed_ = false;  // producer thread, or whoever ends a query without one
  std::thread producer_;        // control thread
  std::thread reporter_;        // whoever starts the query, then control thread
  std::thread control_;
};

}  // namespace velaria
