#include "stream/connectors/realtime_stream_sink.h"

#include <algorithm>
#include <chrono>

#include "src/base/error.h"
#include "src/base/text.h"

namespace velaria {

RealtimeStreamSink::RealtimeStreamSink(RealtimeSinkOptions options) : options_(options) {
  if (options_.max_batches < 1) {
    throw Error(ErrorKind::kInvalidArgument,
                concat("a realtime sink needs room for at least one result; max_batches=",
                       options_.max_batches));
  }
}

std::optional<RealtimeStreamSink::Result> RealtimeStreamSink::poll(
    std::optional<int64_t> timeout_ms, const std::function<void()>& interrupt) {
  using std::chrono::steady_clock;
  const auto begin = steady_clock::now();
  const auto ready = [this] { return ended_ || reader_gone_ || !queue_.empty(); };
  std::unique_lock<std::mutex> lock(mutex_);
  while (!ready()) {
    std::chrono::milliseconds slice{interrupt ? 20 : 1000};
    if (timeout_ms) {
      const auto left =
          std::chrono::milliseconds(*timeout_ms) -
          std::chrono::duration_cast<std::chrono::milliseconds>(steady_clock::now() - begin);
      if (left.count() <= 0) return std::nullopt;
      slice = std::min(slice, left);
    }
    if (!readable_.wait_for(lock, slice, ready) && interrupt) {
      lock.unlock();
      interrupt();
      lock.lock();
    }
  }
  if (queue_.empty()) return std::nullopt;
  Result result = std::move(queue_.front());
  queue_.pop_front();
  writable_.notify_all();
  return result;
}

bool RealtimeStreamSink::closed() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return (ended_ || reader_gone_) && queue_.empty();
}

void RealtimeStreamSink::stop_reading() {
  const std::lock_guard<std::mutex> lock(mutex_);
  reader_gone_ = true;
  queue_.clear();
  readable_.notify_all();
  writable_.notify_all();
}

void RealtimeStreamSink::open(const StreamContext&, const Schema&) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (ended_) {
    throw Error(ErrorKind::kStream,
                "a realtime sink serves one query, and this one has had it; make a new one");
  }
}

void RealtimeStreamSink::write(const Schema& schema, const std::vector<Chunk>& chunks) {
  std::unique_lock<std::mutex> lock(mutex_);
  writable_.wait(lock, [this] {
    return cancelled_ || reader_gone_ || static_cast<int64_t>(queue_.size()) < options_.max_batches;
  });
  if (reader_gone_) return;
  if (cancelled_)
    throw Error(ErrorKind::kCancelled, "the query was stopped before its result was read");
  queue_.push_back({schema, chunks});
  readable_.notify_one();
}

void RealtimeStreamSink::close() {
  const std::lock_guard<std::mutex> lock(mutex_);
  ended_ = true;
  readable_.notify_all();
}

void RealtimeStreamSink::wake() {
  const std::lock_guard<std::mutex> lock(mutex_);
  cancelled_ = true;
  writable_.notify_all();
}

}  // namespace velaria
