// The checkpoints of a streaming query: when the control thread takes one, and the thread that
// writes them.
//
// The control thread takes the state between two batches and goes on with the next one; making the
// sink's rows safe, encoding, writing and syncing are the writer's. One write is in work at most;
// what was done meanwhile is in the next one. The marker of a checkpoint, and with it the ack, is
// given out by the control thread when the file is safe.
#include <utility>

#include "stream/query_runtime.h"
#include "stream/query_threads.h"

namespace velaria {

void StreamingQuery::Runtime::checkpoint_if_due() {
  if (checkpoint_) deliver_written();
  if (unrecorded_offset_ && checkpoint_due()) record_checkpoint();
}

bool StreamingQuery::Runtime::checkpoint_due() const {
  if (!checkpoint_) return true;
  {
    const Lock lock(mutex_);
    if (write_step_ != WriteStep::kNone) return false;
  }
  return !last_checkpoint_ns_ || environment_.clock->steady_ns() - *last_checkpoint_ns_ >=
                                     options_.checkpoint_interval_ms * 1'000'000;
}

CheckpointMarker StreamingQuery::Runtime::take_marker() {
  CheckpointMarker marker;
  marker.query_id = query_id();
  marker.source_offset = std::move(*unrecorded_offset_);
  marker.batches_processed = batches_before_ + batches_begun_;
  unrecorded_offset_.reset();
  return marker;
}

CheckpointData StreamingQuery::Runtime::checkpoint_of(const CheckpointMarker& marker) const {
  CheckpointData data;
  data.plan_fingerprint = plan_.fingerprint;
  data.delivery_mode = strategy_.checkpoint_delivery_mode;
  data.query_id = query_id();
  data.source_offset = marker.source_offset;
  data.batches_processed = marker.batches_processed;
  data.next_chunk_order = next_order_;
  data.state_parts = state_parts();
  return data;
}

void StreamingQuery::Runtime::record_checkpoint() {
  CheckpointMarker marker = take_marker();
  if (!checkpoint_) {
    announce(std::move(marker));
    return;
  }
  CheckpointData data = checkpoint_of(marker);
  if (!strategy_.checkpoint_async) {
    write_checkpoint(data);
    announce(std::move(marker));
    return;
  }
  if (!checkpoint_writer_.joinable()) {
    checkpoint_writer_ = start_query_thread([this] { write_checkpoints(); });
  }
  const Lock lock(mutex_);
  to_write_ = std::move(data);
  to_announce_ = std::move(marker);
  write_step_ = WriteStep::kAsked;
  writer_wake_.notify_all();
}

// No checkpoint says more than the disk holds.
void StreamingQuery::Runtime::write_checkpoint(const CheckpointData& data) {
  sink_->sync();
  checkpoint_->write(data);
}

void StreamingQuery::Runtime::announce(CheckpointMarker marker) {
  if (checkpoint_) last_checkpoint_ns_ = environment_.clock->steady_ns();
  sink_->checkpoint(marker);
  if (!source_wants_markers_) return;
  const Lock lock(mutex_);
  markers_.push_back(std::move(marker));
  producer_wake_.notify_all();
}

void StreamingQuery::Runtime::deliver_written() {
  CheckpointMarker marker;
  {
    const Lock lock(mutex_);
    if (write_step_ != WriteStep::kDone) return;
    write_step_ = WriteStep::kNone;
    if (write_failure_) std::rethrow_exception(std::exchange(write_failure_, nullptr));
    marker = std::move(to_announce_);
  }
  announce(std::move(marker));
}

// The writer thread.
void StreamingQuery::Runtime::write_checkpoints() {
  {
    const Lock lock(mutex_);
    writer_id_ = std::this_thread::get_id();
  }
  for (;;) {
    CheckpointData data;
    {
      Lock lock(mutex_);
      writer_wake_.wait(lock, [this] { return write_step_ == WriteStep::kAsked || writer_ends_; });
      if (write_step_ != WriteStep::kAsked) return;
      data = std::move(to_write_);
      to_write_ = {};
    }
    std::exception_ptr failure;
    try {
      write_checkpoint(data);
    } catch (...) {
      failure = std::current_exception();
    }
    data = {};  // before anybody hears of it: its memory is the query's
    const Lock lock(mutex_);
    write_failure_ = failure;
    write_step_ = WriteStep::kDone;
    control_wake_.notify_all();
  }
}

void StreamingQuery::Runtime::join_checkpoint_writer() {
  {
    const Lock lock(mutex_);
    writer_ends_ = true;
    writer_wake_.notify_all();
  }
  if (checkpoint_writer_.joinable()) checkpoint_writer_.join();
}

void StreamingQuery::Runtime::record_last_checkpoint() {
  join_checkpoint_writer();
  if (checkpoint_) deliver_written();
  if (!unrecorded_offset_) return;
  CheckpointMarker marker = take_marker();
  if (checkpoint_) write_checkpoint(checkpoint_of(marker));
  announce(std::move(marker));
}

}  // namespace velaria
