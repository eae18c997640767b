#include <algorithm>
#include <atomic>
#include <chrono>
#include <limits>
#include <memory>
#include <set>
#include <thread>
#include <utility>

#include "src/plan/logical_plan.h"
#include "stream/conformance/rule_runner.h"
#include "stream/connectors/memory_sink.h"
#include "stream/stream_table_source.h"
#include "stream/streaming_query.h"

namespace velaria {

namespace {

using Clock = std::chrono::steady_clock;

constexpr int64_t kIdleWaitMs = 20;
constexpr const char* kNoOffset = "no offset of anybody";
// A source without an end that has said "not now" so long has nothing more for now.
constexpr std::chrono::milliseconds kQuiet{200};
constexpr size_t kMostRestores = 20;

// What a source gave.
struct Read {
  std::vector<StreamBatch> batches;
  bool ended = false;

  std::vector<std::string> rows(size_t from = 0) const {
    std::vector<std::string> out;
    for (size_t i = from; i < batches.size(); ++i) {
      for (std::string& row : row_texts(batches[i].chunks)) out.push_back(std::move(row));
    }
    return out;
  }
};

struct SourceRules {
  std::function<StreamSourcePtr()> make;
  SourceConformanceOptions options;

  // Closed once, whatever happens.
  class Opened {
   public:
    explicit Opened(StreamSourcePtr source, int64_t idle_wait_ms = kIdleWaitMs)
        : source_(std::move(source)) {
      source_->open(conformance_context(idle_wait_ms));
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
      if (source_) std::exchange(source_, nullptr)->close();
    }
    StreamSource* operator->() const { return source_.get(); }

   private:
    StreamSourcePtr source_;
  };

