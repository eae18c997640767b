// Tables, plans and watchful sources and sinks for the tests of streams.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "src/base/text.h"
#include "src/column/builder.h"
#include "src/exec/physical_plan.h"
#include "src/io/memory/memory_table_source.h"
#include "src/kernel/take.h"
#include "src/plan/logical_plan.h"
#include "stream/connectors/arrow_stream_source.h"
#include "stream/connectors/memory_sink.h"
#include "stream/stream_table_source.h"
#include "stream/streaming_data_frame.h"
#include "stream/streaming_query.h"

namespace velaria {

// Every run takes other numbers; a failing one is repeated with VELARIA_TEST_SEED.
inline uint64_t test_seed() {
  static const uint64_t seed = [] {
    const char* given = std::getenv("VELARIA_TEST_SEED");
    const uint64_t value =
        given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device()();
    std::printf("VELARIA_TEST_SEED=%llu\n", static_cast<unsigned long long>(value));
    return value;
  }();
  return seed;
}

inline Schema event_schema() {
  return Schema({{"ts", DataType::timestamp(TimeUnit::kMicro)},
                 {"name", DataType(TypeId::kUtf8)},
                 {"amount", DataType(TypeId::kInt64)}});
}

struct Event {
  std::optional<int64_t> ms;
  std::optional<std::string> name;
  std::optional<int64_t> amount;
};

inline Chunk event_chunk(const std::vector<Event>& events) {
  FixedBuilder<int64_t> ts(DataType::timestamp(TimeUnit::kMicro));
  StringBuilder name;
  FixedBuilder<int64_t> amount(DataType(TypeId::kInt64));
  for (const Event& event : events) {
    event.ms ? ts.append(*event.ms * 1000) : ts.append_null();
    event.name ? name.append(*event.name) : name.append_null();
    event.amount ? amount.append(*event.amount) : amount.append_null();
  }
  Chunk chunk;
  chunk.rows = static_cast<int64_t>(events.size());
  chunk.columns = {ts.finish(), name.finish(), amount.finish()};
  return chunk;
}

inline std::vector<Event> random_events(size_t count, std::mt19937_64& random) {
  std::vector<Event> events;
  for (size_t i = 0; i < count; ++i) {
    Event event;
    if (random() % 20 != 0) event.ms = static_cast<int64_t>(random() % 20000) - 5000;
    if (random() % 15 != 0) {
      event.name = concat("a name that is longer than twelve bytes ", random() % 7);
      if (random() % 2 == 0) event.name = concat("n", random() % 5);
    }
    if (random() % 10 != 0) event.amount = static_cast<int64_t>(random() % 2000) - 1000;
    events.push_back(std::move(event));
  }
  return events;
}

// The same events in batches of random sizes, some of them empty.
inline std::vector<Chunk> random_batches(const std::vector<Event>& events,
                                         std::mt19937_64& random) {
  std::vector<Chunk> batches;
  for (size_t at = 0; at < events.size();) {
    const size_t rows = std::min<size_t>(events.size() - at, random() % 700);
    batches.push_back(event_chunk({events.begin() + static_cast<std::ptrdiff_t>(at),
                                   events.begin() + static_cast<std::ptrdiff_t>(at + rows)}));
    at += rows;
  }
  return batches;
}

inline PlanPtr event_scan(TableSourcePtr source) {
  return ScanPlan::all_columns(std::move(source), "events");
}
inline PlanPtr event_scan(StreamSourcePtr source) {
  return event_scan(std::make_shared<StreamTableSource>(std::move(source)));
}

inline BoundExpressionPtr column_of(const LogicalPlan& plan, const std::string& name) {
  const size_t i = plan.schema().require(name);
  return bound_column(i, plan.schema().field(i).type, name);
}

inline BoundAggregate aggregate_of(const LogicalPlan& plan, AggregateKind kind,
                                   const std::string& column) {
  BoundAggregate out;
  out.kind = kind;
  if (!column.empty()) out.arguments.push_back(column_of(plan, column));
  out.result_type =
      aggregate_result_type(kind, column.empty() ? DataType() : out.arguments[0]->type).value();
  return out;
}

// count(*), count, sum, min, max and avg of amount by the given columns.
inline PlanPtr totals(PlanPtr child, const std::vector<std::string>& keys) {
  std::vector<BoundExpressionPtr> key_columns;
  for (const std::string& key : keys) key_columns.push_back(column_of(*child, key));
  std::vector<BoundAggregate> aggregates = {aggregate_of(*child, AggregateKind::kCountRows, "")};
  for (const AggregateKind kind : {AggregateKind::kCount, AggregateKind::kSum, AggregateKind::kMin,
                                   AggregateKind::kMax, AggregateKind::kAvg}) {
    aggregates.push_back(aggregate_of(*child, kind, "amount"));
  }
  return std::make_shared<AggregatePlan>(std::move(child), std::move(key_columns), keys,
                                         std::move(aggregates));
}

inline PlanPtr windowed_totals(PlanPtr scan, int64_t window_ms, int64_t slide_ms) {
  return totals(add_time_window(std::move(scan), "ts", window_ms, "window_start", slide_ms),
                {"window_start", "name"});
}

// Key texts -> the other columns' texts; a later row of a key replaces the earlier one.
using Results = std::map<std::string, std::string>;

inline Results results_of(const std::vector<Chunk>& chunks, size_t keys) {
  Results out;
  for (const Chunk& chunk : chunks) {
    for (int64_t row = 0; row < chunk.rows; ++row) {
      std::string key;
      std::string values;
      for (size_t c = 0; c < chunk.columns.size(); ++c) {
        (c < keys ? key : values) += chunk.columns[c]->value(row).to_string() + "|";
      }
      out[key] = values;
    }
  }
  return out;
}

// What the batch engine says.
inline std::vector<Chunk> run_batch(const PlanPtr& plan) {
  const PhysicalPlan physical = PhysicalPlan::make(*plan, {});
  ExecutionContext context;
  PlanExecution execution(physical, context);
  execution.run(nullptr);
  return execution.take_result();
}

inline TableSourcePtr event_table(const std::vector<Event>& events) {
  std::vector<Chunk> chunks;
  if (!events.empty()) chunks.push_back(event_chunk(events));
  return std::make_shared<MemoryTableSource>(event_schema(), std::move(chunks));
}

inline ErrorKind kind_of(const std::function<void()>& body, std::string* message = nullptr) {
  try {
    body();
  } catch (const Error& error) {
    if (message != nullptr) *message = error.message();
    return error.kind();
  }
  ADD_FAILURE() << "nothing was thrown";
  return ErrorKind::kInternal;
}

// A line a call, of source and sink together.
class CallLog {
 public:
  void add(std::string line) {
    const std::lock_guard<std::mutex> lock(mutex_);
    lines_.push_back(std::move(line));
  }
  std::vector<std::string> lines() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return lines_;
  }
  int count(const std::string& line) const {
    int n = 0;
    for (const std::string& each : lines()) n += each == line ? 1 : 0;
    return n;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> lines_;
};
using CallLogPtr = std::shared_ptr<CallLog>;

// The calls of one source or sink: each is written down, and the one that it is told to fail at
// throws.
class NotedCalls {
 public:
  NotedCalls(CallLogPtr log, std::string fail_at)
      : log_(std::move(log)), fail_at_(std::move(fail_at)) {}

