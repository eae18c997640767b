#include "src/expr/aggregate_registry.h"
#include "stream/checkpoint/checkpoint_store.h"

#include "stream/checkpoint/column_codec.h"
#include "stream/connectors/realtime_stream_source.h"
#include "tests/stream/stream_testing.h"

namespace velaria {
namespace {

std::vector<Value> sample_values(const DataType& type) {
  switch (type.id()) {
    case TypeId::kBool: return {Value::boolean(true), Value::boolean(false)};
    case TypeId::kUInt8:
    case TypeId::kUInt16:
    case TypeId::kUInt32:
    case TypeId::kUInt64:
      return {Value::unsigned_integral(type, 0), Value::unsigned_integral(type, 200)};
    case TypeId::kFloat32:
    case TypeId::kFloat64: return {Value::floating(type, 0.5), Value::floating(type, -1e30)};
    case TypeId::kDecimal128:
      return {Value::decimal(type, static_cast<Int128>(-1)),
              Value::decimal(type, static_cast<Int128>(INT64_MAX) * 1000)};
    case TypeId::kUtf8:
      return {Value::utf8(""), Value::utf8("short"), Value::utf8(std::string(500, 'x'))};
    case TypeId::kBinary:
      return {Value::binary(std::string("\0\1", 2)), Value::binary(std::string(99, '\0'))};
    case TypeId::kInterval: return {Value::interval({1, -2, 3}), Value::interval({})};
    case TypeId::kFixedSizeList: return {Value::vector({1, 2, 3}), Value::vector({-1, 0, 0.5f})};
    case TypeId::kNull: return {};
    default: return {Value::integral(type, -5), Value::integral(type, 100)};
  }
}

std::vector<DataType> all_types() {
  std::vector<DataType> types;
  for (int id = 0; id <= static_cast<int>(TypeId::kInterval); ++id) {
    const auto type = static_cast<TypeId>(id);
    if (type == TypeId::kDecimal128) {
      types.push_back(DataType::decimal(38, 4));
    } else if (type == TypeId::kTimestamp) {
      types.push_back(DataType::timestamp(TimeUnit::kNano, "Europe/Berlin"));
      types.push_back(DataType::timestamp(TimeUnit::kSecond));
    } else {
      types.push_back(DataType(type));
    }
  }
  types.push_back(DataType::vector(3));
  return types;
}

ColumnPtr through_bytes(const ColumnPtr& column) {
  ByteWriter out;
  write_column(column, &out);
  ByteReader in(out.bytes(), "test");
  ColumnPtr back = read_column(&in);
  EXPECT_EQ(in.left(), 0u);
  return back;
}

void expect_same(const ColumnPtr& a, const ColumnPtr& b) {
  ASSERT_EQ(a->type(), b->type());
  ASSERT_EQ(a->length(), b->length());
  for (int64_t i = 0; i < a->length(); ++i) EXPECT_EQ(a->value(i), b->value(i)) << i;
}

TEST(ColumnCodec, EveryTypeComesBack) {
  for (const DataType& type : all_types()) {
    SCOPED_TRACE(type.to_string());
    const std::vector<Value> samples = sample_values(type);
    for (const int rows : {0, 1, 7, 64, 131}) {
      for (const bool nulls : {false, true}) {
        if (type.is_null()) {
          expect_same(Column::nulls(type, rows), through_bytes(Column::nulls(type, rows)));
          continue;
        }
        auto builder = ColumnBuilder::make(type);
        for (int i = 0; i < rows; ++i) {
          if (nulls && i % 3 == 1) {
            builder->append_null();
          } else {
            builder->append_value(samples[static_cast<size_t>(i) % samples.size()]);
          }
        }
        const ColumnPtr column = builder->finish();
        expect_same(column, through_bytes(column));
        if (rows > 9)
          expect_same(column->slice(5, rows - 7), through_bytes(column->slice(5, rows - 7)));
      }
    }
    if (!type.is_null()) {
      const ColumnPtr constant = Column::constant(samples[0], 10);
      expect_same(constant, through_bytes(constant));
    }
  }
}

CheckpointData small_checkpoint() {
  CheckpointData data;
  data.plan_fingerprint = 0x1234;
  data.delivery_mode = "best-effort";
  data.query_id = "q";
  data.source_offset = "17";
  data.batches_processed = 17;
  data.next_chunk_order = 4200;
  data.state_parts = {event_chunk({{5, "a", 1}, {std::nullopt, std::nullopt, std::nullopt}})};
  return data;
}

TEST(CheckpointStore, ComesBack) {
  const TestDirectory directory;
  CheckpointStore store(local_file_system(), directory.file("sub/q.ckpt"));
  store.prepare();
  EXPECT_FALSE(store.read(1).has_value());
  const CheckpointData data = small_checkpoint();
  store.write(data);
  store.write(data);
  const auto back = store.read(data.plan_fingerprint);
  ASSERT_TRUE(back.has_value());
  EXPECT_EQ(back->delivery_mode, data.delivery_mode);
  EXPECT_EQ(back->query_id, data.query_id);
  EXPECT_EQ(back->source_offset, data.source_offset);
  EXPECT_EQ(back->batches_processed, data.batches_processed);
  EXPECT_EQ(back->next_chunk_order, data.next_chunk_order);
  ASSERT_EQ(back->state_parts.size(), 1u);
  for (size_t c = 0; c < 3; ++c) {
    expect_same(data.state_parts[0].columns[c], back->state_parts[0].columns[c]);
  }
  std::string message;
  EXPECT_EQ(kind_of([&] { store.read(1); }, &message), ErrorKind::kCheckpoint);
  EXPECT_NE(message.find("another query"), std::string::npos) << message;
  EXPECT_EQ(kind_of([&] { CheckpointStore(local_file_system(), directory.path()).prepare(); }),
            ErrorKind::kCheckpoint);
}

TEST(CheckpointStore, WhatAKilledProcessLeftIsRemoved) {
  const TestDirectory directory;
  const auto files = local_file_system();
  for (const char* name : {"q.ckpt.tmp.12.0", "q.ckpt.tmp.mine", "other.ckpt.tmp.12.0"}) {
    replace_file_atomically(*files, directory.file(name), "half");
  }
  CheckpointStore(files, directory.file("q.ckpt")).prepare();
  EXPECT_EQ(files->list_directory(directory.path()),
            (std::vector<std::string>{"other.ckpt.tmp.12.0", "q.ckpt.tmp.mine"}));
}

TEST(CheckpointStore, EveryFlippedBitIsRefused) {
  const std::string good = encode_checkpoint(small_checkpoint());
  for (size_t byte = 0; byte < good.size(); ++byte) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string bad = good;
      bad[byte] = static_cast<char>(bad[byte] ^ (1 << bit));
      EXPECT_EQ(kind_of([&] { decode_checkpoint(bad, "q.ckpt"); }), ErrorKind::kCheckpoint)
          << byte << "." << bit;
    }
  }
}

