#include <chrono>
#include <thread>

#include "src/expr/aggregate_registry.h"
#include "stream/checkpoint/checkpoint_store.h"
#include "stream/connectors/csv_file_sink.h"
#include "stream/connectors/realtime_stream_source.h"
#include "tests/stream/stream_testing.h"

namespace velaria {
namespace {

struct QueryRun {
  Results results;
  StreamingQueryProgress progress;
  std::vector<std::string> calls;
};

QueryRun run_query(const std::vector<Chunk>& batches, const std::string& path, DeliveryMode mode,
                   std::optional<uint64_t> max_batches, StreamSourcePtr source = nullptr) {
  auto log = std::make_shared<CallLog>();
  auto sink = std::make_shared<MemorySink>();
  StreamOptions options;
  options.checkpoint_path = path;
  options.checkpoint_delivery_mode = mode;
  options.checkpoint_async = test_seed() % 2 == 0;
  options.max_batches = max_batches;
  if (!source) source = make_memory_stream(event_schema(), batches);
  const auto query = StreamingQuery::make(
      windowed_totals(event_scan(std::make_shared<WatchedSource>(source, log)), 1000, 400), sink,
      options, {});
  query->start();
  query->await_termination();
  return {results_of(sink->chunks(), 2), query->progress(), log->lines()};
}

TEST(Checkpoint, BestEffortGoesOnWithTheRightTotals) {
  std::mt19937_64 random(test_seed());
  for (int round = 0; round < 5; ++round) {
    const TestDirectory directory;
    const std::vector<Event> events = random_events(4000, random);
    const std::vector<Chunk> batches = random_batches(events, random);
    const std::string path = directory.file("q.ckpt");
    Results seen;
    uint64_t done = 0;
    while (done < batches.size()) {
      const uint64_t part = 1 + random() % 4;
      const QueryRun run = run_query(batches, path, DeliveryMode::kBestEffort, part);
      for (const auto& [key, values] : run.results) seen[key] = values;
      if (done > 0) {
        EXPECT_EQ(run.calls[1], concat("source restore ", done));
      }
      done += run.progress.batches_processed;
      EXPECT_EQ(run.progress.last_source_offset, std::to_string(done));
    }
    EXPECT_EQ(seen, results_of(
                        run_batch(windowed_totals(event_scan(event_table(events)), 1000, 400)), 2));
  }
}

TEST(Checkpoint, AtLeastOnceReplays) {
  const TestDirectory directory;
  std::mt19937_64 random(test_seed());
  const std::vector<Chunk> batches = random_batches(random_events(3000, random), random);
  const std::string path = directory.file("q.ckpt");
  run_query(batches, path, DeliveryMode::kAtLeastOnce, 3);
  const QueryRun all = run_query(batches, path, DeliveryMode::kAtLeastOnce, std::nullopt);
  EXPECT_EQ(all.progress.batches_processed, batches.size());
  EXPECT_EQ(all.progress.rows_in, 3000u);
  for (const std::string& call : all.calls)
    EXPECT_EQ(call.find("source restore"), std::string::npos);
}

TEST(Checkpoint, GlobalAndTextAggregatesAreRestored) {
  std::mt19937_64 random(test_seed());
  const std::vector<Event> events = random_events(3000, random);
  const std::vector<Chunk> batches = random_batches(events, random);
  for (int manner = 0; manner < 4; ++manner) {
    const bool global = manner % 2 == 0;
    const bool async = manner >= 2;  // the state is written while batches change it
    const auto plan_over = [global](const PlanPtr& scan) -> PlanPtr {
      std::vector<BoundExpressionPtr> keys;
      if (!global) keys.push_back(column_of(*scan, "amount"));
      return std::make_shared<AggregatePlan>(
          scan, keys, global ? std::vector<std::string>{} : std::vector<std::string>{"amount"},
          std::vector<BoundAggregate>{aggregate_of(*scan, AggregateKind::kMin, "name"),
                                      aggregate_of(*scan, AggregateKind::kMax, "ts"),
                                      aggregate_of(*scan, AggregateKind::kCount, "name"),
                                      aggregate_of(*scan, AggregateKind::kAvg, "amount")});
    };
    const TestDirectory directory;
    StreamOptions options;
    options.checkpoint_path = directory.file("q.ckpt");
    options.checkpoint_delivery_mode = DeliveryMode::kBestEffort;
    options.checkpoint_async = async;
    options.max_batches = batches.size() / 2;
    Results seen;
    for (int run = 0; run < 3; ++run) {
      auto sink = std::make_shared<MemorySink>();
      const auto query = StreamingQuery::make(
          plan_over(event_scan(make_memory_stream(event_schema(), batches))), sink, options, {});
      query->start();
      query->await_termination();
      for (const auto& [key, values] : results_of(sink->chunks(), global ? 0 : 1)) {
        seen[key] = values;
      }
    }
    EXPECT_EQ(seen,
              results_of(run_batch(plan_over(event_scan(event_table(events)))), global ? 0 : 1));
  }
}

// Aggregates that keep more than a number: sets, lists, chosen rows, exact sums, sketches.
TEST(Checkpoint, AggregatesOfManyValuesAreRestored) {
  std::mt19937_64 random(test_seed());
  const std::vector<Event> events = random_events(3000, random);
  const std::vector<Chunk> batches = random_batches(events, random);
  for (int manner = 0; manner < 4; ++manner) {
    const bool global = manner % 2 == 0;
    const bool async = manner >= 2;  // the state is written while batches change it
    const auto plan_over = [global](const PlanPtr& scan) -> PlanPtr {
      const auto call = [&](const char* name, const char* column, bool distinct = false) {
        AggregateCall out;
        out.name = name;
        out.distinct = distinct;
        out.arguments = {column_of(*scan, column)};
        return AggregateRegistry::builtin().bind(std::move(out));
      };
      AggregateCall pair;
      pair.name = "arg_max";
      pair.arguments = {column_of(*scan, "name"), column_of(*scan, "amount")};
      std::vector<BoundExpressionPtr> keys;
      if (!global) keys.push_back(column_of(*scan, "name"));
      return std::make_shared<AggregatePlan>(
          scan, keys, global ? std::vector<std::string>{} : std::vector<std::string>{"name"},
          std::vector<BoundAggregate>{
              call("count", "amount", true), call("sum", "amount", true),
              call("string_agg", "name", true), call("string_agg", "name"),
              call("median", "amount"), call("mode", "amount"), call("stddev", "amount"),
              call("first", "amount"), call("last", "amount"),
              AggregateRegistry::builtin().bind(pair), call("approx_count_distinct", "amount")});
    };
    const TestDirectory directory;
    StreamOptions options;
    options.checkpoint_path = directory.file("q.ckpt");
    options.checkpoint_delivery_mode = DeliveryMode::kBestEffort;
    options.checkpoint_async = async;
    options.max_batches = batches.size() / 2;
    Results seen;
    for (int run = 0; run < 3; ++run) {
      auto sink = std::make_shared<MemorySink>();
      const auto query = StreamingQuery::make(
          plan_over(event_scan(make_memory_stream(event_schema(), batches))), sink, options, {});
      query->start();
      query->await_termination();
      for (const auto& [key, values] : results_of(sink->chunks(), global ? 0 : 1)) {
        seen[key] = values;
      }
    }
    EXPECT_EQ(seen,
              results_of(run_batch(plan_over(event_scan(event_table(events)))), global ? 0 : 1));
  }
}

TEST(Checkpoint, TheSinkMayStopTheQueryWhileACheckpointIsWritten) {
  class StoppingSink : public MemorySink {
   public:
    void sync() override { query->stop(); }
    StreamingQuery* query = nullptr;
  };
  for (const bool async : {false, true}) {
    const TestDirectory directory;
    StreamOptions options;
    options.checkpoint_path = directory.file("query.ckpt");
    options.checkpoint_async = async;
    const auto sink = std::make_shared<StoppingSink>();
    const auto query = StreamingQuery::make(
        event_scan(make_memory_stream(event_schema(), {event_chunk({{0, "a", 1}})})), sink, options,
        {});
    sink->query = query.get();
    query->start();
    query->await_termination(20'000);
    EXPECT_EQ(query->status(), StreamStatus::kStopped) << async;
  }
}

TEST(Checkpoint, IntervalSkipsWritesButNotTheLast) {
  const TestDirectory directory;
  auto log = std::make_shared<CallLog>();
  StreamOptions options;
  options.checkpoint_path = directory.file("q.ckpt");
  options.checkpoint_interval_ms = 1000;
  StreamEnvironment environment;
  environment.clock = std::make_shared<ManualClock>();
  std::vector<Chunk> batches(10, event_chunk({{5, "a", 1}}));
  const auto query = StreamingQuery::make(
      event_scan(std::make_shared<WatchedSource>(make_memory_stream(event_schema(), batches), log)),
      std::make_shared<MemorySink>(), options, environment);
  EXPECT_TRUE(query->strategy().checkpoint_async);
  query->start();
  EXPECT_EQ(query->await_termination(), 10u);
  std::vector<std::string> acks;
  for (const std::string& line : log->lines()) {
    if (line.rfind("source ack", 0) == 0) acks.push_back(line);
  }
  EXPECT_EQ(acks, (std::vector<std::string>{"source ack 1", "source ack 10"}));
  const auto stored =
      CheckpointStore(local_file_system(), options.checkpoint_path).read(query->plan().fingerprint);
  ASSERT_TRUE(stored.has_value());
  EXPECT_EQ(stored->source_offset, "10");
  EXPECT_EQ(stored->batches_processed, 10u);
}

// Renames, which make a checkpoint visible, wait until they are let through.
class SlowDisk : public FileSystem {
 public:
  std::unique_ptr<ReadableFile> open_read(const std::string& p) override {
    return real_->open_read(p);
  }
  std::unique_ptr<WritableFile> create(const std::string& p, bool append) override {
    return real_->create(p, append);
  }
  bool exists(const std::string& p) override { return real_->exists(p); }
  bool is_directory(const std::string& p) override { return real_->is_directory(p); }
  bool is_link(const std::string& p) override { return real_->is_link(p); }
  std::vector<std::string> list_directory(const std::string& p) override {
    return real_->list_directory(p);
  }
  void make_directories(const std::string& p) override { real_->make_directories(p); }
  void rename(const std::string& from, const std::string& to) override {
    {
      std::unique_lock<std::mutex> lock(mutex_);
      ++waiting_;
      changed_.notify_all();
      changed_.wait(lock, [this] { return allowed_ > 0; });
      --allowed_;
      if (fails_) throw Error(ErrorKind::kFileAccess, "cannot rename to " + to);
    }
    real_->rename(from, to);
  }
  void remove(const std::string& p) override { real_->remove(p); }
  void sync_directory(const std::string& p) override { real_->sync_directory(p); }
  std::unique_ptr<FileLock> try_lock(const std::string& p, std::string_view note) override {
    return real_->try_lock(p, note);
  }

  void wait_for_rename(int number) {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [&] { return waiting_ >= number; });
  }
  void let_through(int renames, bool fails = false) {
    const std::lock_guard<std::mutex> lock(mutex_);
    allowed_ += renames;
    fails_ = fails;
    changed_.notify_all();
  }
  int renames() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return waiting_;
  }

