// What a streaming query reports about itself. The names are a contract: they are listed once, in
// visit_progress(), and snapshotJson(), the Python dict and the CLI all read that list.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace velaria {

// A copy of one moment. Latencies and costs are in fractional milliseconds, sizes in bytes.
struct StreamingQueryProgress {
  // Identity and status.
  std::string query_id;
  std::string status;  // created, running, restored, backpressure, stopped, failed

  // Execution choice.
  std::string requested_execution_mode;
  std::string execution_mode;
  std::string execution_reason;
  std::string transport_mode;

  // Throughput and queueing.
  uint64_t batches_pulled = 0;       // taken from the source by this run
  uint64_t batches_processed = 0;    // of these, done to the end
  uint64_t blocked_count = 0;        // times the producer began to wait for room in the queue
  uint64_t max_backlog_batches = 0;  // longest queue seen after an enqueue
  uint64_t inflight_batches = 0;     // queued now
  uint64_t inflight_partitions = 0;  // the same in pieces of a default chunk's rows

  // Latency.
  double last_batch_latency_ms = 0;  // start of execution to the sink's flush
  double last_sink_latency_ms = 0;   // write and flush
  double last_state_latency_ms =
      0;  // running the epoch's pipelines into the state; 0 when stateless

  // Source and strategy shape.
  std::string last_source_offset;  // of the last batch done
  bool backpressure_active = false;
  bool actor_eligible = false;
  bool used_actor_runtime = false;
  bool used_shared_memory = false;
  bool has_stateful_ops = false;
  bool has_window = false;
  bool sink_is_blocking = false;
  bool source_is_bounded = false;

  // Estimates, measured on the first kSampledBatches batches; the strategy's before the first one.
  int64_t estimated_partitions = 0;     // of a sampled batch, in pieces as above
  int64_t projected_payload_bytes = 0;  // last batch: the columns that the plan reads
  uint64_t sampled_batches = 0;
  int64_t sampled_rows_per_batch = 0;
  int64_t average_projected_payload_bytes = 0;
  // Of workers over this process: forecast from the sampled batches, measured once they ran some.
  // 0: not sampled, as always when single-process was asked for.
  double actor_speedup = 0;
  // Processor time of a sampled batch to the time that handing it to workers takes; 0 as above.
  double compute_to_overhead_ratio = 0;
  int64_t estimated_state_size_bytes = 0;  // of the real state from the first batch on
  double estimated_batch_cost = 0;         // ms of execution of one sampled batch
  int64_t backpressure_max_queue_batches = 0;
  int64_t backpressure_high_watermark = 0;
  int64_t backpressure_low_watermark = 0;

  // Checkpoint.
  std::string checkpoint_delivery_mode;

  // Ours.
  uint64_t rows_in = 0;                  // of batches_processed
  uint64_t rows_out = 0;                 // written to the sink
  uint64_t late_rows = 0;                // for windows already dropped, once for each window
  uint64_t rejected_rows = 0;            // that the source left out (on_error='skip')
  std::string last_error;                // empty unless failed
  int64_t state_size_bytes = 0;          // of the state between two epochs
  double input_rows_per_second = 0;      // rows pulled over the time since start
  double processed_rows_per_second = 0;  // rows_in over the time spent in batches
};

constexpr uint64_t kSampledBatches = 8;

// One batch that is done, for curves over time.
struct BatchProgress {
  uint64_t batch = 0;       // 1 for the first one of this run
  int64_t finished_us = 0;  // by the wall clock, since 1970-01-01 UTC
  std::string source_offset;
  int64_t rows_in = 0;
  int64_t rows_out = 0;
  double batch_latency_ms = 0;  // as the fields last_..._ms of StreamingQueryProgress
  double sink_latency_ms = 0;
  double state_latency_ms = 0;
  int64_t state_size_bytes = 0;
};

constexpr size_t kRecentBatches = 100;
constexpr size_t kMostWarnings = 100;

// What a listener hears: a moment, and the batches done since it was called last, the oldest first;
// of more than kRecentBatches the newest.
struct ProgressEvent {
  StreamingQueryProgress progress;
  std::vector<BatchProgress> batches;
};

// Called on a thread of the query's own, one call at a time, when batches are done, and once at the
// end with the last status; what is done during a call comes together in the next one. The query
// does not wait for it, but await_termination() and stop() wait for the last call. What it throws
// is counted in StreamingQuery::warnings() and changes nothing else. It may ask the query anything
// and stop it.
using ProgressListener = std::function<void(const ProgressEvent&)>;

