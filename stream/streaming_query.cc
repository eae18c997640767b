#include "stream/streaming_query.h"

#include <algorithm>
#include <chrono>
#include <new>
#include <sstream>
#include <utility>

#include "src/base/error.h"
#include "src/base/text.h"
#include "stream/explain.h"
#include "stream/query_runtime.h"
#include "stream/query_threads.h"

namespace velaria {

namespace {

// Restored groups are placed by their numbers, which are below 2^32; chunks of this order and later
// lie behind all of them.
constexpr uint64_t kFirstChunkOrder = (uint64_t{1} << 32) >> (kSubOrderBits + kChunkRowBits);

std::string describe_with_kind(const std::exception_ptr& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const Error& error) {
    return concat(error_kind_name(error.kind()), ": ", error.message());
  } catch (const std::bad_alloc&) {
    return concat(error_kind_name(ErrorKind::kResource), ": ", describe_exception(failure));
  } catch (...) {
    return describe_exception(failure);
  }
}

// What a caller gets where there is no memory for the call itself.
template <typename Call>
auto with_resource_errors(const char* doing, Call&& call) {
  try {
    return std::forward<Call>(call)();
  } catch (const std::bad_alloc&) {
    throw Error(ErrorKind::kResource, concat("out of memory while the query was ", doing));
  }
}

bool is_cancellation(const std::exception_ptr& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const Error& error) {
    return error.kind() == ErrorKind::kCancelled;
  } catch (...) {
    return false;
  }
}

double per_second(uint64_t rows, int64_t ns) {
  return ns > 0 ? static_cast<double>(rows) * 1e9 / static_cast<double>(ns) : 0.0;
}

StreamContext make_context(const StreamPlan& plan, const StreamOptions& options,
                           const StreamStrategy& strategy, const Clock& clock, const void* self) {
  StreamContext context;
  context.query_id = options.query_id;
  if (context.query_id.empty()) {
    // Unlike any other query of this machine, as far as anybody compares.
    std::ostringstream id;
    id.exceptions(std::ios::badbit);  // or its name is cut when there is no memory
    id << "query-" << std::hex << (plan.fingerprint & 0xffffffff) << '-' << clock.wall_us() << '-'
       << (reinterpret_cast<uintptr_t>(self) >> 4 & 0xffffff);
    context.query_id = id.str();
  }
  context.source_hears = plan.source->wants_markers();
  context.execution_mode = strategy.selected_mode;
  context.transport_mode = strategy.transport_mode;
  context.checkpoint_delivery_mode = strategy.checkpoint_delivery_mode;
  context.checkpoint_path = options.checkpoint_path;
  context.trigger_interval_ms = options.trigger_interval_ms;
  context.idle_wait_ms = options.idle_wait_ms;
  context.max_inflight_batches = options.max_inflight_batches;
  context.max_inflight_partitions = options.max_inflight_partitions;
  context.backpressure_high_watermark = strategy.backpressure_high_watermark;
  context.backpressure_low_watermark = strategy.backpressure_low_watermark;
  return context;
}

}  // namespace

const char* stream_status_name(StreamStatus status) {
  switch (status) {
    case StreamStatus::kCreated: return "created";
    case StreamStatus::kRunning: return "running";
    case StreamStatus::kRestored: return "restored";
    case StreamStatus::kBackpressure: return "backpressure";
    case StreamStatus::kStopped: return "stopped";
    case StreamStatus::kFailed: return "failed";
  }
  return "failed";
}

