#include <atomic>
#include <chrono>
#include <memory>
#include <thread>

#include "src/column/builder.h"
#include "src/plan/logical_plan.h"
#include "stream/conformance/rule_runner.h"
#include "stream/conformance/sink_rows.h"
#include "stream/connectors/arrow_stream_source.h"
#include "stream/stream_table_source.h"
#include "stream/streaming_query.h"

namespace velaria {

Schema conformance_schema() {
  return Schema({{"n", DataType(TypeId::kInt64)}, {"text", DataType(TypeId::kUtf8)}});
}

Chunk conformance_chunk(int64_t first, int64_t rows) {
  FixedBuilder<int64_t> n{DataType(TypeId::kInt64)};
  StringBuilder text;
  for (int64_t i = first; i < first + rows; ++i) {
    n.append(i);
    i % 5 == 3 ? text.append_null() : text.append(concat("row number ", i, " \xC3\xBC"));
  }
  Chunk chunk;
  chunk.rows = rows;
  chunk.columns = {n.finish(), text.finish()};
  return chunk;
}

std::vector<Chunk> conformance_batches(const std::vector<int64_t>& sizes) {
  std::vector<Chunk> out;
  int64_t first = 0;
  for (const int64_t rows : sizes) {
    out.push_back(conformance_chunk(first, rows));
    first += rows;
  }
  return out;
}

namespace {

using Sink = SinkUnderTest<StreamSinkPtr>;

const std::vector<int64_t>& many_sizes() {
  static const std::vector<int64_t> sizes = {1, 7, 2, 300, 1, 1, 2048, 40};
  return sizes;
}

struct SinkRules {
  std::function<Sink()> make;

  // Closed once, whatever happens.
  class Opened {
   public:
    explicit Opened(StreamSinkPtr sink) : sink_(std::move(sink)) {
      sink_->open(conformance_context(20), conformance_schema());
    }
    ~Opened() {
      try {
        close();
      } catch (const std::exception&) {
        // What broke the rule came first.
      }
    }
    Opened(const Opened&) = delete;
    Opened& operator=(const Opened&) = delete;
    void close() {
      if (sink_) std::exchange(sink_, nullptr)->close();
    }

   private:
    StreamSinkPtr sink_;
  };

  static void write(StreamSink& sink, const Chunk& chunk) {
    sink.write(conformance_schema(), {chunk});
    sink.flush();
  }

  void rows() const {
    for (const std::vector<int64_t>& sizes :
         {std::vector<int64_t>{}, std::vector<int64_t>{5}, many_sizes()}) {
      const Sink tested = make();
      Opened opened(tested.sink);
      const std::vector<Chunk> batches = conformance_batches(sizes);
      for (const Chunk& batch : batches) write(*tested.sink, batch);
      // A batch without rows is flushed, too.
      tested.sink->flush();
      const bool kept = !sizes.empty();
      if (kept) require_rows("before close()", row_texts(batches), tested.read_back());
      opened.close();
      require_rows("behind close()", row_texts(batches), tested.read_back());
    }
    // Several chunks in one write.
    const Sink tested = make();
    Opened opened(tested.sink);
    const std::vector<Chunk> chunks = conformance_batches({3, 1, 4});
    tested.sink->write(conformance_schema(), chunks);
    tested.sink->flush();
    opened.close();
    require_rows("three chunks in one write()", row_texts(chunks), tested.read_back());
  }

  void flush() const {
    const Sink tested = make();
    const Opened opened(tested.sink);
    std::vector<Chunk> written;
    for (const Chunk& batch : conformance_batches({3, 1, 8})) {
      write(*tested.sink, batch);
      written.push_back(batch);
      require_rows("behind flush()", row_texts(written), tested.read_back());
      tested.sink->checkpoint({"conformance", std::to_string(written.size()), written.size()});
    }
  }

  void sync() const {
    const Sink tested = make();
    Opened opened(tested.sink);
    std::atomic<bool> over{false};
    std::exception_ptr failure;
    std::thread syncer([&] {
      try {
        do {
          tested.sink->sync();
        } while (!over);
      } catch (...) {
        failure = std::current_exception();
      }
    });
    const std::vector<Chunk> batches = conformance_batches(std::vector<int64_t>(50, 3));
    std::exception_ptr written;
    try {
      for (const Chunk& batch : batches) write(*tested.sink, batch);
    } catch (...) {
      written = std::current_exception();
    }
    over = true;
    syncer.join();
    for (const std::exception_ptr& each : {failure, written}) {
      if (each) std::rethrow_exception(each);
    }
    opened.close();
    require_rows("beside sync()", row_texts(batches), tested.read_back());
  }

