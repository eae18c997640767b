#include "stream/batch_queue.h"

#include <algorithm>

#include "src/column/chunk.h"

namespace velaria {

int64_t BatchQueue::partitions_of(int64_t rows) {
  return std::max<int64_t>(1, (rows + kDefaultChunkRows - 1) / kDefaultChunkRows);
}

bool BatchQueue::must_pause() {
  const auto batches = static_cast<int64_t>(queue_.size());
  const bool too_large = batches > 0 && partitions_ >= limits_.max_partitions;
  if (paused_) {
    // However often it is asked: too large a queue may have few batches.
    paused_ = batches > limits_.low_watermark || too_large;
  } else if (batches >= limits_.high_watermark || too_large) {
    paused_ = true;
    ++blocked_count_;
  }
  return paused_;
}

void BatchQueue::push(StreamBatch batch) {
  partitions_ += partitions_of(batch.rows());
  queue_.push_back(std::move(batch));
  max_backlog_ = std::max<uint64_t>(max_backlog_, queue_.size());
}

StreamBatch BatchQueue::pop() {
  StreamBatch batch = std::move(queue_.front());
  queue_.pop_front();
  partitions_ -= partitions_of(batch.rows());
  return batch;
}

void BatchQueue::clear() {
  queue_.clear();
  partitions_ = 0;
  paused_ = false;
}

}  // namespace velaria