StreamingQuery::Runtime::Runtime(StreamPlan plan, StreamSinkPtr sink, StreamOptions options,
                                 StreamEnvironment environment)
    : plan_(std::move(plan)),
      sink_(std::move(sink)),
      listener_(std::exchange(options.on_progress, nullptr)),
      options_(std::move(options)),
      environment_(std::move(environment)),
      strategy_(decide_strategy(plan_, options_, environment_, sink_->blocking())),
      physical_(
          batch_pipelines(plan_, {options_.max_retained_windows, options_.window_retention_ms})),
      physical_at_end_(plan_.at_end ? std::make_unique<const PhysicalPlan>(end_pipelines(plan_))
                                    : nullptr),
      source_wants_markers_(plan_.source->wants_markers()),
      context_(make_context(plan_, options_, strategy_, *environment_.clock, this)),
      next_order_(kFirstChunkOrder),
      kept_reservation_(environment_.budget, "rows kept for the end of the stream"),
      queue_({strategy_.backpressure_high_watermark, strategy_.backpressure_low_watermark,
              strategy_.max_inflight_partitions}) {
  progress_.query_id = context_.query_id;
  progress_.requested_execution_mode = strategy_.requested_mode;
  progress_.execution_mode = strategy_.selected_mode;
  progress_.execution_reason = strategy_.reason;
  progress_.transport_mode = strategy_.transport_mode;
  progress_.actor_eligible = strategy_.actor_eligible;
  progress_.has_stateful_ops = strategy_.has_stateful_ops;
  progress_.has_window = strategy_.has_window;
  progress_.sink_is_blocking = strategy_.sink_is_blocking;
  progress_.source_is_bounded = strategy_.source_is_bounded;
  progress_.estimated_partitions = strategy_.estimated_partitions;
  progress_.estimated_state_size_bytes = strategy_.estimated_state_size_bytes;
  progress_.estimated_batch_cost = strategy_.estimated_batch_cost;
  progress_.backpressure_max_queue_batches = strategy_.backpressure_max_queue_batches;
  progress_.backpressure_high_watermark = strategy_.backpressure_high_watermark;
  progress_.backpressure_low_watermark = strategy_.backpressure_low_watermark;
  progress_.checkpoint_delivery_mode = strategy_.checkpoint_delivery_mode;
}

void StreamingQuery::Runtime::let_go() {
  bool on_own = false;
  {
    const Lock lock(mutex_);
    if (!control_started_) return;
    on_own = on_own_thread();
  }
  try {
    stop(false, nullptr);
  } catch (...) {
    // Nobody is left to hear of it.
  }
  if (!control_.joinable()) return;
  if (on_own) {
    control_.detach();  // it waits for the others, and has its share in this until then
  } else {
    control_.join();
  }
}

void StreamingQuery::Runtime::start() {
  {
    const Lock lock(mutex_);
    if (status_ != StreamStatus::kCreated || control_started_ || stopping_unstarted_) {
      throw Error(ErrorKind::kStream,
                  concat("the streaming query ", query_id(), " was started before (it is ",
                         stream_status_name(status_locked()),
                         "), as Python's `with` does by itself; make a new one to run it again"));
    }
    if (!take_source_and_sink()) refuse_source_or_sink_in_use();
    control_started_ = true;
    started_ns_ = environment_.clock->steady_ns();
  }
  try {
    load_checkpoint();
    if (listener_) reporter_ = start_query_thread([this] { report_progress(); });
    const Lock lock(mutex_);
    status_ = restored_ ? StreamStatus::kRestored : StreamStatus::kRunning;
    // With a share: the last owner of the query may let it go on this very thread.
    control_ = start_query_thread([self = shared_from_this()] { self->control(); });
  } catch (...) {
    const std::exception_ptr failure = std::current_exception();
    fail(failure, "while it was started");
    finish();
    std::rethrow_exception(failure);
  }
}

bool StreamingQuery::Runtime::take_source_and_sink() {
  if (!plan_.source->exclusive_use().take()) return false;
  has_source_and_sink_ = sink_->exclusive_use().take();
  if (!has_source_and_sink_) plan_.source->exclusive_use().give_back();
  return has_source_and_sink_;
}

void StreamingQuery::Runtime::refuse_source_or_sink_in_use() const {
  throw Error(ErrorKind::kStream,
              concat("another query that has not ended reads the source (",
                     plan_.source->describe(), ") or writes to the sink (", sink_->describe(),
                     ") of the streaming query ", query_id(),
                     "; start it when that one has ended, or make a source and a sink for each"));
}

void StreamingQuery::Runtime::load_checkpoint() {
  if (options_.checkpoint_path.empty()) return;
  checkpoint_ = std::make_unique<CheckpointStore>(environment_.files, options_.checkpoint_path);
  checkpoint_->prepare(query_id());
  // Also read when nothing is restored: a torn or foreign file is never silently replaced.
  std::optional<CheckpointData> found = checkpoint_->read(plan_.fingerprint);
  if (!found || !strategy_.restores_state) return;
  restored_ = std::move(found);
  context_.restored = true;
  batches_before_ = restored_->batches_processed;
  next_order_ = std::max(next_order_, restored_->next_chunk_order);
  const Lock lock(mutex_);
  progress_.last_source_offset = restored_->source_offset;
}