  // The next batch; false at the end, and when nothing comes any more of a source without an end.
  static bool next(StreamSource& source, StreamBatch* batch, bool* ended) {
    const auto begin = Clock::now();
    for (;;) {
      *batch = StreamBatch();
      switch (source.next(batch)) {
        case SourceStatus::kBatch: return true;
        case SourceStatus::kEnd: *ended = true; return false;
        case SourceStatus::kBlocked: break;
      }
      if (!source.bounded() && Clock::now() - begin > kQuiet) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }

  using AfterBatch = std::function<void(StreamSource&, const StreamBatch&)>;
  Read read(const StreamSourcePtr& source, const std::string* from = nullptr,
            const AfterBatch& after = nullptr) const {
    Opened opened(source);
    if (from != nullptr) source->restore(*from);
    Read out;
    StreamBatch batch;
    while (static_cast<int64_t>(out.batches.size()) < most_batches(*source) &&
           next(*source, &batch, &out.ended)) {
      out.batches.push_back(batch);
      source->take_notes();
      if (after) after(*source, batch);
    }
    opened.close();
    return out;
  }
  int64_t most_batches(const StreamSource& source) const {
    return source.bounded() ? std::numeric_limits<int64_t>::max() : options.max_batches;
  }
  // Of a source without an end, only what both runs saw is compared.
  void compare(const std::string& what, const Read& expected, const Read& found) const {
    require_rows(what, expected.rows(), found.rows(), !expected.ended || !found.ended);
  }

  void schema() const {
    const StreamSourcePtr source = make();
    const Schema before = source->schema();
    if (before.size() == 0) break_rule("a source has one column or more");
    if (make()->schema() != before) break_rule("two sources have different schemas");
    Opened opened(source);
    if (source->schema() != before) break_rule("open() changed the schema");
    opened.close();
    if (source->schema() != before) break_rule("close() changed the schema");
  }

  void batches() const {
    read(make(), nullptr, [](StreamSource& source, const StreamBatch& batch) {
      check_stream_chunks(source.schema(), batch.chunks, source.describe());
    });
  }

  void rows() const {
    const Read once = read(make());
    if (options.rows) {
      require_rows("the source", *options.rows, once.rows(), !once.ended);
    } else {
      compare("another source", once, read(make()));
    }
  }

  void offsets() const {
    std::set<std::string> seen;
    read(make(), nullptr, [&](StreamSource&, const StreamBatch& batch) {
      if (batch.rows() == 0 || seen.insert(batch.source_offset).second) return;
      break_rule(concat("two batches have the offset '", excerpt(batch.source_offset), "'"));
    });
  }

  void end() const {
    const StreamSourcePtr source = make();
    Opened opened(source);
    StreamBatch batch;
    bool ended = false;
    for (int64_t i = 0; i < most_batches(*source) && next(*source, &batch, &ended);) ++i;
    if (!ended) return;
    for (int i = 0; i < 3; ++i) {
      if (source->next(&batch) == SourceStatus::kBatch) break_rule("a batch came behind the end");
    }
  }

  void markers() const {
    const Read expected = read(make());
    std::vector<std::string> waiting;
    uint64_t done = 0;
    const auto deliver = [&](StreamSource& source, size_t keep) {
      while (waiting.size() > keep) {
        CheckpointMarker marker{"conformance", waiting.front(), ++done};
        waiting.erase(waiting.begin());
        source.checkpoint(marker);
        source.ack(marker.source_offset);
      }
    };
    // Two batches late, and the last ones behind the last next().
    const StreamSourcePtr source = make();
    const Read found = read(source, nullptr, [&](StreamSource& of, const StreamBatch& batch) {
      waiting.push_back(batch.source_offset);
      deliver(of, 2);
    });
    compare("a source that gets markers", expected, found);
    const StreamSourcePtr last = make();
    Opened opened(last);
    StreamBatch batch;
    bool ended = false;
    waiting.clear();
    if (next(*last, &batch, &ended)) waiting.push_back(batch.source_offset);
    deliver(*last, 0);
  }

  void close() const {
    make()->close();
    const StreamSourcePtr source = make();
    Opened opened(source);
    StreamBatch batch;
    bool ended = false;
    next(*source, &batch, &ended);
    opened.close();
    read(make());
  }

  void independent() const {
    const Read alone = read(make());
    const StreamSourcePtr one = make();
    const StreamSourcePtr other = make();
    Opened opened_one(one);
    Opened opened_other(other);
    Read first;
    Read second;
    StreamBatch batch;
    for (bool more = true; more;) {
      more = false;
      for (auto& [source, into] : {std::pair(one.get(), &first), std::pair(other.get(), &second)}) {
        if (into->ended || static_cast<int64_t>(into->batches.size()) >= most_batches(*source)) {
          continue;
        }
        if (!next(*source, &batch, &into->ended)) continue;
        into->batches.push_back(batch);
        more = true;
      }
    }
    compare("the first of two sources", alone, first);
    compare("the second of two sources", alone, second);
  }

  void restore() const {
    const Read all = read(make());
    for (size_t done = 1; done <= std::min(all.batches.size(), kMostRestores); ++done) {
      const std::string& offset = all.batches[done - 1].source_offset;
      const Read rest = read(make(), &offset);
      require_rows(concat("behind the offset '", excerpt(offset), "'"), all.rows(done), rest.rows(),
                   !all.ended || !rest.ended);
    }
  }

  void restore_refuses() const {
    const StreamSourcePtr source = make();
    Opened opened(source);
    try {
      source->restore(kNoOffset);
    } catch (const Error&) {
      return;
    }
    break_rule(concat("the text '", kNoOffset, "' was taken as an offset"));
  }

  // A source that would wait for an hour, and is woken.
  void wake() const {
    const StreamSourcePtr source = make();
    Opened opened(source, 3'600'000);
    std::atomic<bool> over{false};
    std::thread waker([&] {
      while (!over) {
        source->wake();
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
      }
    });
    const auto stop = [&] {
      over = true;
      waker.join();
    };
    try {
      StreamBatch batch;
      bool ended = false;
      for (int64_t i = 0; i < options.max_batches && next(*source, &batch, &ended);) ++i;
    } catch (...) {
      stop();
      throw;
    }
    stop();
  }

  void drain() const {
    const StreamSourcePtr source = make();
    Opened opened(source);
    StreamBatch batch;
    bool ended = false;
    next(*source, &batch, &ended);
    if (ended || !source->drain()) return;
    while (source->next(&batch) != SourceStatus::kEnd) {
    }
  }

  // The source as a query sees it, its calls counted.
  class Counted : public StreamSource {
   public:
    explicit Counted(StreamSourcePtr inner) : inner_(std::move(inner)) {}
    const Schema& schema() const override { return inner_->schema(); }
    bool bounded() const override { return inner_->bounded(); }
    std::string describe() const override { return inner_->describe(); }
    bool wants_markers() const override { return inner_->wants_markers(); }
    bool can_restore() const override { return inner_->can_restore(); }
    void open(const StreamContext& context) override { inner_->open(context); }
    SourceStatus next(StreamBatch* batch) override {
      asked = true;
      return inner_->next(batch);
    }
    SourceNotes take_notes() override { return inner_->take_notes(); }
    void checkpoint(const CheckpointMarker& marker) override { inner_->checkpoint(marker); }
    void ack(std::string_view token) override { inner_->ack(token); }
    void restore(std::string_view offset) override { inner_->restore(offset); }
    void close() override {
      ++closes;
      inner_->close();
    }
    void wake() override { inner_->wake(); }
    bool drain() override { return inner_->drain(); }

    std::atomic<bool> asked{false};
    std::atomic<int> closes{0};

   private:
    const StreamSourcePtr inner_;
  };

  struct Run {
    std::vector<std::string> rows;
    bool ended = false;  // by its source
  };
  Run run(std::optional<uint64_t> max_batches, bool stop) const {
    const auto source = std::make_shared<Counted>(make());
    const auto sink = std::make_shared<MemorySink>();
    StreamOptions stream_options;
    stream_options.max_batches = max_batches;
    stream_options.idle_wait_ms = kIdleWaitMs;
    const StreamingQueryPtr query = StreamingQuery::make(
        ScanPlan::all_columns(std::make_shared<StreamTableSource>(source), "source"), sink,
        stream_options, {});
    query->start();
    if (stop) {
      while (!source->asked && !query->ended()) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
      }
    } else if (source->bounded()) {
      query->await_termination();
    } else {
      query->await_termination(kQuiet.count());
    }
    Run out;
    out.ended = query->ended() && !max_batches;
    query->stop();
    query->await_termination();
    if (source->closes != 1) break_rule(concat("close() came ", source->closes.load(), " times"));
    out.rows = row_texts(sink->chunks());
    return out;
  }