TEST(CheckpointStore, EveryTruncationIsRefused) {
  const std::string good = encode_checkpoint(small_checkpoint());
  for (size_t length = 0; length < good.size(); ++length) {
    EXPECT_EQ(kind_of([&] { decode_checkpoint(good.substr(0, length), "q.ckpt"); }),
              ErrorKind::kCheckpoint)
        << length;
  }
  EXPECT_EQ(kind_of([&] { decode_checkpoint(good + "x", "q.ckpt"); }), ErrorKind::kCheckpoint);
}

TEST(CheckpointStore, NamesWhatIsWrong) {
  std::string bytes = encode_checkpoint(small_checkpoint());
  const auto message_of = [](const std::string& bad) {
    std::string message;
    kind_of([&] { decode_checkpoint(bad, "q.ckpt"); }, &message);
    return message;
  };
  EXPECT_NE(message_of("name,amount\na,1\n and more text behind it").find("foreign"),
            std::string::npos);
  EXPECT_NE(message_of(bytes.substr(0, 40)).find("torn"), std::string::npos);
  std::string version = bytes;
  version[8] = 9;
  EXPECT_NE(message_of(version).find("another version: format 9"), std::string::npos);
  bytes[30] = static_cast<char>(bytes[30] + 1);
  EXPECT_NE(message_of(bytes).find("damaged"), std::string::npos);
}

// Bodies that a checksum cannot protect from: whatever they say, reading ends in an error or a
// value.
TEST(ColumnCodec, RandomBytesAreRefusedOrRead) {
  std::mt19937_64 random(test_seed());
  ByteWriter good;
  write_chunk(small_checkpoint().state_parts[0], &good);
  for (int run = 0; run < 20000; ++run) {
    std::string bytes = good.bytes();
    for (uint64_t i = 0; i <= random() % 3; ++i) {
      bytes[random() % bytes.size()] = static_cast<char>(random());
    }
    ByteReader in(bytes, "test");
    try {
      read_chunk(&in);
    } catch (const Error&) {
    }
  }
}

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
  for (const bool global : {true, false}) {
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
  for (const bool global : {true, false}) {
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
    std::vector<std::string> list_directory(const std::string& p) override {
      return real->list_directory(p);
    }
    void make_directories(const std::string& p) override { real->make_directories(p); }
    void rename(const std::string&, const std::string& to) override {
      throw Error(ErrorKind::kFileAccess, "cannot rename to " + to);
    }
    void remove(const std::string& p) override { real->remove(p); }
    void sync_directory(const std::string& p) override { real->sync_directory(p); }
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
