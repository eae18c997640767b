#include "stream/connectors/console_sink.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <climits>
#include <cstring>
#include <utility>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/io/console_table.h"
#include "src/io/option_texts.h"

namespace velaria {

namespace {

class ConsoleSink : public StreamSink {
 public:
  explicit ConsoleSink(ConsoleOptions options) : options_(options) {
    if (options_.most_rows >= 0) return;
    throw Error(ErrorKind::kInvalidArgument,
                concat("rows=", options_.most_rows, " must be 0 or more"));
  }

  std::string describe() const override { return "console"; }
  bool blocking() const override { return true; }
  void open(const StreamContext&, const Schema&) override { batch_ = 1; }
  void write(const Schema& schema, const std::vector<Chunk>& chunks) override {
    put(concat("batch ", batch_, "\n",
               format_table(schema, chunks, options_.most_rows, TableRows::kAll)));
  }
  void flush() override { ++batch_; }

 protected:
  virtual void put(std::string_view text) = 0;

 private:
  const ConsoleOptions options_;
  uint64_t batch_ = 1;
};

// The threads of queries have all signals blocked: SIGPIPE ends nobody, and write() says EPIPE.
class DescriptorSink : public ConsoleSink {
 public:
  DescriptorSink(int descriptor, ConsoleOptions options)
      : ConsoleSink(options), descriptor_(descriptor) {}
  void open(const StreamContext& context, const Schema& schema) override {
    stopped_ = false;
    ConsoleSink::open(context, schema);
  }
  void wake() override { stopped_ = true; }

 private:
  void put(std::string_view text) override {
    while (!text.empty()) {
      pollfd waiting{descriptor_, POLLOUT, 0};
      const int ready = ::poll(&waiting, 1, 20);
      if (ready < 0 && errno != EINTR) fail();
      if (stopped_) {
        throw Error(ErrorKind::kCancelled, "the query was stopped while nobody read its console");
      }
      if (ready <= 0) continue;
      // A pipe that is ready takes so much without waiting.
      const ssize_t put =
          ::write(descriptor_, text.data(), std::min<size_t>(text.size(), PIPE_BUF));
      if (put < 0 && errno != EINTR && errno != EAGAIN) fail();
      if (put > 0) text.remove_prefix(static_cast<size_t>(put));
    }
  }

  [[noreturn]] void fail() const {
    const int code = errno;
    throw Error(ErrorKind::kFileAccess, concat("cannot write to the console (descriptor ",
                                               descriptor_, "): ", std::strerror(code)));
  }

  const int descriptor_;
  std::atomic<bool> stopped_{false};
};

class FunctionSink : public ConsoleSink {
 public:
  FunctionSink(ConsoleWriter write, ConsoleOptions options)
      : ConsoleSink(options), write_(std::move(write)) {
    VELARIA_CHECK(write_ != nullptr);
  }

 private:
  void put(std::string_view text) override { write_(text); }
  const ConsoleWriter write_;
};

}  // namespace

ConsoleOptions console_options_from_text(const std::map<std::string, std::string>& texts) {
  ConsoleOptions out;
  read_option_texts("the console sink", texts,
                    {{"rows", [&](const OptionText& option) { out.most_rows = option.number(); }}});
  return out;
}

StreamSinkPtr make_console_sink(int descriptor, ConsoleOptions options) {
  return std::make_shared<DescriptorSink>(descriptor, options);
}

StreamSinkPtr make_console_sink(ConsoleWriter write, ConsoleOptions options) {
  return std::make_shared<FunctionSink>(std::move(write), options);
}

}  // namespace velaria