void StreamingQuery::Runtime::control() {
  {
    const Lock lock(mutex_);
    control_id_ = std::this_thread::get_id();
  }
  const char* doing = "while opening its sink";
  bool giving_final_rows = false;
  try {
    sink_->open(context_, output_schema());
    {
      const Lock lock(mutex_);
      sink_side_.open = true;
    }
    doing = "while restoring its state";
    open_state();
    doing = "while it was started";
    producer_ = start_query_thread([this] {
      {
        const Lock lock(mutex_);
        producer_id_ = std::this_thread::get_id();
      }
      produce();
    });
    run_epochs();
    if (!asked_to_end()) {
      giving_final_rows = true;
      write_final_rows();
    }
    giving_final_rows = false;
    // Also of a query that is stopped at once: what was done needs no replay.
    record_last_checkpoint();
  } catch (...) {
    if (any_epoch_ && !giving_final_rows) {
      fail(std::current_exception(), "in batch", batches_begun_);
    } else {
      fail(std::current_exception(), giving_final_rows ? "while giving out its final rows" : doing);
    }
  }
  // Of a batch that was given up, the checkpoint before it may still have been in work.
  join_checkpoint_writer();
  if (write_failure_) fail(write_failure_, "while writing its checkpoint");
  finish();
}

// The end of every query: both sides closed once, then the last status, which the listener hears
// before anybody who waits.
void StreamingQuery::Runtime::finish() {
  {
    const Lock lock(mutex_);
    epochs_done_ = true;
    if (!source_ended_) stop_now_ = true;
    producer_wake_.notify_all();
  }
  if (producer_.joinable()) {
    wake(*plan_.source, &source_side_);
    producer_.join();
  }
  // Without them, a query that was never started: they are another one's.
  if (has_source_and_sink_) {
    try {
      close_source(&source_closed_);
    } catch (...) {
      fail(std::current_exception(), "while closing its source");
    }
    refuse_calls(&sink_side_);
    try {
      sink_->close();
    } catch (...) {
      fail(std::current_exception(), "while closing its sink");
    }
    plan_.source->exclusive_use().give_back();
    sink_->exclusive_use().give_back();
  }
  execution_.reset();
  checkpoint_.reset();  // another query may have the file from now on
  {
    const Lock lock(mutex_);
    queue_.clear();
    ended_ns_ = environment_.clock->steady_ns();
    status_ = failure_ ? StreamStatus::kFailed : StreamStatus::kStopped;
    report_end_ = true;
    reporter_wake_.notify_all();
  }
  if (reporter_.joinable()) reporter_.join();
  listener_ = nullptr;  // which may hold the query: see let_go()
  const Lock lock(mutex_);
  over_ = true;
  // A later thread may get the same id.
  control_id_ = producer_id_ = writer_id_ = reporter_id_ = std::thread::id();
  ended_wake_.notify_all();
}

void StreamingQuery::Runtime::fail(const std::exception_ptr& cause, const char* where,
                                   uint64_t batch) {
  std::string text;
  std::exception_ptr failure = cause;
  try {
    text = concat("the streaming query ", query_id(), " failed ", where, batch > 0 ? " " : "",
                  batch > 0 ? std::to_string(batch) : "", ": ", describe_with_kind(cause));
    failure = std::make_exception_ptr(Error(ErrorKind::kStream, text));
  } catch (...) {
    // There is no memory for the text: the cause stands for itself.
  }
  {
    const Lock lock(mutex_);
    // What ends because the query is ending is no failure of its own.
    if (failure_ || ended(status_) || (stop_now_ && is_cancellation(cause))) return;
    progress_.last_error = std::move(text);
    failure_ = std::move(failure);
    cancellation_.cancel();
    producer_wake_.notify_all();
    control_wake_.notify_all();
  }
  wake(*plan_.source, &source_side_);
  wake(*sink_, &sink_side_);
}

bool StreamingQuery::Runtime::begin_call(OpenSide* side) {
  const Lock lock(mutex_);
  if (side->open) ++side->calls;
  return side->open;
}