  void query() const {
    const Read alone = read(make());
    const Run all = run(std::nullopt, false);
    require_rows("a query", alone.rows(), all.rows, !alone.ended || !all.ended);
    require_rows("a query of one batch", alone.rows(), run(1, false).rows, true);
    require_rows("a query that is stopped", alone.rows(), run(std::nullopt, true).rows, true);
  }
};

}  // namespace

ConformanceReport check_stream_source(const std::function<StreamSourcePtr()>& make,
                                      const SourceConformanceOptions& options) {
  const auto rules = std::make_shared<const SourceRules>(SourceRules{make, options});
  RuleRunner runner(options.rule_timeout_ms);
  const auto check = [&](const char* name, void (SourceRules::*rule)() const) {
    runner.check(name, [rules, rule] { ((*rules).*rule)(); });
  };
  check("schema", &SourceRules::schema);
  check("batches", &SourceRules::batches);
  check("rows", &SourceRules::rows);
  check("offsets", &SourceRules::offsets);
  check("end", &SourceRules::end);
  check("markers", &SourceRules::markers);
  check("close", &SourceRules::close);
  check("independent", &SourceRules::independent);
  if (make()->can_restore()) {
    check("restore", &SourceRules::restore);
    check("restore-refuses", &SourceRules::restore_refuses);
  }
  check("wake", &SourceRules::wake);
  check("drain", &SourceRules::drain);
  check("query", &SourceRules::query);
  return runner.take();
}

}  // namespace velaria
