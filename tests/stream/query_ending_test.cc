// How a query ends when its source or sink does not play along, and when nobody holds it any more.
#include <algorithm>
#include <chrono>
#include <future>
#include <mutex>
#include <thread>

#include "stream/connectors/callback_sink.h"
#include "stream/connectors/realtime_stream_source.h"
#include "tests/stream/stream_testing.h"

namespace velaria {
namespace {

using std::chrono::milliseconds;

StreamingQueryPtr make_query(StreamSourcePtr source, StreamSinkPtr sink,
                             StreamOptions options = {}) {
  options.idle_wait_ms = 600'000;  // who waits is woken, or the test hangs
  return StreamingQuery::make(event_scan(std::move(source)), std::move(sink), std::move(options),
                              {});
}

Chunk one_row() { return event_chunk({{0, "a", 1}}); }

bool any_holds(const std::vector<std::string>& texts, const std::string& part) {
  for (const std::string& text : texts) {
    if (text.find(part) != std::string::npos) return true;
  }
  return false;
}

// Writes down what it is asked from any thread, and throws where it is told to.
class LoggedSource : public RealtimeStreamSource, private NotedCalls {
 public:
  explicit LoggedSource(CallLogPtr log, std::string fail_at = "")
      : RealtimeStreamSource(event_schema(), RealtimeSourceOptions{}),
        NotedCalls(std::move(log), std::move(fail_at)) {}
  void open(const StreamContext& context) override {
    RealtimeStreamSource::open(context);
    note("source open");
  }
  void wake() override {
    RealtimeStreamSource::wake();
    if (when_woken) when_woken();
    note("source wake");
  }
  bool drain() override {
    note("source drain");
    if (when_drained) when_drained();
    return RealtimeStreamSource::drain();
  }
  void close() override {
    note("source close");
    RealtimeStreamSource::close();
  }

  std::function<void()> when_woken;
  std::function<void()> when_drained;
};

class LoggedSink : public MemorySink, private NotedCalls {
 public:
  explicit LoggedSink(CallLogPtr log, std::string fail_at = "")
      : NotedCalls(std::move(log), std::move(fail_at)) {}
  void open(const StreamContext& context, const Schema& schema) override {
    if (before_open) before_open();
    note("sink open");
    MemorySink::open(context, schema);
  }
  void write(const Schema& schema, const std::vector<Chunk>& chunks) override {
    note("sink write");
    if (before_write) before_write();
    MemorySink::write(schema, chunks);
  }
  void wake() override {
    if (when_woken) when_woken();
    note("sink wake");
  }
  void close() override {
    note("sink close");
    MemorySink::close();
  }

