// Keeps everything that a streaming query writes: for tests and small results.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include "stream/stream_sink.h"

namespace velaria {

// Thread-safe; may be read while the query runs.
class MemorySink : public StreamSink {
 public:
  std::string describe() const override { return "memory"; }
  void open(const StreamContext& context, const Schema& schema) override;
  void write(const Schema& schema, const std::vector<Chunk>& chunks) override;

  Schema schema() const;                            // empty before a query opened the sink
  std::vector<Chunk> chunks() const;                // all, in order
  std::vector<std::vector<Chunk>> batches() const;  // one entry a write
  int64_t rows() const;

 private:
  mutable std::mutex mutex_;
  Schema schema_;
  std::vector<std::vector<Chunk>> batches_;
};

}  // namespace velaria