void StreamingQuery::Runtime::end_call(OpenSide* side) {
  const Lock lock(mutex_);
  if (--side->calls == 0) calls_wake_.notify_all();
}

void StreamingQuery::Runtime::refuse_calls(OpenSide* side) {
  Lock lock(mutex_);
  side->open = false;
  calls_wake_.wait(lock, [side] { return side->calls == 0; });
}

template <typename Side>
void StreamingQuery::Runtime::wake(Side& side, OpenSide* calls) {
  if (!begin_call(calls)) return;
  std::string failure;
  bool failed = false;
  try {
    side.wake();
  } catch (...) {
    failed = true;
    failure = describe_exception(std::current_exception());
  }
  end_call(calls);
  if (!failed) return;
  const Lock lock(mutex_);
  ++wake_failures_;
  last_wake_failure_ = std::move(failure);
}

bool StreamingQuery::Runtime::drain_source() {
  if (!begin_call(&source_side_)) return false;
  bool drains = false;
  std::exception_ptr failure;
  try {
    drains = plan_.source->drain();
  } catch (...) {
    failure = std::current_exception();
  }
  end_call(&source_side_);
  if (failure) fail(failure, "while its source was asked to drain");
  return drains;
}

bool StreamingQuery::Runtime::asked_to_end() const {
  const Lock lock(mutex_);
  return ending();
}

bool StreamingQuery::Runtime::on_own_thread() const {
  const std::thread::id self = std::this_thread::get_id();
  return self == control_id_ || self == producer_id_ || self == writer_id_ || self == reporter_id_;
}

void StreamingQuery::Runtime::wait_ended(Lock* lock, std::optional<int64_t> timeout_ms,
                                         const InterruptCheck& interrupt) {
  const auto over = [this] { return over_; };
  const auto begin = std::chrono::steady_clock::now();
  while (!over()) {
    // What a person waits is real time, whatever the query's clock says.
    std::chrono::milliseconds slice{interrupt ? 20 : 1000};
    if (timeout_ms) {
      const auto waited = std::chrono::duration_cast<std::chrono::milliseconds>(
          std::chrono::steady_clock::now() - begin);
      const auto left = std::chrono::milliseconds(*timeout_ms) - waited;
      if (left.count() <= 0) return;
      slice = std::min(slice, left);
    }
    if (ended_wake_.wait_for(*lock, slice, over)) return;
    if (interrupt) {
      lock->unlock();
      interrupt();
      lock->lock();
    }
  }
}

uint64_t StreamingQuery::Runtime::await_termination(std::optional<int64_t> timeout_ms,
                                                    const InterruptCheck& interrupt) {
  Lock lock(mutex_);
  if (!control_started_ && !ended(status_)) {
    throw Error(ErrorKind::kStream,
                concat("the streaming query ", query_id(), " was not started; call start() first"));
  }
  if (on_own_thread()) {
    throw Error(
        ErrorKind::kStream,
        "a streaming query cannot wait for its own end inside its source, sink or listener");
  }
  wait_ended(&lock, timeout_ms, interrupt);
  if (status_ == StreamStatus::kFailed) std::rethrow_exception(failure_);
  return progress_.batches_processed;
}

void StreamingQuery::Runtime::stop(bool drain, const InterruptCheck& interrupt) {
  bool unstarted = false;
  bool source_hears = false;
  {
    Lock lock(mutex_);
    if (ended(status_)) {
      if (!on_own_thread()) wait_ended(&lock, std::nullopt, interrupt);
      return;
    }
    unstarted = !control_started_ && !stopping_unstarted_;
    if (unstarted) {
      stopping_unstarted_ = true;
      take_source_and_sink();
    }
    source_hears = drain && source_side_.open;
    // A source that is not open yet hears of it from the producer, when it is.
    if (drain && !source_side_.open) draining_ = true;
  }
  if (unstarted) {
    finish();
    return;
  }
  // The source hears of it first: once the producer sees the flag, it relies on the answer.
  const bool source_drains = source_hears && drain_source();
  {
    const Lock lock(mutex_);
    if (drain) {
      if (source_hears) source_drains_ = source_drains;
      draining_ = true;
    } else {
      stop_now_ = true;
      cancellation_.cancel();
    }
    producer_wake_.notify_all();
    control_wake_.notify_all();
  }
  wake(*plan_.source, &source_side_);
  if (!drain) wake(*sink_, &sink_side_);
  Lock lock(mutex_);
  if (!on_own_thread()) wait_ended(&lock, std::nullopt, interrupt);
}