template <typename Progress, typename Visit>
void visit_batch_progress(Progress& progress, Visit&& visit) {
  visit("batch", progress.batch);
  visit("finished_us", progress.finished_us);
  visit("source_offset", progress.source_offset);
  visit("rows_in", progress.rows_in);
  visit("rows_out", progress.rows_out);
  visit("batch_latency_ms", progress.batch_latency_ms);
  visit("sink_latency_ms", progress.sink_latency_ms);
  visit("state_latency_ms", progress.state_latency_ms);
  visit("state_size_bytes", progress.state_size_bytes);
}

// Calls visit(name, value) for every field in the order of the contract; values are std::string,
// bool, int64_t, uint64_t or double.
template <typename Progress, typename Visit>
void visit_progress(Progress& progress, Visit&& visit) {
#define VELARIA_PROGRESS_FIELD(name) visit(#name, progress.name)
  VELARIA_PROGRESS_FIELD(query_id);
  VELARIA_PROGRESS_FIELD(status);
  VELARIA_PROGRESS_FIELD(requested_execution_mode);
  VELARIA_PROGRESS_FIELD(execution_mode);
  VELARIA_PROGRESS_FIELD(execution_reason);
  VELARIA_PROGRESS_FIELD(transport_mode);
  VELARIA_PROGRESS_FIELD(batches_pulled);
  VELARIA_PROGRESS_FIELD(batches_processed);
  VELARIA_PROGRESS_FIELD(blocked_count);
  VELARIA_PROGRESS_FIELD(max_backlog_batches);
  VELARIA_PROGRESS_FIELD(inflight_batches);
  VELARIA_PROGRESS_FIELD(inflight_partitions);
  VELARIA_PROGRESS_FIELD(last_batch_latency_ms);
  VELARIA_PROGRESS_FIELD(last_sink_latency_ms);
  VELARIA_PROGRESS_FIELD(last_state_latency_ms);
  VELARIA_PROGRESS_FIELD(last_source_offset);
  VELARIA_PROGRESS_FIELD(backpressure_active);
  VELARIA_PROGRESS_FIELD(actor_eligible);
  VELARIA_PROGRESS_FIELD(used_actor_runtime);
  VELARIA_PROGRESS_FIELD(used_shared_memory);
  VELARIA_PROGRESS_FIELD(has_stateful_ops);
  VELARIA_PROGRESS_FIELD(has_window);
  VELARIA_PROGRESS_FIELD(sink_is_blocking);
  VELARIA_PROGRESS_FIELD(source_is_bounded);
  VELARIA_PROGRESS_FIELD(estimated_partitions);
  VELARIA_PROGRESS_FIELD(projected_payload_bytes);
  VELARIA_PROGRESS_FIELD(sampled_batches);
  VELARIA_PROGRESS_FIELD(sampled_rows_per_batch);
  VELARIA_PROGRESS_FIELD(average_projected_payload_bytes);
  VELARIA_PROGRESS_FIELD(actor_speedup);
  VELARIA_PROGRESS_FIELD(compute_to_overhead_ratio);
  VELARIA_PROGRESS_FIELD(estimated_state_size_bytes);
  VELARIA_PROGRESS_FIELD(estimated_batch_cost);
  VELARIA_PROGRESS_FIELD(backpressure_max_queue_batches);
  VELARIA_PROGRESS_FIELD(backpressure_high_watermark);
  VELARIA_PROGRESS_FIELD(backpressure_low_watermark);
  VELARIA_PROGRESS_FIELD(checkpoint_delivery_mode);
  VELARIA_PROGRESS_FIELD(rows_in);
  VELARIA_PROGRESS_FIELD(rows_out);
  VELARIA_PROGRESS_FIELD(late_rows);
  VELARIA_PROGRESS_FIELD(rejected_rows);
  VELARIA_PROGRESS_FIELD(last_error);
  VELARIA_PROGRESS_FIELD(state_size_bytes);
  VELARIA_PROGRESS_FIELD(input_rows_per_second);
  VELARIA_PROGRESS_FIELD(processed_rows_per_second);
#undef VELARIA_PROGRESS_FIELD
}

// One JSON object on one line, the fields in the order of the list.
std::string progress_json(const StreamingQueryProgress& progress);

}  // namespace velaria
