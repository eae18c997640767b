#include "stream/connectors/realtime_stream_source.h"

#include <chrono>

#include "src/base/error.h"
#include "src/base/text.h"

namespace velaria {

PushPolicy push_policy_from_name(const std::string& name) {
  if (name == "block") return PushPolicy::kBlock;
  if (name == "fail") return PushPolicy::kFail;
  if (name == "drop-oldest") return PushPolicy::kDropOldest;
  throw Error(
      ErrorKind::kInvalidArgument,
      concat("'", excerpt(name), "' is no push policy; it is one of block, fail, drop-oldest",
             did_you_mean(name, {"block", "fail", "drop-oldest"})));
}

RealtimeStreamSource::RealtimeStreamSource(Schema schema, RealtimeSourceOptions options)
    : schema_(std::move(schema)), options_(options) {
  if (options_.max_batches < 1 || options_.max_rows < 1) {
    throw Error(
        ErrorKind::kInvalidArgument,
        concat("a realtime source needs room for at least one batch and one row; max_batches=",
               options_.max_batches, ", max_rows=", options_.max_rows));
  }
}

RealtimeStreamSource::Item RealtimeStreamSource::checked(std::vector<Chunk> chunks) const {
  try {
    check_stream_chunks(schema_, chunks, "realtime source");
  } catch (const Error& error) {
    throw Error(ErrorKind::kInvalidArgument, error.message());
  }
  Item item;
  for (const Chunk& chunk : chunks) item.rows += chunk.selected_rows();
  item.chunks = std::move(chunks);
  return item;
}

void RealtimeStreamSource::check_open() const {
  if (ended_) {
    throw Error(ErrorKind::kStream,
                "the query that reads this realtime source has ended; nothing can be pushed");
  }
  if (input_closed_) {
    throw Error(ErrorKind::kStream, "this realtime source was closed; nothing can be pushed");
  }
}

bool RealtimeStreamSource::has_room(int64_t rows) const {
  if (queue_.empty()) return true;
  return static_cast<int64_t>(queue_.size()) < options_.max_batches &&
         queued_rows_ + rows <= options_.max_rows;
}

bool RealtimeStreamSource::make_room(int64_t rows) {
  if (has_room(rows)) return true;
  switch (options_.policy) {
    case PushPolicy::kBlock: return false;
    case PushPolicy::kFail:
      throw Error(
          ErrorKind::kResource,
          concat("the realtime source is full: ", queue_.size(), " of ", options_.max_batches,
                 " batches and ", queued_rows_, " of ", options_.max_rows,
                 " rows are queued; push later, or make it with policy 'block' or "
                 "'drop-oldest'"));
    case PushPolicy::kDropOldest:
      while (!has_room(rows)) {
        queued_rows_ -= queue_.front().rows;
        queue_.pop_front();
        ++dropped_batches_;
      }
      return true;
  }
  return false;
}

void RealtimeStreamSource::append(Item item) {
  queued_rows_ += item.rows;
  queue_.push_back(std::move(item));
  readable_.notify_one();
}

void RealtimeStreamSource::push(std::vector<Chunk> chunks, const std::function<void()>& interrupt) {
  Item item = checked(std::move(chunks));
  if (item.rows == 0) return;
  std::unique_lock<std::mutex> lock(mutex_);
  check_open();
  if (!make_room(item.rows)) {
    const auto ready = [&] { return ended_ || input_closed_ || has_room(item.rows); };
    if (!interrupt) {
      writable_.wait(lock, ready);
    } else {
      while (!writable_.wait_for(lock, std::chrono::milliseconds(20), ready)) {
        lock.unlock();
        interrupt();
        lock.lock();
      }
    }
    check_open();
  }
  append(std::move(item));
}

bool RealtimeStreamSource::try_push(std::vector<Chunk> chunks) {
  Item item = checked(std::move(chunks));
  if (item.rows == 0) return true;
  const std::lock_guard<std::mutex> lock(mutex_);
  check_open();
  if (!make_room(item.rows)) return false;
  append(std::move(item));
  return true;
}

void RealtimeStreamSource::close_input() {
  const std::lock_guard<std::mutex> lock(mutex_);
  input_closed_ = true;
  readable_.notify_all();
  writable_.notify_all();
}

bool RealtimeStreamSource::input_closed() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return input_closed_ || ended_;
}

int64_t RealtimeStreamSource::queued_batches() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return static_cast<int64_t>(queue_.size());
}

uint64_t RealtimeStreamSource::dropped_batches() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return dropped_batches_;
}

void RealtimeStreamSource::open(const StreamContext& context) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (opened_ || ended_) {
    throw Error(ErrorKind::kStream,
                "a realtime source serves one query, and this one has had it; make a new one");
  }
  opened_ = true;
  idle_wait_ms_ = context.idle_wait_ms;
}

SourceStatus RealtimeStreamSource::next(StreamBatch* batch) {
  std::unique_lock<std::mutex> lock(mutex_);
  readable_.wait_for(lock, std::chrono::milliseconds(idle_wait_ms_),
                     [this] { return woken_ || input_closed_ || !queue_.empty(); });
  woken_ = false;
  if (queue_.empty()) return input_closed_ ? SourceStatus::kEnd : SourceStatus::kBlocked;
  Item item = std::move(queue_.front());
  queue_.pop_front();
  queued_rows_ -= item.rows;
  writable_.notify_all();
  batch->chunks = std::move(item.chunks);
  batch->source_offset = std::to_string(++given_batches_);
  return SourceStatus::kBatch;
}

void RealtimeStreamSource::close() {
  const std::lock_guard<std::mutex> lock(mutex_);
  ended_ = true;
  queue_.clear();
  queued_rows_ = 0;
  readable_.notify_all();
  writable_.notify_all();
}

void RealtimeStreamSource::wake() {
  const std::lock_guard<std::mutex> lock(mutex_);
  woken_ = true;
  readable_.notify_all();
}

bool RealtimeStreamSource::drain() {
  close_input();
  return true;
}

}  // namespace velaria