  std::function<void()> before_open;
  std::function<void()> before_write;
  std::function<void()> when_woken;
};

TEST(QueryEnding, WhatTheWakeOfASourceThrowsIsAWarning) {
  const auto log = std::make_shared<CallLog>();
  {
    const auto source = std::make_shared<LoggedSource>(log, "source wake");
    const auto query = make_query(source, std::make_shared<MemorySink>());
    query->start();
    source->push({one_row()});
    ASSERT_TRUE(eventually([&] { return query->progress().batches_processed == 1; }));
    query->stop();
    EXPECT_EQ(query->status(), StreamStatus::kStopped);
    EXPECT_EQ(query->await_termination(), 1u);
    EXPECT_TRUE(any_holds(query->warnings(), "told to fail at source wake"));
  }
  {
    // The first failure stays the one that is told.
    const auto source = std::make_shared<LoggedSource>(log, "source wake");
    const auto query = make_query(source, std::make_shared<LoggedSink>(log, "sink write"));
    query->start();
    source->push({one_row()});
    std::string message;
    EXPECT_EQ(kind_of([&] { query->await_termination(); }, &message), ErrorKind::kStream);
    EXPECT_NE(message.find("told to fail at sink write"), std::string::npos) << message;
    EXPECT_TRUE(any_holds(query->warnings(), "told to fail at source wake"));
  }
  {
    // It ends by itself.
    const auto source = std::make_shared<LoggedSource>(log, "source wake");
    const auto query = make_query(source, std::make_shared<MemorySink>());
    query->start();
    source->push({one_row()});
    source->close_input();
    EXPECT_EQ(query->await_termination(), 1u);
  }
}

TEST(QueryEnding, WhatTheWakeOfASinkThrowsIsAWarning) {
  const auto log = std::make_shared<CallLog>();
  const auto source = std::make_shared<LoggedSource>(log);
  const auto sink = std::make_shared<LoggedSink>(log, "sink wake");
  std::promise<void> woken;
  sink->when_woken = [&woken] { woken.set_value(); };
  sink->before_write = [&woken] {
    woken.get_future().wait();
    throw Error(ErrorKind::kCancelled, "woken");
  };
  const auto query = make_query(source, sink);
  query->start();
  source->push({one_row()});
  ASSERT_TRUE(eventually([&] { return log->count("sink write") == 1; }));
  query->stop();
  EXPECT_EQ(query->status(), StreamStatus::kStopped);
  EXPECT_TRUE(any_holds(query->warnings(), "told to fail at sink wake"));
}

TEST(QueryEnding, ADrainThatThrowsFailsTheQuery) {
  for (const bool started_before : {true, false}) {
    SCOPED_TRACE(started_before);
    const auto source = std::make_shared<LoggedSource>(std::make_shared<CallLog>(), "source drain");
    const auto query = make_query(source, std::make_shared<MemorySink>());
    query->start();
    if (started_before) {
      source->push({one_row()});
      ASSERT_TRUE(eventually([&] { return query->progress().batches_processed == 1; }));
    }
    query->stop(true);
    EXPECT_EQ(query->status(), StreamStatus::kFailed);
    std::string message;
    EXPECT_EQ(kind_of([&] { query->await_termination(); }, &message), ErrorKind::kStream);
    EXPECT_NE(message.find("asked to drain"), std::string::npos) << message;
    EXPECT_NE(message.find("told to fail at source drain"), std::string::npos) << message;
  }
}

TEST(QueryEnding, NothingIsWokenBeforeItIsOpen) {
  const auto log = std::make_shared<CallLog>();
  const auto query = make_query(std::make_shared<LoggedSource>(log),
                                std::make_shared<LoggedSink>(log, "sink open"));
  query->start();
  EXPECT_EQ(kind_of([&] { query->await_termination(); }), ErrorKind::kStream);
  query->stop();
  EXPECT_EQ(log->count("source wake") + log->count("sink wake"), 0);
}

// Behind its close() a side may belong to another query: a call that is on its way is waited for.
TEST(QueryEnding, ASideIsClosedBehindTheCallsThatCameWhileItWasOpen) {
  for (const std::string call : {"source wake", "sink wake", "source drain"}) {
    SCOPED_TRACE(call);
    const auto log = std::make_shared<CallLog>();
    const auto source = std::make_shared<LoggedSource>(log);
    const auto sink = std::make_shared<LoggedSink>(log);
    std::promise<void> called;
    std::once_flag once;
    const auto slow = [&] {
      // From here on the query has every reason to close both sides.
      source->close_input();
      std::call_once(once, [&] { called.set_value(); });
      std::this_thread::sleep_for(milliseconds(100));
      log->add(call + " over");
    };
    if (call == "source wake") source->when_woken = slow;
    if (call == "source drain") source->when_drained = slow;
    if (call == "sink wake") {
      sink->when_woken = slow;
      sink->before_write = [&] { called.get_future().wait(); };
    }
    const auto query = make_query(source, sink);
    query->start();
    source->push({one_row()});
    ASSERT_TRUE(eventually([&] { return log->count("sink write") == 1; }));
    query->stop(call == "source drain");
    EXPECT_EQ(query->status(), StreamStatus::kStopped);
    const std::vector<std::string> lines = log->lines();
    const auto closed =
        std::find(lines.begin(), lines.end(), call.substr(0, call.find(' ')) + " close");
    ASSERT_NE(closed, lines.end());
    EXPECT_GE(std::count(lines.begin(), closed, call + " over"), 1);
    EXPECT_EQ(std::count(closed, lines.end(), call + " over"), 0);
  }
}

// Rows that were pushed before the source was opened are not forgotten.
TEST(QueryEnding, ADrainThatComesBeforeTheSourceIsOpenIsToldWhenItIs) {
  const auto log = std::make_shared<CallLog>();
  const auto source = std::make_shared<LoggedSource>(log);
  const auto sink = std::make_shared<LoggedSink>(log);
  std::promise<void> opens;
  sink->before_open = [&opens] { opens.get_future().wait(); };
  const auto query = make_query(source, sink);
  source->push({one_row()});
  source->push({one_row()});
  query->start();
  std::thread stopper([&] { query->stop(true); });
  std::this_thread::sleep_for(milliseconds(50));
  EXPECT_EQ(log->lines(), std::vector<std::string>{});
  opens.set_value();
  stopper.join();
  EXPECT_EQ(query->status(), StreamStatus::kStopped);
  EXPECT_EQ(sink->rows(), 2);
  const std::vector<std::string> lines = log->lines();
  EXPECT_LT(std::find(lines.begin(), lines.end(), "source open"),
            std::find(lines.begin(), lines.end(), "source drain"));
  EXPECT_EQ(log->count("source drain"), 1);
}

// The shares of a query that others hold, and what goes when the last one does.
struct Shares {
  std::shared_ptr<StreamingQueryPtr> held = std::make_shared<StreamingQueryPtr>();
  std::shared_ptr<RealtimeStreamSource> source =
      std::make_shared<RealtimeStreamSource>(event_schema(), RealtimeSourceOptions{});
  std::weak_ptr<StreamSink> sink;