StreamStatus StreamingQuery::Runtime::status_locked() const {
  if (status_ == StreamStatus::kRunning && queue_.paused()) return StreamStatus::kBackpressure;
  return status_;
}

StreamStatus StreamingQuery::Runtime::status() const {
  const Lock lock(mutex_);
  return status_locked();
}

std::exception_ptr StreamingQuery::Runtime::exception() const {
  const Lock lock(mutex_);
  return failure_;
}

StreamingQueryProgress StreamingQuery::Runtime::progress() const {
  const Lock lock(mutex_);
  return progress_locked();
}

StreamingQueryProgress StreamingQuery::Runtime::progress_locked() const {
  StreamingQueryProgress out = progress_;
  out.status = stream_status_name(status_locked());
  out.blocked_count = queue_.blocked_count();
  out.max_backlog_batches = queue_.max_backlog();
  out.inflight_batches = queue_.batches();
  out.inflight_partitions = queue_.partitions();
  out.backpressure_active = queue_.paused();
  const int64_t now_ns = ended(status_) ? ended_ns_ : environment_.clock->steady_ns();
  if (control_started_) out.input_rows_per_second = per_second(rows_pulled_, now_ns - started_ns_);
  out.processed_rows_per_second = per_second(out.rows_in, busy_ns_);
  return out;
}

std::vector<BatchProgress> StreamingQuery::Runtime::recent_progress() const {
  const Lock lock(mutex_);
  return {recent_.begin(), recent_.end()};
}

bool StreamingQuery::Runtime::over() const {
  const Lock lock(mutex_);
  return over_;
}

StreamingQuery::StreamingQuery(std::shared_ptr<Runtime> runtime) : runtime_(std::move(runtime)) {}
StreamingQuery::~StreamingQuery() { runtime_->let_go(); }

std::shared_ptr<StreamingQuery> StreamingQuery::make(PlanPtr plan, StreamSinkPtr sink,
                                                     StreamOptions options,
                                                     StreamEnvironment environment) {
  if (!sink) throw Error(ErrorKind::kInvalidArgument, "a streaming query needs a sink");
  return with_resource_errors("made", [&] {
    apply_environment_options(&options);
    check_stream_options(options);
    StreamPlan stream_plan = make_stream_plan(std::move(plan));
    auto runtime =
        std::make_shared<Runtime>(std::move(stream_plan), std::move(sink), std::move(options),
                                  with_defaults(std::move(environment)));
    return std::shared_ptr<StreamingQuery>(new StreamingQuery(std::move(runtime)));
  });
}

void StreamingQuery::start() {
  with_resource_errors("started", [this] { runtime_->start(); });
}
uint64_t StreamingQuery::await_termination(std::optional<int64_t> timeout_ms,
                                           const InterruptCheck& interrupt) {
  return runtime_->await_termination(timeout_ms, interrupt);
}
void StreamingQuery::stop(bool drain, const InterruptCheck& interrupt) {
  runtime_->stop(drain, interrupt);
}
StreamingQueryProgress StreamingQuery::progress() const { return runtime_->progress(); }
std::vector<BatchProgress> StreamingQuery::recent_progress() const {
  return runtime_->recent_progress();
}
std::vector<std::string> StreamingQuery::warnings() const { return runtime_->warnings(); }
bool StreamingQuery::ended() const { return runtime_->over(); }
std::string StreamingQuery::snapshotJson() const { return progress_json(progress()); }
StreamStatus StreamingQuery::status() const { return runtime_->status(); }
const std::string& StreamingQuery::query_id() const { return runtime_->query_id(); }
std::exception_ptr StreamingQuery::exception() const { return runtime_->exception(); }
const StreamStrategy& StreamingQuery::strategy() const { return runtime_->strategy(); }
const StreamPlan& StreamingQuery::plan() const { return runtime_->plan(); }
std::string StreamingQuery::explain() const {
  return explain_stream(runtime_->plan(), runtime_->strategy());
}

}  // namespace velaria