 protected:
  ~NotedCalls() = default;
  void note(const std::string& line) {
    log_->add(line);
    if (line == fail_at_) throw Error(ErrorKind::kFileAccess, "told to fail at " + line);
  }

 private:
  const CallLogPtr log_;
  const std::string fail_at_;
};

// Whether it holds within ten seconds.
template <typename Condition>
bool eventually(Condition condition) {
  for (int i = 0; i < 5000; ++i) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return false;
}

// Passes everything on, writes it down, and fails where it is told to.
class WatchedSource : public StreamSource, private NotedCalls {
 public:
  WatchedSource(StreamSourcePtr inner, CallLogPtr log, std::string fail_at = "")
      : NotedCalls(std::move(log), std::move(fail_at)), inner_(std::move(inner)) {}
  const Schema& schema() const override { return inner_->schema(); }
  bool bounded() const override { return inner_->bounded(); }
  std::string describe() const override { return inner_->describe(); }
  bool can_restore() const override { return inner_->can_restore(); }
  void open(const StreamContext& context) override {
    note("source open");
    inner_->open(context);
  }
  SourceStatus next(StreamBatch* batch) override {
    note(concat("source next ", ++asked_));
    return inner_->next(batch);
  }
  SourceNotes take_notes() override { return inner_->take_notes(); }
  void checkpoint(const CheckpointMarker& marker) override {
    note(concat("source checkpoint ", marker.batches_processed, " at ", marker.source_offset));
  }
  void ack(std::string_view token) override { note(concat("source ack ", token)); }
  void restore(std::string_view offset) override {
    note(concat("source restore ", offset));
    inner_->restore(offset);
  }
  void close() override {
    note("source close");
    inner_->close();
  }
  void wake() override { inner_->wake(); }
  bool drain() override { return inner_->drain(); }

 private:
  StreamSourcePtr inner_;
  int asked_ = 0;
};

class WatchedSink : public StreamSink, private NotedCalls {
 public:
  WatchedSink(StreamSinkPtr inner, CallLogPtr log, std::string fail_at = "")
      : NotedCalls(std::move(log), std::move(fail_at)), inner_(std::move(inner)) {}
  std::string describe() const override { return inner_->describe(); }
  void open(const StreamContext& context, const Schema& schema) override {
    note("sink open");
    inner_->open(context, schema);
  }
  void write(const Schema& schema, const std::vector<Chunk>& chunks) override {
    note(concat("sink write ", ++writes_));
    inner_->write(schema, chunks);
  }
  void flush() override {
    note("sink flush");
    inner_->flush();
  }
  void sync() override {
    note("sink sync");
    inner_->sync();
  }
  void checkpoint(const CheckpointMarker& marker) override {
    note(concat("sink checkpoint ", marker.batches_processed));
  }
  void close() override {
    note("sink close");
    inner_->close();
  }
  void wake() override { inner_->wake(); }

 private:
  StreamSinkPtr inner_;
  int writes_ = 0;
};

// A directory that goes away with the test.
class TestDirectory {
 public:
  TestDirectory() {
    std::string pattern = testing::TempDir() + "/velaria_stream_XXXXXX";
    VELARIA_CHECK(mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  ~TestDirectory() { std::filesystem::remove_all(path_); }
  std::string file(const std::string& name) const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace velaria
