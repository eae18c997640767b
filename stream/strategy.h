// How a streaming query is run: decided once, in one object that explain prints, the runtime obeys
// and progress reports.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "stream/stream_environment.h"
#include "stream/stream_options.h"
#include "stream/stream_plan.h"
#include "stream/workers/worker_plan.h"

namespace velaria {

// Immutable after decide_strategy().
struct StreamStrategy {
  std::string requested_mode;
  std::string selected_mode;
  std::string reason;        // mode_reason + restore_note
  std::string mode_reason;   // measuring may put another one in its place
  std::string restore_note;  // why best-effort restores nothing, as "; ..."; else empty
  std::string transport_mode;
  // Whether the plan's hot path can be divided over workers, and how or why not.
  bool actor_eligible = false;
  std::string actor_reason;
  // What workers run; null: the query stays in this process, whatever is measured.
  std::shared_ptr<const WorkerPlan> worker_plan;
  std::string worker_choice;  // "measured": only as long as they are faster; "always"

  // "append": each row once; "update": the groups that a batch touched; "at-end": all rows when the
  // stream has ended, since the query needs all of them.
  std::string output_mode;
  bool has_stateful_ops = false;
  bool has_window = false;
  bool source_is_bounded = false;
  bool sink_is_blocking = false;
  bool source_can_restore = false;

  // Before the first batch: what the plan alone says (see strategy.cc); measured values replace
  // them in StreamingQueryProgress.
  int64_t estimated_partitions = 1;  // pieces of a chunk's rows in one batch
  int64_t estimated_state_size_bytes = 0;
  double estimated_batch_cost = 0;  // ms for one batch of a default chunk's rows

  std::string checkpoint_delivery_mode;
  int64_t checkpoint_interval_ms = 0;
  bool checkpoint_async = false;
  bool restores_state = false;           // best-effort, and the source can restore
  bool shared_memory_transport = false;  // knobs as asked for; unused without workers
  int64_t shared_memory_min_payload_bytes = 0;
  int64_t local_workers = 1;
  int64_t backpressure_max_queue_batches = 0;
  int64_t backpressure_high_watermark = 0;
  int64_t backpressure_low_watermark = 0;
  int64_t max_inflight_partitions = 0;
  int64_t trigger_interval_ms = 0;
  // Which windows the state keeps; none given: all.
  std::optional<int64_t> max_retained_windows;
  std::optional<int64_t> window_retention_ms;
};

// `options` are checked already. Throws InvalidArgumentError for windows to be dropped where the
// query cannot mean that. `sink_is_blocking`: StreamSink::blocking(), false without a sink.
StreamStrategy decide_strategy(const StreamPlan& plan, const StreamOptions& options,
                               const StreamEnvironment& environment, bool sink_is_blocking);

// key=value lines.
std::string strategy_text(const StreamStrategy& strategy);

}  // namespace velaria
