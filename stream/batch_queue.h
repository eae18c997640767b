// The bounded queue between producer and epochs, with its two watermarks. Not locked: its owner
// does.
//
// The producer looks before it pulls. From the high watermark on it pauses, and it goes on only
// when the low one is reached, so that it does not wake for every single batch. It also pauses as
// long as the batches have `max_partitions` or more; a larger one is let into an empty queue.
#pragma once

#include <cstdint>
#include <deque>

#include "stream/stream_source.h"

namespace velaria {

class BatchQueue {
 public:
  struct Limits {
    int64_t high_watermark = 16;  // at most the queue's length; a batch comes only below it
    int64_t low_watermark = 8;
    int64_t max_partitions = 4096;
  };
  explicit BatchQueue(const Limits& limits) : limits_(limits) {}

  // A batch counts as its rows in pieces of a default chunk, at least one.
  static int64_t partitions_of(int64_t rows);

  // Whether the producer has to wait; remembers that it does, until the low watermark.
  bool must_pause();
  bool paused() const { return paused_; }

  void push(StreamBatch batch);
  StreamBatch pop();
  void clear();

  bool empty() const { return queue_.empty(); }
  uint64_t batches() const { return queue_.size(); }
  uint64_t partitions() const { return static_cast<uint64_t>(partitions_); }
  uint64_t blocked_count() const { return blocked_count_; }
  uint64_t max_backlog() const { return max_backlog_; }

 private:
  Limits limits_;
  std::deque<StreamBatch> queue_;
  int64_t partitions_ = 0;
  bool paused_ = false;
  uint64_t blocked_count_ = 0;
  uint64_t max_backlog_ = 0;
};

}  // namespace velaria
