// The control thread of a streaming query: one batch after the other.
#include <algorithm>
#include <chrono>
#include <utility>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/column/builder.h"
#include "src/kernel/take.h"
#include "stream/epoch_source.h"
#include "stream/query_runtime.h"
#include "stream/workers/measured_execution.h"
#include "stream/workers/worker_process.h"

namespace velaria {

namespace {

// Waits follow the query's clock, which a test may hold still: it is looked at this often.
constexpr std::chrono::milliseconds kClockLook{20};

double milliseconds(int64_t ns) { return static_cast<double>(ns) / 1e6; }

Chunk slice_rows(const Chunk& chunk, int64_t offset, int64_t rows) {
  Chunk out;
  out.rows = rows;
  out.order = chunk.order;
  for (const ColumnPtr& column : chunk.columns) out.columns.push_back(column->slice(offset, rows));
  return out;
}

Chunk number_chunk(int64_t number) {
  FixedBuilder<int64_t> builder{DataType(TypeId::kInt64)};
  builder.append(number);
  Chunk out;
  out.rows = 1;
  out.columns = {builder.finish()};
  return out;
}

}  // namespace

ExecutionContext StreamingQuery::Runtime::execution_context() {
  ExecutionContext context;
  context.pool = environment_.pool.get();
  context.tasks = std::max<size_t>(environment_.tasks, 1);
  context.budget = environment_.budget;
  context.cancellation = &cancellation_;
  context.chunk_rows = std::min(environment_.chunk_rows, kMostChunkRows);
  return context;
}

void StreamingQuery::Runtime::open_state() {
  execution_ = make_execution();
  if (!restored_) return;
  restore_state(restored_->state_parts);
  restored_->state_parts.clear();
}

std::unique_ptr<BatchExecution> StreamingQuery::Runtime::make_execution() {
  ExecutionChoice choice;
  choice.execution_mode = strategy_.selected_mode;
  choice.execution_reason = strategy_.mode_reason;
  choice.transport_mode = strategy_.transport_mode;
  const auto in_process = [this](ExecutionChoice now, std::atomic<int64_t>* pool_cpu_ns) {
    ExecutionContext context = execution_context();
    context.pool_cpu_ns = pool_cpu_ns;
    return make_in_process_execution(physical_, plan_.source->schema(), std::move(context),
                                     std::move(now));
  };
  if (!strategy_.worker_plan) return in_process(std::move(choice), nullptr);

  WorkerSettings settings;
  settings.command = worker_command();
  settings.workers = static_cast<size_t>(strategy_.local_workers);
  settings.shared_memory = strategy_.shared_memory_transport;
  settings.shared_memory_min_bytes =
      static_cast<uint64_t>(strategy_.shared_memory_min_payload_bytes);
  settings.aggregate_output =
      plan_.at_end ? AggregateOutput::kWhenAsked : AggregateOutput::kTouchedGroups;
  settings.columns = plan_.columns;
  const auto workers = [this, settings](ExecutionChoice now) {
    return make_worker_execution(*strategy_.worker_plan, plan_.source->schema(), settings,
                                 execution_context(), std::move(now));
  };
  if (strategy_.selected_mode == execution_mode_name(ExecutionMode::kLocalWorkers)) {
    return workers(std::move(choice));
  }
  MeasuredExecutionParts parts;
  parts.make_in_process = in_process;
  parts.make_workers = workers;
  parts.measure_handing_over_ns = [this, settings](const std::vector<Chunk>& batch,
                                                   const std::vector<Chunk>& output) {
    return measure_handing_over_ns(*strategy_.worker_plan, plan_.source->schema(), settings, batch,
                                   output, std::min(environment_.chunk_rows, kMostChunkRows));
  };
  parts.workers = settings.workers;
  parts.cores = usable_cores();
  parts.choice = std::move(choice);
  return make_measured_execution(std::move(parts));
}

// The state of the operators, the rows that LIMIT has seen, the rows kept for the end.
std::vector<Chunk> StreamingQuery::Runtime::state_parts() const {
  std::vector<Chunk> parts = execution_->state_parts();
  if (plan_.counts_rows()) parts.push_back(number_chunk(rows_before_limit_));
  parts.insert(parts.end(), kept_rows_.begin(), kept_rows_.end());
  return parts;
}

void StreamingQuery::Runtime::restore_state(const std::vector<Chunk>& parts) {
  const size_t of_operators = execution_->state_parts_count();
  const size_t needed = of_operators + (plan_.counts_rows() ? 1 : 0);
  const bool keeps_rows = plan_.at_end && !plan_.has_aggregate;
  if (parts.size() < needed || (parts.size() > needed && !keeps_rows)) {
    throw Error(ErrorKind::kCheckpoint,
                concat("checkpoint '", checkpoint_->path(), "' holds ", parts.size(),
                       " state parts, the query needs ", needed));
  }
  execution_->restore({parts.begin(), parts.begin() + static_cast<std::ptrdiff_t>(of_operators)});
  if (plan_.counts_rows()) {
    const Chunk& part = parts[of_operators];
    if (part.rows != 1 || part.columns.size() != 1 ||
        part.columns[0]->type() != DataType(TypeId::kInt64) || part.columns[0]->is_null(0)) {
      throw Error(ErrorKind::kCheckpoint, "the checkpoint's count of rows is none");
    }
    rows_before_limit_ = part.columns[0]->value(0).as_int64();
  }
  std::vector<Chunk> kept(parts.begin() + static_cast<std::ptrdiff_t>(needed), parts.end());
  check_stream_chunks(physical_.schema(), kept, "the checkpoint");
  keep_rows(std::move(kept));
}

void StreamingQuery::Runtime::run_epochs() {
  StreamBatch batch;
  while (!limit_reached()) {
    wait_for_trigger();
    if (!next_batch(&batch)) return;
    process(std::move(batch));
    checkpoint_if_due();
  }
}

// Waits for it; false when the query is ending or no batch will come any more. What was not
// recorded when its batch was done is recorded here, so that no ack waits for a batch.
bool StreamingQuery::Runtime::next_batch(StreamBatch* batch) {
  for (;;) {
    {
      Lock lock(mutex_);
      const auto called = [this] {
        return ending() || !queue_.empty() || source_ended_ || write_step_ == WriteStep::kDone;
      };
      if (unrecorded_offset_ && write_step_ == WriteStep::kNone) {
        control_wake_.wait_for(lock, kClockLook, called);  // until it is due
      } else {
        control_wake_.wait(lock, called);
      }
      if (ending()) return false;
      if (!queue_.empty()) {
        *batch = queue_.pop();
        // Not for every batch: the producer sleeps until the low watermark.
        if (queue_.paused() && !queue_.must_pause()) producer_wake_.notify_all();
        return true;
      }
      if (source_ended_) return false;
    }
    checkpoint_if_due();
  }
}

// One batch an epoch, their starts at least trigger_interval_ms apart.
void StreamingQuery::Runtime::wait_for_trigger() {
  if (options_.trigger_interval_ms == 0 || !any_epoch_) return;
  const int64_t until_ns = last_start_ns_ + options_.trigger_interval_ms * 1'000'000;
  while (environment_.clock->steady_ns() < until_ns) {
    const auto left = std::chrono::nanoseconds(until_ns - environment_.clock->steady_ns());
    {
      Lock lock(mutex_);
      const auto called = [this] {
        return ending() || draining_ || (source_ended_ && queue_.empty());
      };
      control_wake_.wait_for(lock, std::min<std::chrono::nanoseconds>(left, kClockLook),
                             [&] { return called() || write_step_ == WriteStep::kDone; });
      if (called()) return;
    }
    checkpoint_if_due();
  }
}

void StreamingQuery::Runtime::process(StreamBatch batch) {
  const Clock& clock = *environment_.clock;
  const int64_t started_ns = clock.steady_ns();
  last_start_ns_ = started_ns;
  any_epoch_ = true;
  ++batches_begun_;

  BatchMeasure measure;
  measure.rows_in = batch.rows();
  for (const Chunk& chunk : batch.chunks) {
    for (const size_t column : plan_.columns) {
      measure.payload_bytes += chunk.columns[column]->estimated_bytes();
    }
  }
  std::vector<Chunk> output = execution_->run(std::move(batch.chunks), &next_order_);
  if (plan_.counts_rows()) limit_rows(&output);
  if (plan_.at_end) {
    keep_rows(std::move(output));
    output.clear();
  }
  const int64_t state_done_ns = clock.steady_ns();

  measure.rows_out = write_rows(output);
  const int64_t flushed_ns = clock.steady_ns();

  measure.execution_ns = state_done_ns - started_ns;
  measure.sink_ns = flushed_ns - state_done_ns;
  measure.state_bytes = static_cast<int64_t>(execution_->state_bytes() + kept_bytes_);
  measure.late_rows = execution_->late_rows();
  if (strategy_.worker_plan) report_choice(execution_->choice());
  report_batch(measure, batch.source_offset);
  unrecorded_offset_ = std::move(batch.source_offset);
}

int64_t StreamingQuery::Runtime::write_rows(const std::vector<Chunk>& chunks) {
  int64_t rows = 0;
  for (const Chunk& chunk : chunks) rows += chunk.selected_rows();
  if (rows > 0) sink_->write(output_schema(), chunks);
  sink_->flush();
  return rows;
}

void StreamingQuery::Runtime::limit_rows(std::vector<Chunk>* chunks) {
  std::vector<Chunk> kept;
  for (const Chunk& whole : *chunks) {
    const Chunk chunk = compact(whole);
    const int64_t begin = std::clamp<int64_t>(plan_.offset - rows_before_limit_, 0, chunk.rows);
    int64_t end = chunk.rows;
    if (plan_.limit) {
      // Written so that nothing overflows.
      const int64_t past_offset = std::max<int64_t>(rows_before_limit_ - plan_.offset, 0);
      end = begin + std::min(end - begin, std::max<int64_t>(*plan_.limit - past_offset, 0));
    }
    rows_before_limit_ += chunk.rows;
    if (end > begin) kept.push_back(slice_rows(chunk, begin, end - begin));
  }
  *chunks = std::move(kept);
}

bool StreamingQuery::Runtime::limit_reached() const {
  return plan_.limit && rows_before_limit_ >= plan_.offset &&
         rows_before_limit_ - plan_.offset >= *plan_.limit;
}

void StreamingQuery::Runtime::keep_rows(std::vector<Chunk> chunks) {
  for (Chunk& chunk : chunks) {
    if (chunk.selected_rows() == 0) continue;
    kept_rows_.push_back(compact(chunk));
    kept_bytes_ += static_cast<uint64_t>(kept_rows_.back().estimated_bytes());
  }
  kept_reservation_.resize(kept_bytes_);
}

// What the query owes when no batch will come any more: the rows that need all batches, and the one
// row of an aggregate without keys that no batch has touched.
void StreamingQuery::Runtime::write_final_rows() {
  const bool nothing_shown = plan_.has_global_aggregate && progress().rows_out == 0;
  if (!plan_.at_end && !nothing_shown) return;
  std::vector<Chunk> all = kept_rows_;  // they stay: they are part of the state
  if (plan_.has_aggregate) {
    all = execution_->run_all();
  }
  if (plan_.at_end) {
    ExecutionContext context = execution_context();
    const EpochSource rows(physical_.schema(), std::move(all), context.chunk_rows, 0);
    PlanExecution at_end(*physical_at_end_, std::move(context));
    at_end.run(&rows);
    all = at_end.take_result();
  }
  report_final_rows(write_rows(all));
}

void StreamingQuery::Runtime::report_final_rows(int64_t rows) {
  const Lock lock(mutex_);
  progress_.rows_out += static_cast<uint64_t>(rows);
}

void StreamingQuery::Runtime::report_choice(const ExecutionChoice& choice) {
  const Lock lock(mutex_);
  progress_.execution_mode = choice.execution_mode;
  progress_.execution_reason = concat(choice.execution_reason, strategy_.restore_note);
  progress_.transport_mode = choice.transport_mode;
  progress_.used_actor_runtime = choice.used_actor_runtime;
  progress_.used_shared_memory = choice.used_shared_memory;
  progress_.actor_speedup = choice.actor_speedup;
  progress_.compute_to_overhead_ratio = choice.compute_to_overhead_ratio;
}

void StreamingQuery::Runtime::report_batch(const BatchMeasure& measure,
                                           const std::string& source_offset) {
  BatchProgress batch;
  batch.finished_us = environment_.clock->wall_us();
  batch.source_offset = source_offset;
  batch.rows_in = measure.rows_in;
  batch.rows_out = measure.rows_out;
  batch.batch_latency_ms = milliseconds(measure.execution_ns + measure.sink_ns);
  batch.sink_latency_ms = milliseconds(measure.sink_ns);
  batch.state_latency_ms = strategy_.has_stateful_ops ? milliseconds(measure.execution_ns) : 0.0;
  batch.state_size_bytes = measure.state_bytes;
  const Lock lock(mutex_);
  StreamingQueryProgress& progress = progress_;
  if (status_ == StreamStatus::kRestored) status_ = StreamStatus::kRunning;
  ++progress.batches_processed;
  progress.rows_in += static_cast<uint64_t>(measure.rows_in);
  progress.rows_out += static_cast<uint64_t>(measure.rows_out);
  progress.last_source_offset = source_offset;
  progress.last_batch_latency_ms = batch.batch_latency_ms;
  progress.last_sink_latency_ms = batch.sink_latency_ms;
  progress.last_state_latency_ms = batch.state_latency_ms;
  progress.projected_payload_bytes = measure.payload_bytes;
  progress.late_rows = measure.late_rows;
  progress.state_size_bytes = measure.state_bytes;
  progress.estimated_state_size_bytes = measure.state_bytes;
  busy_ns_ += measure.execution_ns + measure.sink_ns;
  batch.batch = progress.batches_processed;
  if (recent_.size() == kRecentBatches) recent_.pop_front();
  recent_.push_back(std::move(batch));
  if (listener_) reporter_wake_.notify_all();
  if (progress.sampled_batches == kSampledBatches) return;
  ++progress.sampled_batches;
  sampled_.rows_in += measure.rows_in;
  sampled_.payload_bytes += measure.payload_bytes;
  sampled_.execution_ns += measure.execution_ns;
  sampled_partitions_ += BatchQueue::partitions_of(measure.rows_in);
  const auto batches = static_cast<int64_t>(progress.sampled_batches);
  progress.sampled_rows_per_batch = sampled_.rows_in / batches;
  progress.average_projected_payload_bytes = sampled_.payload_bytes / batches;
  progress.estimated_batch_cost = milliseconds(sampled_.execution_ns / batches);
  progress.estimated_partitions = (sampled_partitions_ + batches - 1) / batches;
}

}  // namespace velaria
