// A sink that the program polls while the query runs.
//
//   while (!sink->closed()) {
//     if (auto result = sink->poll(100)) use(result->schema, result->chunks);
//   }
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "stream/stream_sink.h"

namespace velaria {

struct RealtimeSinkOptions {
  int64_t max_batches = 64;  // unread results kept; a full sink makes the query wait
};

// Thread-safe. Serves one query; may be made before it.
class RealtimeStreamSink : public StreamSink {
 public:
  explicit RealtimeStreamSink(RealtimeSinkOptions options = {});

  struct Result {
    Schema schema;
    std::vector<Chunk> chunks;
  };
  // The oldest unread result. Waits at most `timeout_ms` (not said: until there is one or the sink
  // is closed); nothing on timeout or when closed. `interrupt` is called every 20 ms while it waits
  // and may throw.
  std::optional<Result> poll(std::optional<int64_t> timeout_ms = std::nullopt,
                             const std::function<void()>& interrupt = nullptr);
  // True when the query has ended and everything was polled.
  bool closed() const;
  // The reader wants no more: unread results go, and later ones are dropped. A waiting query goes
  // on.
  void stop_reading();

  std::string describe() const override { return "realtime"; }
  bool blocking() const override { return true; }
  void open(const StreamContext& context, const Schema& schema) override;
  void write(const Schema& schema, const std::vector<Chunk>& chunks) override;
  void close() override;
  void wake() override;

 private:
  const RealtimeSinkOptions options_;
  mutable std::mutex mutex_;
  std::condition_variable readable_;
  std::condition_variable writable_;
  std::deque<Result> queue_;
  bool ended_ = false;
  bool cancelled_ = false;
  bool reader_gone_ = false;
};

}  // namespace velaria