 private:
  const std::shared_ptr<FileSystem> real_ = local_file_system();
  std::mutex mutex_;
  std::condition_variable changed_;
  int waiting_ = 0;
  int allowed_ = 0;
  bool fails_ = false;
};

struct SlowCheckpoints {
  explicit SlowCheckpoints(const std::string& path) {
    options.checkpoint_path = path;
    options.checkpoint_async = true;
    environment.files = disk;
    query = StreamingQuery::make(event_scan(std::make_shared<WatchedSource>(source, log)),
                                 std::make_shared<WatchedSink>(std::make_shared<MemorySink>(), log),
                                 options, environment);
    query->start();
  }
  void push(int batches) {
    for (int i = 0; i < batches; ++i) source->push({event_chunk({{5, "a", 1}})});
  }
  std::vector<std::string> acks() const {
    std::vector<std::string> out;
    for (const std::string& line : log->lines()) {
      if (line.rfind("source ack", 0) == 0) out.push_back(line);
    }
    return out;
  }
  bool has_processed(uint64_t batches) const {
    return eventually([&] { return query->progress().batches_processed == batches; });
  }

  CallLogPtr log = std::make_shared<CallLog>();
  std::shared_ptr<SlowDisk> disk = std::make_shared<SlowDisk>();
  std::shared_ptr<RealtimeStreamSource> source =
      std::make_shared<RealtimeStreamSource>(event_schema(), RealtimeSourceOptions{});
  StreamOptions options;
  StreamEnvironment environment;
  StreamingQueryPtr query;
};

TEST(Checkpoint, BatchesGoOnWhileOneIsWrittenAndTheNewestIsTheNext) {
  const TestDirectory directory;
  SlowCheckpoints slow(directory.file("q.ckpt"));
  slow.push(1);
  slow.disk->wait_for_rename(1);
  slow.push(6);
  EXPECT_TRUE(slow.has_processed(7));
  EXPECT_EQ(slow.disk->renames(), 1);
  EXPECT_TRUE(slow.acks().empty());  // nothing is safe yet
  slow.disk->let_through(1);
  // Without another batch: what was done meanwhile is written as one, and acked.
  slow.disk->wait_for_rename(2);
  EXPECT_TRUE(eventually([&] { return slow.acks().size() == 1; }));
  slow.disk->let_through(1);
  EXPECT_TRUE(eventually([&] { return slow.acks().size() == 2; }));
  EXPECT_EQ(slow.acks(), (std::vector<std::string>{"source ack 1", "source ack 7"}));
  // At the end the last batches are waited for.
  slow.push(1);
  slow.disk->wait_for_rename(3);
  slow.push(2);
  EXPECT_TRUE(slow.has_processed(10));
  slow.disk->let_through(100);
  slow.query->stop(true);
  EXPECT_EQ(slow.acks().back(), "source ack 10");
  const auto stored = CheckpointStore(local_file_system(), slow.options.checkpoint_path)
                          .read(slow.query->plan().fingerprint);
  ASSERT_TRUE(stored.has_value());
  EXPECT_EQ(stored->source_offset, "10");
  EXPECT_EQ(slow.log->count("sink sync"), 4);  // once before each of them
}

TEST(Checkpoint, AFailedWriteFailsTheQueryWithoutAnotherBatch) {
  const TestDirectory directory;
  SlowCheckpoints slow(directory.file("q.ckpt"));
  slow.push(1);
  slow.disk->wait_for_rename(1);
  slow.push(2);
  EXPECT_TRUE(slow.has_processed(3));
  slow.disk->let_through(1, true);
  std::string message;
  EXPECT_EQ(kind_of([&] { slow.query->await_termination(); }, &message), ErrorKind::kStream);
  EXPECT_NE(message.find("q.ckpt' cannot be written: cannot rename"), std::string::npos) << message;
  EXPECT_TRUE(slow.acks().empty());
  EXPECT_EQ(slow.log->count("source close"), 1);
  EXPECT_EQ(slow.log->count("sink close"), 1);
}

TEST(Checkpoint, WithoutAnIntervalEachIsWrittenBeforeTheNextBatch) {
  const TestDirectory directory;
  auto log = std::make_shared<CallLog>();
  StreamOptions options;
  options.checkpoint_path = directory.file("q.ckpt");
  const auto query = StreamingQuery::make(
      event_scan(
          make_memory_stream(event_schema(), std::vector<Chunk>(3, event_chunk({{5, "a", 1}})))),
      std::make_shared<WatchedSink>(std::make_shared<MemorySink>(), log), options, {});
  EXPECT_FALSE(query->strategy().checkpoint_async);
  query->start();
  EXPECT_EQ(query->await_termination(), 3u);
  std::vector<std::string> expected = {"sink open"};
  for (int i = 1; i <= 3; ++i) {
    for (const std::string& line : {concat("sink write ", i), std::string("sink flush"),
                                    std::string("sink sync"), concat("sink checkpoint ", i)}) {
      expected.push_back(line);
    }
  }
  expected.push_back("sink close");
  EXPECT_EQ(log->lines(), expected);
}

// The n-th time that something is done to the disk it fails, whatever it is.
TEST(Checkpoint, EveryFailingStepOfTheDiskIsNamed) {
  class FailingDisk : public SlowDisk {
   public:
    explicit FailingDisk(int fail_at) : fail_at_(fail_at) { let_through(1 << 20); }
    std::unique_ptr<WritableFile> create(const std::string& p, bool append) override {
      step("create " + p);
      return std::make_unique<File>(*this, SlowDisk::create(p, append));
    }
    void rename(const std::string& from, const std::string& to) override {
      step("rename to " + to);
      SlowDisk::rename(from, to);
    }
    void sync_directory(const std::string& p) override {
      step("sync " + p);
      SlowDisk::sync_directory(p);
    }
    std::unique_ptr<FileLock> try_lock(const std::string& p, std::string_view note) override {
      step("lock " + p);
      return SlowDisk::try_lock(p, note);
    }
    void step(const std::string& what) {
      if (++steps_ == fail_at_) {
        throw Error(ErrorKind::kFileAccess, concat("no space left: step ", fail_at_, ", ", what));
      }
    }
    int steps() const { return steps_; }

   private:
    class File : public WritableFile {
     public:
      File(FailingDisk& disk, std::unique_ptr<WritableFile> real)
          : disk_(disk), real_(std::move(real)) {}
      void write(std::string_view bytes) override {
        disk_.step("write");
        real_->write(bytes);
      }
      void sync() override {
        disk_.step("sync");
        real_->sync();
      }
      void close() override {
        disk_.step("close");
        real_->close();
      }

     private:
      FailingDisk& disk_;
      const std::unique_ptr<WritableFile> real_;
    };
    const int fail_at_;
    std::atomic<int> steps_{0};
  };
  std::vector<Chunk> batches;
  for (int i = 0; i < 4; ++i) batches.push_back(event_chunk({{5, "a", i}}));
  for (const bool async : {true, false}) {
    int failures = 0;
    for (int fail_at = 1;; ++fail_at) {
      const TestDirectory directory;
      StreamOptions options;
      options.checkpoint_path = directory.file("state/q.ckpt");
      options.checkpoint_delivery_mode = DeliveryMode::kBestEffort;
      options.checkpoint_async = async;
      const auto run = [&](std::shared_ptr<FileSystem> files, CallLogPtr log) {
        StreamEnvironment environment;
        environment.files = files;
        const auto query =
            StreamingQuery::make(event_scan(std::make_shared<WatchedSource>(
                                     make_memory_stream(event_schema(), batches), log)),
                                 std::make_shared<WatchedSink>(
                                     make_csv_file_sink(files, directory.file("out.csv")), log),
                                 options, environment);
        query->start();
        query->await_termination();
      };
      const auto disk = std::make_shared<FailingDisk>(fail_at);
      auto log = std::make_shared<CallLog>();
      std::string message;
      try {
        run(disk, log);
      } catch (const Error& error) {
        message = error.message();
      }
      EXPECT_EQ(log->count("source close"), 1);
      EXPECT_EQ(log->count("sink close"), 1);
      if (message.empty()) {
        EXPECT_LT(disk->steps(), fail_at);
        break;
      }
      ++failures;
      EXPECT_NE(message.find(concat("no space left: step ", fail_at)), std::string::npos)
          << message;
      // With space again the query goes on, and no row is lost.
      run(local_file_system(), std::make_shared<CallLog>());
      const std::string text = read_file(*local_file_system(), directory.file("out.csv"));
      for (int i = 0; i < 4; ++i) {
        EXPECT_NE(text.find(concat(",a,", i, "\n")), std::string::npos)
            << fail_at << ": " << message << "\n"
            << text;
      }
    }
    EXPECT_GT(failures, 15);
  }
}

TEST(Checkpoint, BestEffortWithoutRestoreSaysSo) {
  const TestDirectory directory;
  const std::string path = directory.file("q.ckpt");
  for (int run = 0; run < 2; ++run) {
    auto source = std::make_shared<RealtimeStreamSource>(event_schema(), RealtimeSourceOptions{});
    source->push({event_chunk({{5, "a", 1}})});
    source->close_input();
    const QueryRun out = run_query({}, path, DeliveryMode::kBestEffort, std::nullopt, source);
    EXPECT_NE(out.progress.execution_reason.find("cannot restore"), std::string::npos);
    EXPECT_EQ(out.results.begin()->second, "1|1|1|1|1|1.0|");
  }
}

TEST(Checkpoint, ATornOrForeignFileFailsTheStart) {
  const TestDirectory directory;
  const std::string path = directory.file("q.ckpt");
  const std::vector<Chunk> batches = {event_chunk({{5, "a", 1}})};
  for (const DeliveryMode mode : {DeliveryMode::kAtLeastOnce, DeliveryMode::kBestEffort}) {
    replace_file_atomically(*local_file_system(), path, "something else, and not short either");
    auto log = std::make_shared<CallLog>();
    StreamOptions options;
    options.checkpoint_path = path;
    options.checkpoint_delivery_mode = mode;
    const auto query = StreamingQuery::make(
        event_scan(
            std::make_shared<WatchedSource>(make_memory_stream(event_schema(), batches), log)),
        std::make_shared<WatchedSink>(std::make_shared<MemorySink>(), log), options, {});
    EXPECT_EQ(kind_of([&] { query->start(); }), ErrorKind::kCheckpoint);
    EXPECT_EQ(query->status(), StreamStatus::kFailed);
    EXPECT_EQ(kind_of([&] { query->await_termination(); }), ErrorKind::kStream);
    EXPECT_EQ(log->lines(), (std::vector<std::string>{"source close", "sink close"}));
    EXPECT_EQ(read_file(*local_file_system(), path), "something else, and not short either");
  }
  std::filesystem::remove(path);
  run_query(batches, path, DeliveryMode::kBestEffort, std::nullopt);
  StreamOptions options;
  options.checkpoint_path = path;
  const auto other = StreamingQuery::make(event_scan(make_memory_stream(event_schema(), batches)),
                                          std::make_shared<MemorySink>(), options, {});
  std::string message;
  EXPECT_EQ(kind_of([&] { other->start(); }, &message), ErrorKind::kCheckpoint);
  EXPECT_NE(message.find("another query"), std::string::npos);
}

TEST(Checkpoint, ASecondQueryOnARunningOnesFileIsRefused) {
  const TestDirectory directory;
  StreamOptions options;
  options.checkpoint_path = directory.file("q.ckpt");
  options.query_id = "orders";
  const auto make = [&options](StreamSourcePtr source) {
    return StreamingQuery::make(event_scan(std::move(source)), std::make_shared<MemorySink>(),
                                options, {});
  };
  auto source = std::make_shared<RealtimeStreamSource>(event_schema(), RealtimeSourceOptions{});
  const auto running = make(source);
  running->start();
  const std::vector<Chunk> batches = {event_chunk({{5, "a", 1}})};
  const auto second = make(make_memory_stream(event_schema(), batches));
  std::string message;
  EXPECT_EQ(kind_of([&] { second->start(); }, &message), ErrorKind::kCheckpoint);
  EXPECT_NE(message.find("in use by query 'orders'"), std::string::npos) << message;
  EXPECT_EQ(second->status(), StreamStatus::kFailed);
  EXPECT_EQ(running->status(), StreamStatus::kRunning);
  source->push(batches);
  running->stop(true);
  EXPECT_EQ(running->progress().batches_processed, 1u);
  // From the moment that it has ended the file is free.
  const auto third = make(make_memory_stream(event_schema(), batches));
  third->start();
  EXPECT_EQ(third->await_termination(), 1u);
}

TEST(Checkpoint, AnUnwritableCheckpointFailsTheQuery) {
  class NoRename : public FileSystem {
   public:
    std::unique_ptr<ReadableFile> open_read(const std::string& p) override {
      return real->open_read(p);
    }
    std::unique_ptr<WritableFile> create(const std::string& p, bool append) override {
      return real->create(p, append);
    }
    bool exists(const std::string& p) override { return real->exists(p); }
    bool is_directory(const std::string& p) override { return real->is_directory(p); }
    bool is_link(const std::string& p) override { return real->is_link(p); }
    std::vector<std::string> list_directory(const std::string& p) override {
      return real->list_directory(p);
    }
    void make_directories(const std::string& p) override { real->make_directories(p); }
    void rename(const std::string&, const std::string& to) override {
      throw Error(ErrorKind::kFileAccess, "cannot rename to " + to);
    }
    void remove(const std::string& p) override { real->remove(p); }
    void sync_directory(const std::string& p) override { real->sync_directory(p); }
    std::unique_ptr<FileLock> try_lock(const std::string& p, std::string_view note) override {
      return real->try_lock(p, note);
    }
    std::shared_ptr<FileSystem> real = local_file_system();
  };
  const TestDirectory directory;
  auto log = std::make_shared<CallLog>();
  StreamOptions options;
  options.checkpoint_path = directory.file("q.ckpt");
  StreamEnvironment environment;
  environment.files = std::make_shared<NoRename>();
  const auto query = StreamingQuery::make(
      event_scan(std::make_shared<WatchedSource>(
          make_memory_stream(event_schema(), {event_chunk({{5, "a", 1}})}), log)),
      std::make_shared<MemorySink>(), options, environment);
  query->start();
  EXPECT_EQ(kind_of([&] { query->await_termination(); }), ErrorKind::kStream);
  EXPECT_EQ(log->count("source ack 1"), 0);  // nothing was recorded
  EXPECT_EQ(log->count("source close"), 1);
}

}  // namespace
}  // namespace velaria
