#include "stream/source_sink_abi.h"

#include <atomic>
#include <cstring>
#include <sstream>
#include <stdexcept>
#include <thread>
#include <utility>

#include "stream/connectors/realtime_stream_source.h"
#include "stream/source_sink_adapters.h"
#include "tests/stream/plain_c_plugin.h"
#include "tests/stream/stream_testing.h"

namespace velaria {
namespace {

struct Plugins {
  PlainLog source_log = {};
  PlainLog sink_log = {};
  VelariaSource source;
  VelariaSink sink;
};

StreamingQueryPtr plugin_query(Plugins& plugins, StreamOptions options = {}) {
  options.idle_wait_ms = 1;
  return StreamingQuery::make(event_scan(import_stream_source(&plugins.source, "plain source")),
                              import_stream_sink(&plugins.sink, "plain sink"), std::move(options),
                              {});
}

// The log without the words that say how far ahead of the acks the source was asked.
std::string without_next(const PlainLog& log) {
  std::istringstream words(log.text);
  std::string out;
  for (std::string word; words >> word;) {
    if (word.rfind("next:", 0) == 0 || word == "end") continue;
    out += (out.empty() ? "" : " ") + word;
  }
  return out;
}

TEST(SourceSinkAbi, APlainCSourceAndSinkRunThroughAQuery) {
  Plugins plugins;
  plain_source(&plugins.source, &plugins.source_log, 3, 1000, 0);
  plain_sink(&plugins.sink, &plugins.sink_log, 0);
  StreamOptions options;
  options.query_id = "abi-1";
  {
    const auto query = plugin_query(plugins, options);
    query->start();
    EXPECT_EQ(query->await_termination(), 3u);
    EXPECT_EQ(plugins.source_log.released, 0);
  }
  EXPECT_EQ(
      without_next(plugins.source_log),
      "open:at-least-once checkpoint:1/1 ack:1 checkpoint:2/2 ack:2 checkpoint:3/3 ack:3 close");
  EXPECT_NE(std::string(plugins.source_log.text).find("next:3"), std::string::npos);
  EXPECT_EQ(
      std::string(plugins.sink_log.text),
      "open:n write flush checkpoint:1 write flush checkpoint:2 write flush checkpoint:3 close");
  EXPECT_EQ(plugins.sink_log.rows, 3000);
  EXPECT_EQ(plugins.sink_log.total, 2999 * 3000 / 2);
  EXPECT_STREQ(plugins.source_log.query_id, "abi-1");
  EXPECT_STREQ(plugins.sink_log.query_id, "abi-1");
  EXPECT_EQ(plugins.source_log.released, 1);
  EXPECT_EQ(plugins.sink_log.released, 1);
  EXPECT_EQ(plugins.source_log.arrays_alive, 0);
}

TEST(SourceSinkAbi, FailuresNameThePluginAndCloseOnce) {
  for (const bool source_fails : {true, false}) {
    Plugins plugins;
    plain_source(&plugins.source, &plugins.source_log, 5, 10, source_fails ? 2 : 0);
    plain_sink(&plugins.sink, &plugins.sink_log, source_fails ? 0 : 2);
    {
      const auto query = plugin_query(plugins);
      query->start();
      std::string message;
      EXPECT_EQ(kind_of([&] { query->await_termination(); }, &message), ErrorKind::kStream);
      EXPECT_NE(message.find(source_fails ? "the plain source was told to fail"
                                          : "'plain sink' failed in write"),
                std::string::npos)
          << message;
    }
    for (const PlainLog* log : {&plugins.source_log, &plugins.sink_log}) {
      const std::string text = log->text;
      EXPECT_EQ(text.find("close"), text.size() - 5) << text;
      EXPECT_EQ(log->released, 1);
    }
    EXPECT_EQ(plugins.source_log.arrays_alive, 0);
  }
}

TEST(SourceSinkAbi, APlainCSourceIsRestored) {
  const TestDirectory directory;
  StreamOptions options;
  options.checkpoint_path = directory.file("q.ckpt");
  options.checkpoint_delivery_mode = DeliveryMode::kBestEffort;
  options.max_batches = 2;
  for (int run = 0; run < 2; ++run) {
    Plugins plugins;
    plain_source(&plugins.source, &plugins.source_log, 4, 10, 0);
    plain_sink(&plugins.sink, &plugins.sink_log, 0);
    const auto query = plugin_query(plugins, options);
    query->start();
    EXPECT_EQ(query->await_termination(), 2u);
    EXPECT_EQ(plugins.sink_log.total, run == 0 ? 19 * 20 / 2 : 39 * 40 / 2 - 19 * 20 / 2);
    EXPECT_EQ(std::string(plugins.source_log.text).find("restore:2") != std::string::npos,
              run == 1);
  }
}

// C++ -> C -> C++: the same query as without the tables.
TEST(SourceSinkAbi, TablesOfOurOwnSourcesAndSinksGoRound) {
  std::mt19937_64 random(test_seed());
  const std::vector<Event> events = random_events(3000, random);
  auto log = std::make_shared<CallLog>();
  auto sink = std::make_shared<MemorySink>();
  VelariaSource c_source;
  VelariaSink c_sink;
  export_stream_source(std::make_shared<WatchedSource>(
                           make_memory_stream(event_schema(), random_batches(events, random)), log),
                       &c_source);
  export_stream_sink(std::make_shared<WatchedSink>(sink, log), &c_sink);
  EXPECT_NE(c_source.restore, nullptr);
  const auto source = import_stream_source(&c_source);
  EXPECT_EQ(source->schema(), event_schema());
  EXPECT_TRUE(source->bounded());
  const auto query = StreamingQuery::make(windowed_totals(event_scan(source), 1000, 250),
                                          import_stream_sink(&c_sink), {}, {});
  query->start();
  query->await_termination();
  EXPECT_EQ(results_of(sink->chunks(), 2),
            results_of(run_batch(windowed_totals(event_scan(event_table(events)), 1000, 250)), 2));
  EXPECT_EQ(log->count("source close"), 1);
  EXPECT_EQ(log->count("sink close"), 1);
}

TEST(SourceSinkAbi, ErrorsAndWakeCrossTheTables) {
  auto log = std::make_shared<CallLog>();
  VelariaSource c_source;
  export_stream_source(
      std::make_shared<WatchedSource>(make_memory_stream(event_schema(), {event_chunk({})}), log,
                                      "source next 2"),
      &c_source);
  const auto failing = StreamingQuery::make(event_scan(import_stream_source(&c_source)),
                                            std::make_shared<MemorySink>(), {}, {});
  failing->start();
  std::string message;
  EXPECT_EQ(kind_of([&] { failing->await_termination(); }, &message), ErrorKind::kStream);
  EXPECT_NE(message.find("told to fail at source next 2"), std::string::npos) << message;

  auto realtime = std::make_shared<RealtimeStreamSource>(event_schema(), RealtimeSourceOptions{});
  export_stream_source(realtime, &c_source);
  EXPECT_EQ(c_source.restore, nullptr);
  auto sink = std::make_shared<MemorySink>();
  StreamOptions options;
  options.idle_wait_ms = 600000;
  const auto query =
      StreamingQuery::make(event_scan(import_stream_source(&c_source)), sink, options, {});
  query->start();
  realtime->push({event_chunk({{1, "a", 1}})});
  query->stop(true);
  EXPECT_EQ(sink->rows(), 1);
}

// What a function without a status throws does not pass through C; drain() has an answer for it.
TEST(SourceSinkAbi, FunctionsWithoutAStatusThrowNothing) {
  class Source : public StreamSource {
   public:
    const Schema& schema() const override { return schema_; }
    bool bounded() const override { throw std::runtime_error("bounded"); }
    std::string describe() const override { return "throwing"; }
    SourceStatus next(StreamBatch*) override { return SourceStatus::kEnd; }
    void wake() override { throw std::runtime_error("wake"); }
    bool drain() override { throw Error(ErrorKind::kFileAccess, "its disk is gone"); }

   private:
    const Schema schema_ = event_schema();
  };
  class Sink : public MemorySink {
   public:
    bool blocking() const override { throw std::runtime_error("blocking"); }
    void wake() override { throw std::runtime_error("wake"); }
  };
  VelariaSource source;
  export_stream_source(std::make_shared<Source>(), &source);
  EXPECT_EQ(source.bounded(source.self), 0);
  EXPECT_EQ(source.drain(source.self), -1);
  EXPECT_NE(std::string(source.last_error(source.self)).find("its disk is gone"),
            std::string::npos);
  EXPECT_NO_THROW(source.wake(source.self));
  const StreamSourcePtr imported = import_stream_source(&source, "plugin");
  std::string message;
  EXPECT_EQ(kind_of([&] { imported->drain(); }, &message), ErrorKind::kStream);
  EXPECT_NE(message.find("'plugin' failed in drain"), std::string::npos) << message;
  EXPECT_NE(message.find("its disk is gone"), std::string::npos) << message;
  VelariaSink sink;
  export_stream_sink(std::make_shared<Sink>(), &sink);
  EXPECT_EQ(sink.blocking(sink.self), 0);
  EXPECT_NO_THROW(sink.wake(sink.self));
  sink.release(sink.self);
}

// A sink that always says BLOCKED, or once before it takes a batch, or fails.
struct BlockedSink {
  enum class Answer { kBlocked, kBlockedOnce, kError };
  std::atomic<Answer> answer{Answer::kBlocked};
  std::atomic<int> writes{0};
  bool said_blocked = false;

