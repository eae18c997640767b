#include "stream/strategy.h"

#include <algorithm>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/exec/aggregate/group_windows.h"
#include "src/plan/logical_plan.h"
#include "stream/workers/worker_process.h"

namespace velaria {

namespace {

// A guess until the first batch was measured: how many groups a query has, and what one value costs
// in one pass over a column.
constexpr int64_t kAssumedGroups = 1000;
constexpr double kAssumedNsPerValue = 4;

// Bytes of one group: hash and order, keys, and 16 bytes an accumulator.
int64_t group_bytes(const AggregatePlan& aggregate) {
  int64_t bytes = 24;
  for (const auto& key : aggregate.keys()) {
    bytes += std::max(key->type.value_width_bytes(), 8);
  }
  return bytes + static_cast<int64_t>(aggregate.aggregates().size()) * 16;
}

// Passes over a column's values that one source row costs in this node and below.
double passes(const LogicalPlan& plan, double* rows_per_row) {
  double below = 0;
  for (const PlanPtr& child : plan.children()) below += passes(*child, rows_per_row);
  switch (plan.kind()) {
    case PlanKind::kTimeWindow: {
      const TimeWindow& window = static_cast<const TimeWindowPlan&>(plan).window();
      *rows_per_row *= static_cast<double>(windows_per_row(window));
      return below + *rows_per_row;
    }
    case PlanKind::kFilter: return below + *rows_per_row;
    case PlanKind::kProject:
      return below +
             *rows_per_row *
                 static_cast<double>(static_cast<const ProjectPlan&>(plan).expressions().size());
    case PlanKind::kAggregate: {
      const auto& aggregate = static_cast<const AggregatePlan&>(plan);
      // Hashing and looking up a key costs a few times more than adding a value.
      return below + *rows_per_row * (4.0 * static_cast<double>(aggregate.keys().size()) +
                                      static_cast<double>(aggregate.aggregates().size()));
    }
    default: return below + *rows_per_row;
  }
}

// Who runs the batches. The first ones run here in any case, unless workers are to be used always:
// whether they win is measured, not guessed.
void decide_execution(const StreamPlan& plan, const StreamOptions& options, size_t tasks,
                      StreamStrategy* out) {
  WorkerPlan workers = make_worker_plan(plan, options);
  out->actor_eligible = workers.eligible;
  out->actor_reason = workers.reason;
  out->requested_mode = execution_mode_name(options.execution_mode);
  out->selected_mode = execution_mode_name(ExecutionMode::kSingleProcess);
  out->transport_mode = "inproc";
  out->worker_choice = worker_choice_name(options.worker_choice);
  const std::string with_tasks = concat(tasks, tasks == 1 ? " task" : " tasks");
  if (options.execution_mode == ExecutionMode::kSingleProcess) {
    out->reason = concat("single-process was asked for; it runs with ", with_tasks);
  } else if (!workers.eligible) {
    out->reason = concat("local-workers was asked for, but ", workers.reason,
                         "; single-process runs with ", with_tasks);
  } else if (worker_command().empty()) {
    out->reason = concat(
        "local-workers was asked for, but this program has not said how workers are started: call "
        "velaria::run_worker_if_asked() first in main(); single-process runs with ",
        with_tasks);
  } else {
    out->worker_plan = std::make_shared<const WorkerPlan>(std::move(workers));
    if (options.worker_choice == WorkerChoice::kAlways) {
      out->selected_mode = execution_mode_name(ExecutionMode::kLocalWorkers);
      out->transport_mode = options.shared_memory_transport ? "shared-memory" : "rpc-copy";
      out->reason = concat("local-workers was asked for, always; ", options.local_workers,
                           options.local_workers == 1 ? " worker" : " workers");
    } else {
      out->reason =
          concat("local-workers was asked for; the first ", kSampledBatches,
                 " batches run in this process, to measure whether ", options.local_workers,
                 options.local_workers == 1 ? " worker is faster" : " workers are faster");
    }
  }
}

// Dropping windows must be what the query means, and must leave the windows of one row alone.
void check_retention(const StreamPlan& plan, const StreamOptions& options) {
  if (!options.max_retained_windows && !options.window_retention_ms) return;
  const char* name = options.max_retained_windows ? "max_retained_windows" : "window_retention_ms";
  const auto* aggregate =
      static_cast<const AggregatePlan*>(find_node(*plan.per_batch, PlanKind::kAggregate));
  const std::optional<GroupWindows> windows =
      aggregate != nullptr ? find_group_windows(*aggregate) : std::nullopt;
  if (!windows || plan.at_end) {
    throw Error(
        ErrorKind::kInvalidArgument,
        concat(name, plan.at_end ? " drops windows, and this query gives out all of them at "
                                   "the end of its stream; leave it out"
                                 : " needs a query that groups by the start of a window "
                                   "(WINDOW BY ... AS w ... GROUP BY w)"));
  }
  const TimeWindow& window = static_cast<const TimeWindowPlan&>(*windows->window).window();
  const int64_t overlapping = windows_per_row(window);
  if (options.max_retained_windows && *options.max_retained_windows < overlapping) {
    throw Error(ErrorKind::kInvalidArgument,
                concat("max_retained_windows=", *options.max_retained_windows,
                       " is too small: each row of this query lies in ", overlapping,
                       " windows at once; it must be at least that"));
  }
  if (options.window_retention_ms &&
      *options.window_retention_ms < window.width_ms - window.slide_ms) {
    throw Error(ErrorKind::kInvalidArgument,
                concat("window_retention_ms=", *options.window_retention_ms,
                       " is too small: windows of one row start up to ",
                       window.width_ms - window.slide_ms, " ms apart; it must be at least that"));
  }
}

}  // namespace

StreamStrategy decide_strategy(const StreamPlan& plan, const StreamOptions& options,
                               const StreamEnvironment& environment, bool sink_is_blocking) {
  check_retention(plan, options);
  StreamStrategy out;
  const size_t tasks = environment.tasks != 0 ? environment.tasks
                       : environment.pool     ? environment.pool->size()
                                              : 1;
  decide_execution(plan, options, tasks, &out);

  out.output_mode = plan.at_end ? "at-end" : (plan.has_aggregate ? "update" : "append");
  out.has_stateful_ops = plan.has_stateful_ops;
  out.has_window = plan.has_window;
  out.source_is_bounded = plan.source->bounded();
  out.source_can_restore = plan.source->can_restore();
  out.sink_is_blocking = sink_is_blocking;

  if (const LogicalPlan* node = find_node(*plan.whole, PlanKind::kAggregate)) {
    const auto& aggregate = static_cast<const AggregatePlan&>(*node);
    out.estimated_state_size_bytes =
        group_bytes(aggregate) * (aggregate.keys().empty() ? 1 : kAssumedGroups);
  }
  double rows_per_row = 1;
  out.estimated_batch_cost = passes(*plan.whole, &rows_per_row) *
                             static_cast<double>(kDefaultChunkRows) * kAssumedNsPerValue / 1e6;

  out.checkpoint_delivery_mode = delivery_mode_name(options.checkpoint_delivery_mode);
  out.checkpoint_interval_ms = options.checkpoint_interval_ms;
  out.checkpoint_async = options.writes_checkpoints_async();
  const bool best_effort = options.checkpoint_delivery_mode == DeliveryMode::kBestEffort;
  out.restores_state = best_effort && !options.checkpoint_path.empty() && out.source_can_restore;
  if (best_effort && options.checkpoint_path.empty()) {
    out.restore_note = "; best-effort has no checkpoint_path, so nothing is restored";
  } else if (best_effort && !out.source_can_restore) {
    out.restore_note = concat("; best-effort behaves like at-least-once, because the source (",
                              plan.source->describe(), ") cannot restore");
  }
  out.mode_reason = out.reason;
  out.reason += out.restore_note;
  out.shared_memory_transport = options.shared_memory_transport;
  out.shared_memory_min_payload_bytes = options.shared_memory_min_payload_bytes;
  out.local_workers = options.local_workers;
  out.backpressure_max_queue_batches = options.max_inflight_batches;
  out.backpressure_high_watermark = options.high_watermark();
  out.backpressure_low_watermark = options.low_watermark();
  out.max_inflight_partitions = options.max_inflight_partitions;
  out.trigger_interval_ms = options.trigger_interval_ms;
  out.max_retained_windows = options.max_retained_windows;
  out.window_retention_ms = options.window_retention_ms;
  return out;
}

std::string strategy_text(const StreamStrategy& strategy) {
  std::string out;
  const auto line = [&out](const char* name, const auto& value) {
    out += concat(name, "=", value, "\n");
  };
  const auto flag = [&line](const char* name, bool value) { line(name, value ? "true" : "false"); };
  line("requested_mode", strategy.requested_mode);
  line("selected_mode", strategy.selected_mode);
  line("reason", strategy.reason);
  flag("actor_eligible", strategy.actor_eligible);
  line("actor_reason", strategy.actor_reason);
  line("transport_mode", strategy.transport_mode);
  line("estimated_partitions", strategy.estimated_partitions);
  line("estimated_state_size_bytes", strategy.estimated_state_size_bytes);
  line("estimated_batch_cost", format_double(strategy.estimated_batch_cost));
  line("output_mode", strategy.output_mode);
  line("local_workers", strategy.local_workers);
  line("worker_choice", strategy.worker_choice);
  flag("shared_memory_transport", strategy.shared_memory_transport);
  line("shared_memory_min_payload_bytes", strategy.shared_memory_min_payload_bytes);
  line("checkpoint_delivery_mode", strategy.checkpoint_delivery_mode);
  line("checkpoint_interval_ms", strategy.checkpoint_interval_ms);
  flag("checkpoint_async", strategy.checkpoint_async);
  flag("restores_state", strategy.restores_state);
  line("backpressure_max_queue_batches", strategy.backpressure_max_queue_batches);
  line("backpressure_high_watermark", strategy.backpressure_high_watermark);
  line("backpressure_low_watermark", strategy.backpressure_low_watermark);
  line("max_inflight_partitions", strategy.max_inflight_partitions);
  line("trigger_interval_ms", strategy.trigger_interval_ms);
  if (strategy.max_retained_windows) line("max_retained_windows", *strategy.max_retained_windows);
  if (strategy.window_retention_ms) line("window_retention_ms", *strategy.window_retention_ms);
  flag("has_stateful_ops", strategy.has_stateful_ops);
  flag("has_window", strategy.has_window);
  flag("source_is_bounded", strategy.source_is_bounded);
  flag("sink_is_blocking", strategy.sink_is_blocking);
  return out;
}

}  // namespace velaria