  // From here on only `held` holds the query, and only the query its sink.
  void start(StreamSinkPtr query_sink, StreamOptions options) {
    sink = query_sink;
    const StreamingQueryPtr query = make_query(source, std::move(query_sink), std::move(options));
    *held = query;
    query->start();
  }
  // The query closes its source, and frees its sink when its threads are done.
  void expect_gone() {
    EXPECT_TRUE(eventually([this] { return source->input_closed() && sink.expired(); }));
    // The plan goes last.
    EXPECT_TRUE(eventually([this] { return source.use_count() == 1; }));
  }
};

TEST(QueryEnding, TheListenerMayHoldTheLastShare) {
  Shares shares;
  StreamOptions options;
  options.on_progress = [held = shares.held](const ProgressEvent&) {};
  shares.start(std::make_shared<MemorySink>(), std::move(options));
  options = {};
  shares.held.reset();
  shares.source->push({one_row()});
  shares.source->close_input();
  shares.expect_gone();
}

TEST(QueryEnding, TheLastShareMayGoInACallOfTheQuery) {
  for (const std::string where : {"listener", "sink", "source"}) {
    SCOPED_TRACE(where);
    Shares shares;
    const auto let_go = [held = shares.held] { held->reset(); };
    StreamOptions options;
    StreamSinkPtr sink = std::make_shared<MemorySink>();
    if (where == "listener") options.on_progress = [let_go](const ProgressEvent&) { let_go(); };
    if (where == "sink") {
      sink = std::make_shared<CallbackSink>(
          [let_go](const Schema&, const std::vector<Chunk>&) { let_go(); });
    }
    if (where == "source") {
      class Source : public RealtimeStreamSource {
       public:
        explicit Source(std::function<void()> given)
            : RealtimeStreamSource(event_schema(), RealtimeSourceOptions{}),
              given_(std::move(given)) {}
        SourceStatus next(StreamBatch* batch) override {
          const SourceStatus status = RealtimeStreamSource::next(batch);
          if (status == SourceStatus::kBatch) given_();
          return status;
        }

       private:
        const std::function<void()> given_;
      };
      shares.source = std::make_shared<Source>(let_go);
    }
    shares.start(std::move(sink), std::move(options));
    // Nobody ends the input: the query ends since it has no owner left.
    shares.source->push({one_row()});
    shares.expect_gone();
  }
}

}  // namespace
}  // namespace velaria