  void close() const {
    make().sink->close();
    const Sink tested = make();
    Opened opened(tested.sink);
    tested.sink->write(conformance_schema(), conformance_batches({2}));
    opened.close();
  }

  // Writes until one of them waits, which is woken.
  void wake() const {
    const Sink tested = make();
    const Opened opened(tested.sink);
    constexpr int kMostWrites = 2000;
    std::atomic<int> writes{0};
    std::atomic<bool> over{false};
    std::thread writer([&] {
      try {
        while (writes < kMostWrites) {
          write(*tested.sink, conformance_chunk(0, 10));
          ++writes;
        }
      } catch (const std::exception&) {
        // It was woken.
      }
      over = true;
    });
    // Somebody who does not read: the writer stands still, or it never waits.
    for (int seen = -1, still = 0; !over && still < 20;) {
      still = writes == seen ? still + 1 : 0;
      seen = writes;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    tested.sink->wake();
    while (!over) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    writer.join();
  }

  // The sink as a query sees it.
  class Counted : public StreamSink {
   public:
    Counted(Sink tested, std::vector<size_t>* recorded)
        : tested_(std::move(tested)), recorded_(recorded) {}
    std::string describe() const override { return tested_.sink->describe(); }
    bool blocking() const override { return tested_.sink->blocking(); }
    void open(const StreamContext& context, const Schema& schema) override {
      tested_.sink->open(context, schema);
    }
    void write(const Schema& schema, const std::vector<Chunk>& chunks) override {
      tested_.sink->write(schema, chunks);
    }
    void flush() override { tested_.sink->flush(); }
    void sync() override { tested_.sink->sync(); }
    void checkpoint(const CheckpointMarker& marker) override {
      recorded_->push_back(tested_.read_back().size());
      tested_.sink->checkpoint(marker);
    }
    void close() override {
      ++closes;
      tested_.sink->close();
    }
    void wake() override { tested_.sink->wake(); }

    std::atomic<int> closes{0};

   private:
    const Sink tested_;
    std::vector<size_t>* recorded_;
  };

  class Failing : public StreamSource {
   public:
    const Schema& schema() const override { return schema_; }
    bool bounded() const override { return true; }
    std::string describe() const override { return "a source that fails"; }
    SourceStatus next(StreamBatch* batch) override {
      if (given_++ > 0) break_rule("as it should");
      batch->chunks = conformance_batches({3});
      batch->source_offset = "3";
      return SourceStatus::kBatch;
    }

   private:
    const Schema schema_ = conformance_schema();
    int given_ = 0;
  };

  void query() const {
    const std::vector<Chunk> batches = conformance_batches({3, 1, 8});
    const auto run = [&](const StreamSourcePtr& source, const std::shared_ptr<Counted>& sink) {
      const StreamingQueryPtr query = StreamingQuery::make(
          ScanPlan::all_columns(std::make_shared<StreamTableSource>(source), "rows"), sink, {}, {});
      query->start();
      query->await_termination();
    };
    Sink tested = make();
    const auto read_back = tested.read_back;
    std::vector<size_t> recorded;
    auto sink = std::make_shared<Counted>(std::move(tested), &recorded);
    run(make_memory_stream(conformance_schema(), batches), sink);
    require_rows("a query", row_texts(batches), read_back());
    if (recorded != std::vector<size_t>{3, 4, 12}) {
      break_rule("not all rows of a batch were readable when it was recorded");
    }
    if (sink->closes != 1) break_rule(concat("close() came ", sink->closes.load(), " times"));
    sink = std::make_shared<Counted>(make(), &recorded);
    try {
      run(std::make_shared<Failing>(), sink);
    } catch (const Error& error) {
      if (error.message().find("as it should") == std::string::npos) throw;
    }
    if (sink->closes != 1) {
      break_rule(concat("close() came ", sink->closes.load(), " times after a failure"));
    }
  }
};

}  // namespace

ConformanceReport check_stream_sink(const std::function<SinkUnderTest<StreamSinkPtr>()>& make,
                                    const SinkConformanceOptions& options) {
  const auto rules = std::make_shared<const SinkRules>(SinkRules{make});
  RuleRunner runner(options.rule_timeout_ms);
  const auto check = [&](const char* name, void (SinkRules::*rule)() const) {
    runner.check(name, [rules, rule] { ((*rules).*rule)(); });
  };
  check("rows", &SinkRules::rows);
  check("flush", &SinkRules::flush);
  check("sync", &SinkRules::sync);
  check("close", &SinkRules::close);
  check("wake", &SinkRules::wake);
  check("query", &SinkRules::query);
  return runner.take();
}

}  // namespace velaria
