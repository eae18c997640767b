// A sink made of a function.
#pragma once

#include <functional>
#include <string>

#include "stream/stream_sink.h"

namespace velaria {

// The function is called on the query's control thread, once a batch that gives rows; what it
// throws fails the query.
class CallbackSink : public StreamSink {
 public:
  using Callback = std::function<void(const Schema& schema, const std::vector<Chunk>& chunks)>;
  explicit CallbackSink(Callback callback, bool blocking = false)
      : callback_(std::move(callback)), blocking_(blocking) {}

  std::string describe() const override { return "callback"; }
  bool blocking() const override { return blocking_; }
  void write(const Schema& schema, const std::vector<Chunk>& chunks) override {
    callback_(schema, chunks);
  }

 private:
  Callback callback_;
  bool blocking_;
};

}  // namespace velaria