  VelariaSink table() {
    VelariaSink out = {};
    out.abi_version = VELARIA_STREAM_ABI_VERSION;
    out.struct_size = sizeof(out);
    out.self = this;
    out.write = [](void* self, ArrowArray* batch) {
      return static_cast<BlockedSink*>(self)->write(batch);
    };
    out.last_error = [](void*) { return "no room on the shelf"; };
    return out;
  }
  VelariaStreamStatus write(ArrowArray* batch) {
    ++writes;
    if (answer == Answer::kBlocked) return VELARIA_STREAM_BLOCKED;
    if (answer == Answer::kBlockedOnce && !std::exchange(said_blocked, true)) {
      return VELARIA_STREAM_BLOCKED;
    }
    batch->release(batch);
    return answer == Answer::kError ? VELARIA_STREAM_ERROR : VELARIA_STREAM_OK;
  }
};

TEST(SourceSinkAbi, ASinkOfAStoppedQueryServesTheNextOne) {
  BlockedSink state;
  VelariaSink table = state.table();
  const StreamSinkPtr sink = import_stream_sink(&table, "shelf");
  StreamOptions options;
  options.idle_wait_ms = 1;
  const auto source = make_memory_stream(event_schema(), {event_chunk({{1, "a", 1}})});

  const auto stopped = StreamingQuery::make(event_scan(source), sink, options, {});
  stopped->start();
  while (state.writes == 0) std::this_thread::yield();
  stopped->stop();
  EXPECT_EQ(stopped->status(), StreamStatus::kStopped);

  state.answer = BlockedSink::Answer::kBlockedOnce;
  const auto next = StreamingQuery::make(event_scan(source), sink, options, {});
  next->start();
  EXPECT_EQ(next->await_termination(), 1u);

  state.answer = BlockedSink::Answer::kError;
  const auto failing = StreamingQuery::make(event_scan(source), sink, options, {});
  failing->start();
  std::string message;
  EXPECT_EQ(kind_of([&] { failing->await_termination(); }, &message), ErrorKind::kStream);
  EXPECT_NE(message.find("no room on the shelf"), std::string::npos) << message;
}

TEST(SourceSinkAbi, ForeignTablesAreRefusedAndReleased) {
  for (const int defect : {0, 1, 2}) {
    Plugins plugins;
    plain_source(&plugins.source, &plugins.source_log, 1, 1, 0);
    plain_sink(&plugins.sink, &plugins.sink_log, 0);
    if (defect == 0) plugins.source.abi_version = plugins.sink.abi_version = 7;
    if (defect == 1) {
      plugins.source.next_batch = nullptr;
      plugins.sink.write = nullptr;
    }
    if (defect == 2) plugins.source.struct_size = plugins.sink.struct_size = 16;
    const auto source_self = plugins.source.self;
    const auto sink_self = plugins.sink.self;
    EXPECT_EQ(kind_of([&] { import_stream_source(&plugins.source); }), ErrorKind::kInvalidArgument);
    EXPECT_EQ(kind_of([&] { import_stream_sink(&plugins.sink); }), ErrorKind::kInvalidArgument);
    if (defect == 2) {
      // A table that was too short to hold `release` cannot be released.
      std::free(source_self);
      std::free(sink_self);
    } else {
      EXPECT_EQ(plugins.source_log.released, 1);
      EXPECT_EQ(plugins.sink_log.released, 1);
    }
  }
}

}  // namespace
}  // namespace velaria
