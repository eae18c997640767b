// A source that the program pushes into while the query runs.
//
//   auto source = std::make_shared<RealtimeStreamSource>(schema, RealtimeSourceOptions{});
//   source->push({chunk});        // from any thread; one push is one batch of the stream
//   source->close_input();        // the query ends when everything pushed is processed
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "stream/stream_source.h"

namespace velaria {

enum class PushPolicy {
  kBlock,       // push() waits for room
  kFail,        // push() throws ResourceError
  kDropOldest,  // the oldest queued batches go
};

// "block", "fail", "drop-oldest"; throws InvalidArgumentError with a suggestion.
PushPolicy push_policy_from_name(const std::string& name);

struct RealtimeSourceOptions {
  int64_t max_batches = 64;    // queued at most
  int64_t max_rows = 1 << 20;  // queued at most; one larger batch is taken when the queue is empty
  PushPolicy policy = PushPolicy::kBlock;
};

// Thread-safe: push() and close_input() from any threads while a query reads. Serves one query. Its
// offset is the number of batches given so far; it cannot restore.
class RealtimeStreamSource : public StreamSource {
 public:
  // Throws InvalidArgumentError for limits below 1.
  RealtimeStreamSource(Schema schema, RealtimeSourceOptions options);

  // One batch; without rows: nothing happens. `interrupt` is called every 20 ms while it waits and
  // may throw. Throws InvalidArgumentError when a chunk does not fit the schema, StreamError when
  // the input was closed or the query that reads it has ended.
  void push(std::vector<Chunk> chunks, const std::function<void()>& interrupt = nullptr);
  // push() for callers that must not wait: false, with nothing done, where push() would.
  bool try_push(std::vector<Chunk> chunks);
  // No more pushes: what is queued is still read, then the stream ends. Wakes blocked pushers,
  // which throw StreamError. Again: nothing.
  void close_input();
  bool input_closed() const;

  int64_t queued_batches() const;
  uint64_t dropped_batches() const;  // by kDropOldest

  const Schema& schema() const override { return schema_; }
  bool wants_markers() const override { return false; }
  bool bounded() const override { return false; }
  std::string describe() const override { return "realtime"; }
  void open(const StreamContext& context) override;
  SourceStatus next(StreamBatch* batch) override;
  void close() override;
  void wake() override;
  bool drain() override;

 private:
  struct Item {
    std::vector<Chunk> chunks;
    int64_t rows = 0;
  };

  Item checked(std::vector<Chunk> chunks) const;
  // These want the lock to be held.
  void check_open() const;
  bool has_room(int64_t rows) const;
  bool make_room(int64_t rows);  // as the policy says; false: it is to be waited for
  void append(Item item);

  const Schema schema_;
  const RealtimeSourceOptions options_;
  mutable std::mutex mutex_;
  std::condition_variable readable_;
  std::condition_variable writable_;
  std::deque<Item> queue_;
  int64_t queued_rows_ = 0;
  int64_t idle_wait_ms_ = 100;
  uint64_t given_batches_ = 0;
  uint64_t dropped_batches_ = 0;
  bool opened_ = false;
  bool woken_ = false;
  bool input_closed_ = false;
  bool ended_ = false;  // the query closed us
};

}  // namespace velaria
