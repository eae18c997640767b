#include "stream/connectors/memory_sink.h"

namespace velaria {

void MemorySink::open(const StreamContext&, const Schema& schema) {
  const std::lock_guard<std::mutex> lock(mutex_);
  schema_ = schema;
}

void MemorySink::write(const Schema&, const std::vector<Chunk>& chunks) {
  const std::lock_guard<std::mutex> lock(mutex_);
  batches_.push_back(chunks);
}

Schema MemorySink::schema() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return schema_;
}

std::vector<Chunk> MemorySink::chunks() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  std::vector<Chunk> out;
  for (const auto& batch : batches_) out.insert(out.end(), batch.begin(), batch.end());
  return out;
}

std::vector<std::vector<Chunk>> MemorySink::batches() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return batches_;
}

int64_t MemorySink::rows() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  int64_t rows = 0;
  for (const auto& batch : batches_) {
    for (const Chunk& chunk : batch) rows += chunk.selected_rows();
  }
  return rows;
}

}  // namespace velaria
