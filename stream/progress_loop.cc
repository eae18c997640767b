// The thread that tells a listener how a streaming query gets on, and what the query has to say of
// itself besides.
#include <algorithm>
#include <utility>

#include "src/base/text.h"
#include "stream/query_runtime.h"

namespace velaria {

// The query never waits for the listener but at its end; batches done meanwhile come together.
void StreamingQuery::Runtime::report_progress() {
  Lock lock(mutex_);
  reporter_id_ = std::this_thread::get_id();
  uint64_t reported = 0;
  for (bool last = false; !last;) {
    reporter_wake_.wait(lock,
                        [&] { return progress_.batches_processed > reported || report_end_; });
    last = report_end_;
    const uint64_t before = std::exchange(reported, progress_.batches_processed);
    std::string failure;
    try {
      ProgressEvent event;
      event.progress = progress_locked();
      for (const BatchProgress& batch : recent_) {
        if (batch.batch > before) event.batches.push_back(batch);
      }
      lock.unlock();
      listener_(event);
    } catch (...) {
      failure = describe_exception(std::current_exception());
    }
    if (!lock.owns_lock()) lock.lock();
    if (failure.empty()) continue;
    ++listener_failures_;
    last_listener_failure_ = std::move(failure);
  }
}

void StreamingQuery::Runtime::take_source_notes() {
  SourceNotes notes = plan_.source->take_notes();
  if (notes.rejected_rows == 0 && notes.warnings.empty()) return;
  const Lock lock(mutex_);
  progress_.rejected_rows += static_cast<uint64_t>(notes.rejected_rows);
  for (std::string& warning : notes.warnings) {
    if (warnings_.size() < kMostWarnings) {
      warnings_.push_back(std::move(warning));
    } else {
      ++more_warnings_;
    }
  }
}

std::vector<std::string> StreamingQuery::Runtime::warnings() const {
  const Lock lock(mutex_);
  std::vector<std::string> out = warnings_;
  if (more_warnings_ > 0) out.push_back(concat(more_warnings_, " more warnings were not kept"));
  if (listener_failures_ > 0) {
    out.push_back(
        concat("the progress listener failed ", listener_failures_,
               listener_failures_ == 1 ? " time: " : " times, at last: ", last_listener_failure_));
  }
  if (wake_failures_ > 0) {
    out.push_back(
        concat("wake() of the source or sink failed ", wake_failures_,
               wake_failures_ == 1 ? " time: " : " times, at last: ", last_wake_failure_));
  }
  return out;
}

}  // namespace velaria
