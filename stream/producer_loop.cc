// The producer thread of a streaming query: everything that is said to the source.
#include <algorithm>
#include <chrono>

#include "stream/query_runtime.h"

namespace velaria {

namespace {

// Waits follow the query's clock, which a test may hold still: it is looked at this often.
constexpr std::chrono::milliseconds kClockLook{20};

}  // namespace

void StreamingQuery::Runtime::produce() {
  const char* doing = "while opening its source";
  bool healthy = false;
  try {
    plan_.source->open(context_);
    bool drained = false;
    {
      const Lock lock(mutex_);
      source_side_.open = true;
      drained = draining_;  // asked for before the source could hear of it
    }
    if (restored_) {
      doing = "while restoring its source";
      plan_.source->restore(restored_->source_offset);
    }
    if (drained) {
      const bool drains = drain_source();
      const Lock lock(mutex_);
      source_drains_ = drains;
    }
    doing = "in its source";
    pull_batches();
    healthy = true;
  } catch (...) {
    fail(std::current_exception(), doing);
  }
  {
    const Lock lock(mutex_);
    source_ended_ = true;
    control_wake_.notify_all();
  }
  try {
    // A source that failed is only closed.
    if (healthy) deliver_until_done();
  } catch (...) {
    fail(std::current_exception(), "in its source");
  }
  try {
    close_source(&source_closed_);
  } catch (...) {
    fail(std::current_exception(), "while closing its source");
  }
}

void StreamingQuery::Runtime::pull_batches() {
  for (uint64_t pulled = 0; !options_.max_batches || pulled < *options_.max_batches;) {
    deliver_markers();
    bool drained = false;
    {
      Lock lock(mutex_);
      if (!wait_for_room(&lock)) return;
      if (!markers_.empty()) continue;
      drained = draining_;
      if (drained && !source_drains_) return;
    }
    StreamBatch batch;
    const int64_t asked_ns = environment_.clock->steady_ns();
    const SourceStatus status = plan_.source->next(&batch);
    take_source_notes();
    switch (status) {
      case SourceStatus::kEnd: return;
      case SourceStatus::kBlocked: wait_while_blocked(asked_ns, drained); break;
      case SourceStatus::kBatch: {
        ++pulled;
        check_stream_chunks(plan_.source->schema(), batch.chunks, plan_.source->describe());
        const int64_t rows = batch.rows();
        const Lock lock(mutex_);
        queue_.push(std::move(batch));
        rows_pulled_ += static_cast<uint64_t>(rows);
        ++progress_.batches_pulled;
        control_wake_.notify_all();
        break;
      }
    }
  }
}

// False when the query is ending. Comes back early for markers: a source that waits for an ack must
// get it also while the queue is full.
bool StreamingQuery::Runtime::wait_for_room(Lock* lock) {
  producer_wake_.wait(*lock, [this] {
    return ending() || !markers_.empty() || (draining_ && !source_drains_) || !queue_.must_pause();
  });
  return !ending();
}

// The rest of idle_wait_ms that the source did not wait itself; `drained`: it knows of the drain.
void StreamingQuery::Runtime::wait_while_blocked(int64_t since_ns, bool drained) {
  const int64_t wait_ms = drained ? 1 : std::max<int64_t>(options_.idle_wait_ms, 1);
  const int64_t until_ns = since_ns + wait_ms * 1'000'000;
  Lock lock(mutex_);
  while (environment_.clock->steady_ns() < until_ns) {
    const auto left = std::chrono::nanoseconds(until_ns - environment_.clock->steady_ns());
    const bool called = producer_wake_.wait_for(
        lock, std::min<std::chrono::nanoseconds>(left, kClockLook),
        [this, drained] { return ending() || (draining_ && !drained) || !markers_.empty(); });
    if (called) return;
  }
}

void StreamingQuery::Runtime::deliver_markers() {
  for (;;) {
    CheckpointMarker marker;
    {
      const Lock lock(mutex_);
      if (markers_.empty()) return;
      marker = std::move(markers_.front());
      markers_.pop_front();
    }
    plan_.source->checkpoint(marker);
    plan_.source->ack(marker.source_offset);
  }
}

// The source is not asked for batches any more, but hears of those that are still being processed.
void StreamingQuery::Runtime::deliver_until_done() {
  for (;;) {
    {
      Lock lock(mutex_);
      producer_wake_.wait(lock, [this] { return epochs_done_ || !markers_.empty(); });
      if (markers_.empty()) return;
    }
    deliver_markers();
  }
}

void StreamingQuery::Runtime::close_source(bool* closed) {
  if (*closed) return;
  *closed = true;
  refuse_calls(&source_side_);
  plan_.source->close();
}

}  // namespace velaria
