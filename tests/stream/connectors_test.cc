#include <atomic>
#include <chrono>
#include <fstream>
#include <thread>

#include "src/column/arrow/export.h"
#include "src/io/csv/csv_source.h"
#include "stream/connectors/callback_sink.h"
#include "stream/connectors/csv_file_sink.h"
#include "stream/connectors/file_directory_source.h"
#include "stream/connectors/realtime_stream_sink.h"
#include "stream/connectors/realtime_stream_source.h"
#include "stream/source_sink_adapters.h"
#include "tests/stream/stream_testing.h"

namespace velaria {
namespace {

Chunk one_event(int64_t amount) { return event_chunk({{0, "a", amount}}); }

std::vector<int64_t> amounts(const std::vector<Chunk>& chunks, size_t column = 2) {
  std::vector<int64_t> out;
  for (const Chunk& chunk : chunks) {
    for (int64_t i = 0; i < chunk.rows; ++i)
      out.push_back(chunk.columns[column]->value(i).as_int64());
  }
  return out;
}

std::vector<int64_t> run_all(StreamSourcePtr source, size_t column = 2) {
  auto sink = std::make_shared<MemorySink>();
  const auto query = StreamingQuery::make(event_scan(std::move(source)), sink, {}, {});
  query->start();
  query->await_termination();
  return amounts(sink->chunks(), column);
}

ArrowArrayStream arrow_events(int batches) {
  std::vector<Chunk> chunks;
  for (int i = 0; i < batches; ++i) chunks.push_back(one_event(i));
  ArrowArrayStream stream;
  export_stream(event_schema(), std::move(chunks), &stream);
  return stream;
}

// One whose query ended before it opened the source; one that a query read is used up.
TEST(ArrowStream, AReaderIsNotUsedUpByAQueryThatNeverOpenedIt) {
  ArrowArrayStream stream = arrow_events(2);
  const StreamSourcePtr source =
      make_arrow_reader_stream(std::make_unique<ArrowStreamReader>(&stream));
  source->close();
  EXPECT_EQ(run_all(source), (std::vector<int64_t>{0, 1}));
  EXPECT_EQ(kind_of([&] { source->open({}); }), ErrorKind::kStream);
}

TEST(ArrowStream, TableIsReadAgainAndRestored) {
  ArrowArrayStream stream = arrow_events(4);
  const StreamSourcePtr source = make_arrow_table_stream(import_stream(&stream));
  EXPECT_EQ(run_all(source), (std::vector<int64_t>{0, 1, 2, 3}));
  EXPECT_EQ(run_all(source), (std::vector<int64_t>{0, 1, 2, 3}));
  source->open({});
  source->restore("3");
  StreamBatch batch;
  EXPECT_EQ(source->next(&batch), SourceStatus::kBatch);
  EXPECT_EQ(batch.source_offset, "4@4");
  EXPECT_EQ(amounts(batch.chunks), (std::vector<int64_t>{3}));
  EXPECT_EQ(source->next(&batch), SourceStatus::kEnd);
  EXPECT_EQ(kind_of([&] { source->restore("5"); }), ErrorKind::kCheckpoint);
  for (const char* other : {"a.csv:1", "3@4", "3@", "3@x", "@3"}) {
    EXPECT_EQ(kind_of([&] { source->restore(other); }), ErrorKind::kCheckpoint) << other;
  }
  source->restore("3@3");
  EXPECT_EQ(source->next(&batch), SourceStatus::kBatch);
}

TEST(ArrowStream, ReaderIsPulledLazily) {
  int made = 0;
  ArrowArrayStream stream;
  export_stream(
      event_schema(),
      [&made](Chunk* chunk) {
        *chunk = one_event(made++);
        return true;  // without an end
      },
      &stream);
  StreamOptions options;
  options.max_batches = 5;
  auto sink = std::make_shared<MemorySink>();
  const auto source = make_arrow_reader_stream(std::make_unique<ArrowStreamReader>(&stream), false);
  EXPECT_FALSE(source->bounded());
  const auto query = StreamingQuery::make(event_scan(source), sink, options, {});
  query->start();
  EXPECT_EQ(query->await_termination(), 5u);
  EXPECT_EQ(made, 5);
  EXPECT_EQ(amounts(sink->chunks()), (std::vector<int64_t>{0, 1, 2, 3, 4}));

  stream = arrow_events(4);
  const auto restored = make_arrow_reader_stream(std::make_unique<ArrowStreamReader>(&stream));
  restored->open({});
  restored->restore("2");
  StreamBatch batch;
  EXPECT_EQ(restored->next(&batch), SourceStatus::kBatch);
  EXPECT_EQ(amounts(batch.chunks), (std::vector<int64_t>{2}));
  EXPECT_EQ(kind_of([&] { restored->open({}); }), ErrorKind::kStream);
}

TEST(RealtimeSource, PoliciesOfAFullQueue) {
  RealtimeStreamSource failing(event_schema(), {2, 100, PushPolicy::kFail});
  failing.push({one_event(1)});
  failing.push({one_event(2)});
  EXPECT_EQ(kind_of([&] { failing.push({one_event(3)}); }), ErrorKind::kResource);
  EXPECT_EQ(failing.queued_batches(), 2);

  RealtimeStreamSource dropping(event_schema(), {100, 3, PushPolicy::kDropOldest});
  for (int i = 0; i < 10; ++i) dropping.push({one_event(i)});
  EXPECT_EQ(dropping.dropped_batches(), 7u);
  dropping.close_input();
  dropping.open({});
  StreamBatch batch;
  EXPECT_EQ(dropping.next(&batch), SourceStatus::kBatch);
  EXPECT_EQ(amounts(batch.chunks), (std::vector<int64_t>{7}));

  // A batch larger than the whole queue is taken alone.
  RealtimeStreamSource small(event_schema(), {4, 2, PushPolicy::kFail});
  small.push({one_event(1), one_event(2), one_event(3)});
  EXPECT_EQ(kind_of([&] { small.push({one_event(4)}); }), ErrorKind::kResource);

  EXPECT_EQ(kind_of([&] { RealtimeStreamSource(event_schema(), {0, 1}); }),
            ErrorKind::kInvalidArgument);
  EXPECT_EQ(push_policy_from_name("drop-oldest"), PushPolicy::kDropOldest);
  EXPECT_EQ(kind_of([&] { push_policy_from_name("drop"); }), ErrorKind::kInvalidArgument);
}

TEST(RealtimeSource, BlockedPushersAreWoken) {
  for (const bool query_ends : {false, true}) {
    RealtimeStreamSource source(event_schema(), {1, 100, PushPolicy::kBlock});
    source.push({one_event(1)});
    std::atomic<int> refused{0};
    std::vector<std::thread> pushers;
    for (int i = 0; i < 3; ++i) {
      pushers.emplace_back([&] {
        refused += kind_of([&] { source.push({one_event(2)}); }) == ErrorKind::kStream ? 1 : 0;
      });
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    query_ends ? source.close() : source.close_input();
    for (std::thread& pusher : pushers) pusher.join();
    EXPECT_EQ(refused, 3);
    EXPECT_EQ(source.queued_batches(), query_ends ? 0 : 1);
    EXPECT_TRUE(source.input_closed());
  }
  RealtimeStreamSource source(event_schema(), {1, 100, PushPolicy::kBlock});
  source.push({one_event(1)});
  EXPECT_EQ(kind_of([&] {
              source.push({one_event(2)}, [] { throw Error(ErrorKind::kCancelled, "Ctrl-C"); });
            }),
            ErrorKind::kCancelled);
}

TEST(RealtimeSource, TryPushDoesNothingWherePushWouldWait) {
  RealtimeStreamSource source(event_schema(), {1, 2, PushPolicy::kBlock});
  EXPECT_TRUE(source.try_push({}));
  EXPECT_EQ(source.queued_batches(), 0);
  EXPECT_TRUE(source.try_push({one_event(1)}));
  EXPECT_FALSE(source.try_push({one_event(2)}));
  EXPECT_EQ(source.queued_batches(), 1);
  Chunk narrow = one_event(1);
  narrow.columns.pop_back();
  EXPECT_EQ(kind_of([&] { source.try_push({narrow}); }), ErrorKind::kInvalidArgument);

  source.open({});
  StreamBatch batch;
  EXPECT_EQ(source.next(&batch), SourceStatus::kBatch);
  EXPECT_EQ(amounts(batch.chunks), (std::vector<int64_t>{1}));
  // There is room again; the rows count too, but not those of a batch that is alone.
  EXPECT_TRUE(source.try_push({one_event(3), one_event(4), one_event(5)}));
  EXPECT_FALSE(source.try_push({one_event(6)}));
  source.close_input();
  EXPECT_EQ(kind_of([&] { source.try_push({one_event(6)}); }), ErrorKind::kStream);
  EXPECT_EQ(source.next(&batch), SourceStatus::kBatch);
  EXPECT_EQ(amounts(batch.chunks), (std::vector<int64_t>{3, 4, 5}));
  EXPECT_EQ(source.next(&batch), SourceStatus::kEnd);
  source.close();
  EXPECT_EQ(kind_of([&] { source.try_push({one_event(6)}); }), ErrorKind::kStream);

  RealtimeStreamSource failing(event_schema(), {1, 100, PushPolicy::kFail});
  EXPECT_TRUE(failing.try_push({one_event(1)}));
  EXPECT_EQ(kind_of([&] { failing.try_push({one_event(2)}); }), ErrorKind::kResource);
  RealtimeStreamSource dropping(event_schema(), {1, 100, PushPolicy::kDropOldest});
  EXPECT_TRUE(dropping.try_push({one_event(1)}));
  EXPECT_TRUE(dropping.try_push({one_event(2)}));
  EXPECT_EQ(dropping.dropped_batches(), 1u);
}

// Those who wait and those who do not share one queue.
TEST(RealtimeSource, TryPushBesidePushLosesNothing) {
  auto source =
      std::make_shared<RealtimeStreamSource>(event_schema(), RealtimeSourceOptions{2, 50});
  auto sink = std::make_shared<MemorySink>();
  const auto query = StreamingQuery::make(totals(event_scan(source), {"name"}), sink, {}, {});
  query->start();
  std::vector<std::thread> pushers;
  for (int i = 0; i < 4; ++i) {
    pushers.emplace_back([&source, waits = i % 2 == 0] {
      for (int n = 0; n < 200; ++n) {
        if (waits) {
          source->push({one_event(1)});
        } else {
          while (!source->try_push({one_event(1)})) std::this_thread::yield();
        }
      }
    });
  }
  for (std::thread& pusher : pushers) pusher.join();
  source->close_input();
  EXPECT_EQ(query->await_termination(), 800u);
  EXPECT_EQ(results_of(sink->chunks(), 1)["a|"], "800|800|800|1|1|1.0|");
}

TEST(RealtimeSource, ManyPushersNothingLost) {
  auto source =
      std::make_shared<RealtimeStreamSource>(event_schema(), RealtimeSourceOptions{3, 50});
  auto sink = std::make_shared<MemorySink>();
  const auto query = StreamingQuery::make(totals(event_scan(source), {"name"}), sink, {}, {});
  query->start();
  std::vector<std::thread> pushers;
  for (int i = 0; i < 4; ++i) {
    pushers.emplace_back([&source] {
      for (int n = 0; n < 200; ++n) source->push({one_event(1)});
    });
  }
  for (std::thread& pusher : pushers) pusher.join();
  source->close_input();
  EXPECT_EQ(query->await_termination(), 800u);
  EXPECT_EQ(results_of(sink->chunks(), 1)["a|"], "800|800|800|1|1|1.0|");
}

TEST(RealtimeSource, WrongColumnsAreRefusedAtThePush) {
  RealtimeStreamSource source(event_schema(), {});
  Chunk chunk = one_event(1);
  chunk.columns.pop_back();
  EXPECT_EQ(kind_of([&] { source.push({chunk}); }), ErrorKind::kInvalidArgument);
  chunk = one_event(1);
  std::swap(chunk.columns[0], chunk.columns[1]);
  EXPECT_EQ(kind_of([&] { source.push({chunk}); }), ErrorKind::kInvalidArgument);
}

TEST(RealtimeSink, PollsUntilClosed) {
  auto sink = std::make_shared<RealtimeStreamSink>(RealtimeSinkOptions{2});
  EXPECT_FALSE(sink->poll(0).has_value());
  EXPECT_FALSE(sink->closed());
  std::vector<Chunk> batches;
  for (int i = 0; i < 30; ++i) batches.push_back(one_event(i));
  const auto query =
      StreamingQuery::make(event_scan(make_memory_stream(event_schema(), batches)), sink, {}, {});
  query->start();
  std::vector<int64_t> seen;
  while (!sink->closed()) {
    if (const auto result = sink->poll(100)) {
      EXPECT_EQ(result->schema, event_schema());
      for (const int64_t amount : amounts(result->chunks)) seen.push_back(amount);
    }
  }
  EXPECT_EQ(seen.size(), 30u);
  EXPECT_EQ(seen.back(), 29);
  EXPECT_FALSE(sink->poll().has_value());
  query->await_termination();
}

TEST(RealtimeSink, AReaderThatLeavesDoesNotHoldTheQuery) {
  auto sink = std::make_shared<RealtimeStreamSink>(RealtimeSinkOptions{1});
  std::vector<Chunk> batches(20, one_event(1));
  const auto query =
      StreamingQuery::make(event_scan(make_memory_stream(event_schema(), batches)), sink, {}, {});
  query->start();
  sink->poll();
  sink->stop_reading();
  EXPECT_EQ(query->await_termination(), 20u);
  EXPECT_TRUE(sink->closed());
}

// What was written a moment ago is read at once.
FileDirectoryOptions at_once() {
  FileDirectoryOptions options;
  options.settle_ms = 0;
  return options;
}

StreamSourcePtr csv_directory(const std::string& path, CsvOptions csv = {},
                              FileDirectoryOptions options = at_once()) {
  return make_file_directory_stream(local_file_system(), path, csv_stream_format(std::move(csv)),
                                    std::move(options));
}

void write_file(const std::string& path, const std::string& text) {
  std::ofstream(path + ".part") << text;
  std::filesystem::rename(path + ".part", path);
}

TEST(CsvDirectory, ReadsWhatIsThereInNameOrder) {
  const TestDirectory directory;
  write_file(directory.file("b.csv"), "id,name\n3,c\n");
  write_file(directory.file("a.csv"), "id,name\n1,a\n2,b\n");
  write_file(directory.file("c.txt"), "not looked at");
  write_file(directory.file("_c.csv"), "not looked at");
  const auto source = csv_directory(directory.path());
  EXPECT_TRUE(source->bounded());
  EXPECT_EQ(run_all(source, 0), (std::vector<int64_t>{1, 2, 3}));
  write_file(directory.file("d.csv"), "id,name\n4,c\n");
  EXPECT_EQ(run_all(source, 0), (std::vector<int64_t>{1, 2, 3, 4}));

  EXPECT_EQ(kind_of([&] { csv_directory(directory.file("missing")); }), ErrorKind::kFileAccess);
  const TestDirectory empty;
  EXPECT_EQ(kind_of([&] { csv_directory(empty.path()); }), ErrorKind::kInvalidArgument);
}

TEST(CsvDirectory, OffsetsRestoreInsideAFile) {
  const TestDirectory directory;
  std::string text = "id\n";
  for (int i = 0; i < 10000; ++i) text += std::to_string(i) + "\n";
  write_file(directory.file("a.csv"), "id\n-1\n");
  write_file(directory.file("b.csv"), text);
  CsvOptions csv;
  FileDirectoryOptions options = at_once();
  options.batch_rows = 3000;
  const auto source = csv_directory(directory.path(), csv, options);
  std::vector<std::pair<std::string, int64_t>> seen;
  source->open({});
  StreamBatch batch;
  while (source->next(&batch) == SourceStatus::kBatch) {
    seen.emplace_back(batch.source_offset, batch.rows());
  }
  ASSERT_GE(seen.size(), 3u);
  for (size_t done = 0; done < seen.size(); ++done) {
    source->open({});
    source->restore(seen[done].first);
    for (size_t next = done + 1; next < seen.size(); ++next) {
      ASSERT_EQ(source->next(&batch), SourceStatus::kBatch);
      EXPECT_EQ(batch.source_offset, seen[next].first);
      EXPECT_EQ(batch.rows(), seen[next].second);
    }
    EXPECT_EQ(source->next(&batch), SourceStatus::kEnd);
  }
  EXPECT_EQ(kind_of([&] { source->restore("12"); }), ErrorKind::kCheckpoint);
  EXPECT_EQ(kind_of([&] { source->restore("a.csv:x"); }), ErrorKind::kCheckpoint);
}

TEST(CsvDirectory, FollowsNewFiles) {
  const TestDirectory directory;
  CsvOptions csv;
  FileDirectoryOptions options = at_once();
  options.bounded = false;
  csv.columns = {{"id", DataType(TypeId::kInt64)}};
  const auto source = csv_directory(directory.path(), csv, options);
  StreamOptions stream_options;
  stream_options.idle_wait_ms = 5;
  stream_options.max_batches = 3;
  auto sink = std::make_shared<MemorySink>();
  const auto query = StreamingQuery::make(event_scan(source), sink, stream_options, {});
  query->start();
  for (int i = 0; i < 3; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(15));
    write_file(directory.file(concat("f", i, ".csv")), concat("id\n", i, "\n"));
  }
  EXPECT_EQ(query->await_termination(), 3u);
  EXPECT_EQ(amounts(sink->chunks(), 0), (std::vector<int64_t>{0, 1, 2}));
}

TEST(CsvDirectory, RowsThatAreLeftOutAreCounted) {
  const TestDirectory directory;
  write_file(directory.file("a.csv"), "id,name\n1,a\n2\n3,c\nx,d\n");
  write_file(directory.file("b.csv"), "id,name\n4,e\n");
  write_file(directory.file("c.csv"), "id,name\nonly\n");  // gives no batch
  CsvOptions csv;
  FileDirectoryOptions options = at_once();
  csv.columns = {{"id", DataType(TypeId::kInt64)}, {"name", DataType(TypeId::kUtf8)}};
  csv.on_error = RowErrorPolicy::kSkip;
  StreamSourcePtr source = csv_directory(directory.path(), csv, options);
  for (const bool through_c : {false, true}) {
    if (through_c) {
      VelariaSource table;
      export_stream_source(source, &table);
      source = import_stream_source(&table, "exported");
    }
    auto sink = std::make_shared<MemorySink>();
    const auto query = StreamingQuery::make(event_scan(source), sink, {}, {});
    query->start();
    EXPECT_EQ(query->await_termination(), 2u);
    EXPECT_EQ(amounts(sink->chunks(), 0), (std::vector<int64_t>{1, 3, 4}));
    EXPECT_EQ(query->progress().rejected_rows, 3u);
    EXPECT_NE(query->snapshotJson().find("\"rejected_rows\": 3"), std::string::npos);
    const std::vector<std::string> warnings = query->warnings();
    ASSERT_EQ(warnings.size(), 2u);
    EXPECT_NE(warnings[0].find(directory.file("a.csv")), std::string::npos) << warnings[0];
    EXPECT_NE(warnings[0].find("2 of 4 rows are left out"), std::string::npos) << warnings[0];
    EXPECT_NE(warnings[1].find("1 of 1 rows is left out"), std::string::npos) << warnings[1];
  }
}

// Syncs are counted: one at the end without a checkpoint, and one before each checkpoint.
TEST(CsvFileSink, IsSyncedForCheckpointsOnly) {
  class CountingFiles : public FileSystem {
   public:
    class File : public WritableFile {
     public:
      File(std::unique_ptr<WritableFile> real, std::atomic<int>* syncs)
          : real_(std::move(real)), syncs_(syncs) {}
      void write(std::string_view bytes) override { real_->write(bytes); }
      void sync() override { ++*syncs_; }
      void close() override { real_->close(); }

     private:
      std::unique_ptr<WritableFile> real_;
      std::atomic<int>* syncs_;
    };
    std::unique_ptr<ReadableFile> open_read(const std::string& p) override {
      return real->open_read(p);
    }
    std::unique_ptr<WritableFile> create(const std::string& p, bool append) override {
      auto file = real->create(p, append);
      if (p.find(".csv") == std::string::npos) return file;
      return std::make_unique<File>(std::move(file), &syncs);
    }
    bool exists(const std::string& p) override { return real->exists(p); }
    bool is_directory(const std::string& p) override { return real->is_directory(p); }
    bool is_link(const std::string& p) override { return real->is_link(p); }
    std::vector<std::string> list_directory(const std::string& p) override {
      return real->list_directory(p);
    }
    void make_directories(const std::string& p) override { real->make_directories(p); }
    void rename(const std::string& from, const std::string& to) override { real->rename(from, to); }
    void remove(const std::string& p) override { real->remove(p); }
    void sync_directory(const std::string& p) override { real->sync_directory(p); }
    std::unique_ptr<FileLock> try_lock(const std::string& p, std::string_view note) override {
      return real->try_lock(p, note);
    }
    std::atomic<int> syncs{0};
    std::shared_ptr<FileSystem> real = local_file_system();
  };
  const std::vector<Chunk> batches(7, event_chunk({{5, "a", 1}}));
  const auto syncs_of = [&batches](StreamOptions options, const std::string& path,
                                   bool through_c = false) {
    StreamEnvironment environment;
    const auto files = std::make_shared<CountingFiles>();
    environment.files = files;
    options.checkpoint_async = false;
    StreamSinkPtr sink = make_csv_file_sink(files, path);
    if (through_c) {
      VelariaSink table;
      export_stream_sink(sink, &table);
      sink = import_stream_sink(&table, "exported");
    }
    const auto query = StreamingQuery::make(event_scan(make_memory_stream(event_schema(), batches)),
                                            sink, options, environment);
    query->start();
    query->await_termination();
    return files->syncs.load();
  };
  const TestDirectory directory;
  EXPECT_EQ(syncs_of({}, directory.file("a.csv")), 1);
  StreamOptions options;
  options.checkpoint_path = directory.file("q.ckpt");
  EXPECT_EQ(syncs_of(options, directory.file("b.csv")), 7 + 1);
  EXPECT_EQ(syncs_of(options, directory.file("d.csv"), true), 7 + 1);
  options.checkpoint_interval_ms = 3600 * 1000;
  EXPECT_EQ(syncs_of(options, directory.file("c.csv")), 2 + 1);
}

TEST(CsvDirectory, AFileThatDoesNotFitFailsTheQuery) {
  const TestDirectory directory;
  write_file(directory.file("a.csv"), "id\n1\n");
  write_file(directory.file("b.csv"), "id\nword\n");
  const auto query = StreamingQuery::make(event_scan(csv_directory(directory.path())),
                                          std::make_shared<MemorySink>(), {}, {});
  query->start();
  std::string message;
  EXPECT_EQ(kind_of([&] { query->await_termination(); }, &message), ErrorKind::kStream);
  EXPECT_NE(message.find("b.csv"), std::string::npos) << message;
}

TEST(CsvFileSink, IsReadBack) {
  const TestDirectory directory;
  const std::string path = directory.file("out.csv");
  const std::vector<Event> events = {
      {0, "a,\"quoted\"", 1}, {1, std::nullopt, std::nullopt}, {2, "", 3}};
  const auto run = [&](CsvFileMode mode) {
    const auto query = StreamingQuery::make(
        event_scan(make_memory_stream(event_schema(), {event_chunk(events), event_chunk(events)})),
        make_csv_file_sink(local_file_system(), path, mode), {}, {});
    query->start();
    query->await_termination();
  };
  const auto rows = [&] {
    CsvOptions options;
    options.columns = event_schema().fields();
    return run_batch(event_scan(open_csv(local_file_system(), path, options)));
  };
  const auto count = [](const std::vector<Chunk>& chunks) {
    int64_t n = 0;
    for (const Chunk& chunk : chunks) n += chunk.rows;
    return n;
  };
  run(CsvFileMode::kReplace);
  run(CsvFileMode::kReplace);
  const std::vector<Chunk> once = rows();
  EXPECT_EQ(count(once), 6);
  for (int64_t i = 0; i < 3; ++i) {
    const Chunk expected = event_chunk(events);
    for (size_t c = 0; c < 3; ++c) {
      EXPECT_EQ(once[0].columns[c]->value(i), expected.columns[c]->value(i));
    }
  }
  run(CsvFileMode::kAppend);
  EXPECT_EQ(count(rows()), 12);
}

// What a crash left of the last row: its line end is missing, or its quotes are not closed.
TEST(CsvFileSink, RefusesWhatOnlyAReaderCanDo) {
  const TestDirectory directory;
  CsvOptions skip_lines;
  skip_lines.skip_lines = 1;
  CsvOptions encoding;
  encoding.input.encoding = "gb18030";
  CsvOptions escape;
  escape.escape = '\\';
  for (const CsvOptions& options : {skip_lines, encoding, escape}) {
    std::string message;
    EXPECT_EQ(kind_of(
                  [&] {
                    make_csv_file_sink(local_file_system(), directory.file("o.csv"),
                                       CsvFileMode::kReplace, options);
                  },
                  &message),
              ErrorKind::kInvalidArgument);
    EXPECT_NE(message.find("sinks take delimiter"), std::string::npos) << message;
  }
}

TEST(CsvFileSink, ATornRowIsPutAsideWithACheckpoint) {
  const auto append = [](const TestDirectory& directory, const std::string& before, bool json,
                         bool checkpoint) {
    write_file(directory.file("out"), before);
    StreamOptions options;
    if (checkpoint) options.checkpoint_path = directory.file("q.ckpt");
    const auto query = StreamingQuery::make(
        event_scan(make_memory_stream(event_schema(), {event_chunk({{0, "x", 1}})})),
        json ? make_json_file_sink(local_file_system(), directory.file("out"), CsvFileMode::kAppend)
             : make_csv_file_sink(local_file_system(), directory.file("out"), CsvFileMode::kAppend),
        options, {});
    query->start();
    query->await_termination();
    return read_file(*local_file_system(), directory.file("out"));
  };
  const std::string row = "1970-01-01 00:00:00,x,1\n";
  const std::string json_row = "{\"ts\":\"1970-01-01T00:00:00\",\"name\":\"x\",\"amount\":1}\n";
  struct Case {
    const char* description;
    std::string whole;
    std::string torn;
    bool json = false;
  };
  for (const Case& c : std::vector<Case>{
           {"nothing torn", "ts,name,amount\n,\"a\nb\",5\n", ""},
           {"in a number", "ts,name,amount\n,a,5\n", ",b,1"},
           {"in quotes, behind a line end", "ts,name,amount\n,\"a\nb\",5\n", ",\"a \"\" b\n"},
           {"JSON with an odd quote inside", "{\"name\":\"\\\"\"}\n", "{\"name\":\"a", true},
       }) {
    SCOPED_TRACE(c.description);
    const TestDirectory directory;
    EXPECT_EQ(append(directory, c.whole + c.torn, c.json, true),
              c.whole + (c.json ? json_row : row));
    EXPECT_EQ(std::filesystem::exists(directory.file("out.torn")), !c.torn.empty());
    if (!c.torn.empty()) {
      EXPECT_EQ(read_file(*local_file_system(), directory.file("out.torn")), c.torn);
    }
  }
  const TestDirectory directory;
  // Only a piece of the header: it is written again.
  EXPECT_EQ(append(directory, "ts,na", false, true), "ts,name,amount\n" + row);
  // Without a checkpoint nothing comes again: somebody's last row is whole.
  EXPECT_EQ(append(directory, "ts,name,amount\n,a,5", false, false),
            "ts,name,amount\n,a,5\n" + row);
  // Too much for a row.
  std::string message;
  const std::string large = "ts,name,amount\n,\"" + std::string(2 << 20, 'a');
  EXPECT_EQ(kind_of([&] { append(directory, large, false, true); }, &message), ErrorKind::kStream);
  EXPECT_NE(message.find("begins at byte 15 and has 2097154 bytes"), std::string::npos) << message;
  EXPECT_EQ(read_file(*local_file_system(), directory.file("out")), large);
}

TEST(CsvFileSink, ARestoredQueryKeepsItsEarlierRows) {
  const TestDirectory directory;
  const std::vector<Chunk> batches = {event_chunk({{0, "a", 1}}), event_chunk({{0, "b", 2}}),
                                      event_chunk({{0, "c", 3}})};
  for (const DeliveryMode mode : {DeliveryMode::kBestEffort, DeliveryMode::kAtLeastOnce}) {
    for (const std::optional<uint64_t> most : {std::optional<uint64_t>(2), {}}) {
      StreamOptions options;
      options.checkpoint_path = directory.file(delivery_mode_name(mode));
      options.checkpoint_delivery_mode = mode;
      options.max_batches = most;
      const auto query = StreamingQuery::make(
          event_scan(make_memory_stream(event_schema(), batches)),
          make_csv_file_sink(local_file_system(), directory.file("out.csv")), options, {});
      query->start();
      query->await_termination();
    }
    EXPECT_EQ(read_file(*local_file_system(), directory.file("out.csv")),
              "ts,name,amount\n1970-01-01 00:00:00,a,1\n1970-01-01 00:00:00,b,2\n"
              "1970-01-01 00:00:00,c,3\n");
  }
}

}  // namespace
}  // namespace velaria
