// The conformance kit finds what is broken, by the name of its rule, and every source and sink that
// comes with Velaria passes it, in C++ and through the C table.
#include "stream/conformance/stream_conformance.h"

#include <unistd.h>

#include <condition_variable>
#include <cstring>
#include <fstream>
#include <mutex>

#include "src/column/arrow/export.h"
#include "src/io/csv/csv_source.h"
#include "src/io/json/json_source.h"
#include "stream/connectors/callback_sink.h"
#include "stream/connectors/console_sink.h"
#include "stream/connectors/csv_file_sink.h"
#include "stream/connectors/file_directory_source.h"
#include "stream/connectors/file_tail_source.h"
#include "stream/connectors/rate_source.h"
#include "stream/connectors/realtime_stream_sink.h"
#include "stream/connectors/realtime_stream_source.h"
#include "stream/plugin_library.h"
#include "stream/source_sink_adapters.h"
#include "tests/stream/plain_c_plugin.h"
#include "tests/stream/stream_testing.h"

namespace velaria {
namespace {

using MakeSource = std::function<StreamSourcePtr()>;
using Tested = SinkUnderTest<StreamSinkPtr>;

std::vector<std::string> numbers(int count) {
  std::vector<std::string> out;
  for (int i = 0; i < count; ++i) out.push_back(std::to_string(i));
  return out;
}

Chunk number_chunk(const std::vector<int64_t>& values) {
  FixedBuilder<int64_t> builder{DataType(TypeId::kInt64)};
  for (const int64_t value : values) builder.append(value);
  Chunk chunk;
  chunk.rows = static_cast<int64_t>(values.size());
  chunk.columns = {builder.finish()};
  return chunk;
}

Schema number_schema() { return Schema({{"n", DataType(TypeId::kInt64)}}); }

void expect_all(const ConformanceReport& report, const std::vector<std::string>& rules) {
  EXPECT_TRUE(report.ok()) << report.to_string();
  for (const std::string& rule : rules) {
    EXPECT_TRUE(report.has(rule)) << rule << " was not checked\n" << report.to_string();
  }
}

// In C++, and through a table and back.
void expect_source(const MakeSource& make, const SourceConformanceOptions& options,
                   const std::vector<std::string>& also = {}) {
  std::vector<std::string> rules = {"schema", "batches", "rows",       "offsets",
                                    "end",    "markers", "close",      "wake",
                                    "drain",  "query",   "independent"};
  rules.insert(rules.end(), also.begin(), also.end());
  expect_all(check_stream_source(make, options), rules);
  rules.insert(rules.end(), {"table", "release", "get-schema", "next-batch", "arrays-outlive"});
  expect_all(
      check_source_table([&](VelariaSource* out) { export_stream_source(make(), out); }, options),
      rules);
}

void expect_sink(const std::function<Tested()>& make) {
  std::vector<std::string> rules = {"rows", "flush", "sync", "close", "wake", "query"};
  expect_all(check_stream_sink(make), rules);
  rules.insert(rules.end(), {"table", "release", "write-takes", "arrays-released"});
  expect_all(check_sink_table([&] {
               const Tested tested = make();
               SinkUnderTest<VelariaSink> out;
               export_stream_sink(tested.sink, &out.sink);
               out.read_back = tested.read_back;
               return out;
             }),
             rules);
}

const std::vector<std::string>& with_restore() {
  static const std::vector<std::string> rules = {"restore", "restore-refuses"};
  return rules;
}

// ---- what comes with Velaria

TEST(BuiltInSources, MemoryAndArrow) {
  SourceConformanceOptions options;
  options.rows = numbers(6);
  const std::vector<Chunk> batches = {number_chunk({0, 1}), number_chunk({2}), number_chunk({}),
                                      number_chunk({3, 4, 5})};
  expect_source([&] { return make_memory_stream(number_schema(), batches); }, options,
                with_restore());
  const auto arrow = [&] {
    ArrowArrayStream stream;
    export_stream(number_schema(), batches, &stream);
    return stream;
  };
  expect_source(
      [&] {
        ArrowArrayStream stream = arrow();
        return make_arrow_table_stream(import_stream(&stream));
      },
      options, with_restore());
  expect_source(
      [&] {
        ArrowArrayStream stream = arrow();
        return make_arrow_reader_stream(std::make_unique<ArrowStreamReader>(&stream));
      },
      options, with_restore());
}

TEST(BuiltInSources, Realtime) {
  SourceConformanceOptions options;
  options.rows = numbers(5);
  expect_source(
      [] {
        auto source =
            std::make_shared<RealtimeStreamSource>(number_schema(), RealtimeSourceOptions{});
        source->push({number_chunk({0, 1, 2})});
        source->push({number_chunk({3})});
        source->push({number_chunk({4})});
        return source;
      },
      options);
}

TEST(BuiltInSources, Rate) {
  RateOptions rate;
  rate.rows_per_second = 1000;
  rate.batch_rows = 7;
  rate.rows = 30;
  expect_source([&] { return make_rate_stream(rate); }, {}, with_restore());
  rate.rows.reset();
  rate.paced = false;
  SourceConformanceOptions some;
  some.max_batches = 10;
  expect_source([&] { return make_rate_stream(rate); }, some, with_restore());
}

TEST(BuiltInSources, Directories) {
  const TestDirectory directory;
  for (int file = 0; file < 3; ++file) {
    std::ofstream csv(directory.file(concat(file, ".csv")));
    std::ofstream json(directory.file(concat(file, ".jsonl")));
    std::ofstream line(directory.file(concat(file, ".log")));
    csv << "n\n";
    for (int row = file * 10; row < file * 10 + 10; ++row) {
      csv << row << "\n";
      json << "{\"n\": " << row << "}\n";
      line << row << "\n";
    }
  }
  SourceConformanceOptions options;
  options.rows = numbers(30);
  for (const bool bounded : {true, false}) {
    FileDirectoryOptions read;
    read.bounded = bounded;
    read.settle_ms = 0;
    read.batch_rows = bounded ? 4 : 10;
    read.order = bounded ? FileOrder::kName : FileOrder::kModified;
    for (const StreamFileFormat& format :
         {csv_stream_format(), json_stream_format(), line_stream_format()}) {
      SCOPED_TRACE(format.name);
      if (!bounded && format.name != "csv") continue;  // one endless directory takes long enough
      expect_source(
          [&] {
            return make_file_directory_stream(local_file_system(), directory.path(), format, read);
          },
          options, with_restore());
    }
  }
}

TEST(BuiltInSources, Tails) {
  const TestDirectory directory;
  {
    std::ofstream csv(directory.file("a.csv"));
    std::ofstream json(directory.file("a.jsonl"));
    csv << "n\n";
    for (int row = 0; row < 30; ++row) {
      csv << row << "\n";
      json << "{\"n\": " << row << "}\n";
    }
  }
  SourceConformanceOptions options;
  options.rows = numbers(30);
  FileTailOptions tail;
  tail.batch_bytes = 16;
  tail.bounded = true;
  expect_source(
      [&] {
        return make_file_tail_stream(local_file_system(), directory.file("a.csv"),
                                     csv_stream_format(), tail);
      },
      options, with_restore());
  tail.batch_bytes = 200;
  tail.bounded = false;
  expect_source(
      [&] {
        return make_file_tail_stream(local_file_system(), directory.file("a.jsonl"),
                                     json_stream_format(), tail);
      },
      options, with_restore());
}

TEST(BuiltInSources, TheExampleInC) {
  SourceConformanceOptions options;
  options.rows = numbers(730);
  const auto make = [] { return load_stream_source("examples/c/libticks.so", "730"); };
  expect_source(make, options, with_restore());
}

TEST(BuiltInSinks, MemoryCallbackAndRealtime) {
  expect_sink([] {
    const auto sink = std::make_shared<MemorySink>();
    return Tested{sink, [sink] { return row_texts(sink->chunks()); }};
  });
  expect_sink([] {
    const auto rows = std::make_shared<std::vector<std::string>>();
    const auto sink =
        std::make_shared<CallbackSink>([rows](const Schema&, const std::vector<Chunk>& chunks) {
          for (std::string& row : row_texts(chunks)) rows->push_back(std::move(row));
        });
    return Tested{sink, [rows] { return *rows; }};
  });
  expect_sink([] {
    const auto sink = std::make_shared<RealtimeStreamSink>();
    const auto rows = std::make_shared<std::vector<std::string>>();
    return Tested{sink, [sink, rows] {
                    while (auto result = sink->poll(0)) {
                      for (std::string& row : row_texts(result->chunks)) {
                        rows->push_back(std::move(row));
                      }
                    }
                    return *rows;
                  }};
  });
}

TEST(BuiltInSinks, Files) {
  const TestDirectory directory;
  int made = 0;
  expect_sink([&] {
    const std::string path = directory.file(concat(made++, ".csv"));
    return Tested{
        make_csv_file_sink(local_file_system(), path), [path]() -> std::vector<std::string> {
          CsvOptions csv;
          csv.columns = conformance_schema().fields();
          if (!std::filesystem::exists(path)) return {};
          return row_texts(run_batch(event_scan(open_csv(local_file_system(), path, csv))));
        }};
  });
  expect_sink([&] {
    const std::string path = directory.file(concat(made++, ".jsonl"));
    return Tested{
        make_json_file_sink(local_file_system(), path), [path]() -> std::vector<std::string> {
          JsonOptions json;
          const Schema schema = conformance_schema();
          for (const Field& field : schema.fields()) {
            json.columns.push_back({field.name, field.type});
          }
          if (!std::filesystem::exists(path) || std::filesystem::is_empty(path)) return {};
          return row_texts(run_batch(event_scan(open_json(local_file_system(), path, json))));
        }};
  });
}

// What is printed is not the rows, but tells of them.
TEST(BuiltInSinks, Console) {
  expect_sink([] {
    const auto text = std::make_shared<std::string>();
    ConsoleOptions options;
    options.most_rows = 1 << 20;
    const auto sink = make_console_sink([text](std::string_view more) { *text += more; }, options);
    return Tested{sink, [text] {
                    std::vector<std::string> rows;
                    std::istringstream lines(*text);
                    for (std::string line; std::getline(lines, line);) {
                      std::istringstream cells(line);
                      int64_t n = -1;
                      std::string rest;
                      if (cells >> n && std::getline(cells >> std::ws, rest)) {
                        rows.push_back(concat(n, "|", rest));
                      }
                    }
                    return rows;
                  }};
  });
}

// ---- what is broken

// Four batches of numbers; each kind breaks one rule.
class Numbers : public StreamSource {
 public:
  explicit Numbers(std::string broken) : broken_(std::move(broken)) {}
  const Schema& schema() const override {
    return broken_ == "schema" && opened_ ? other_ : schema_;
  }
  bool bounded() const override { return true; }
  std::string describe() const override { return "numbers"; }
  bool can_restore() const override { return true; }
  void open(const StreamContext& context) override {
    idle_wait_ms_ = context.idle_wait_ms;
    opened_ = true;
    next_ = 0;
  }
  SourceStatus next(StreamBatch* batch) override {
    if (broken_ == "wake" && idle_wait_ms_ > 1000) {
      std::this_thread::sleep_for(std::chrono::seconds(4));  // it does not hear of wake()
    }
    if (broken_ == "end" && next_ == 8 && ended_++ == 1) next_ = 6;
    if (next_ == 8) return SourceStatus::kEnd;
    std::vector<int64_t> values = {next_, next_ + 1};
    if (broken_ == "rows" && next_ == 4) values = {5, 4};
    if (broken_ == "markers" && acked_) values[1] = 77;
    batch->chunks = {number_chunk(values)};
    if (broken_ == "batches") batch->chunks[0].rows = 1;
    next_ += 2;
    batch->source_offset = broken_ == "offsets" ? "same" : std::to_string(next_);
    return SourceStatus::kBatch;
  }
  void ack(std::string_view) override { acked_ = true; }
  void restore(std::string_view offset) override {
    if (broken_ == "restore-refuses") {
      next_ = std::atoi(std::string(offset).c_str());
      return;
    }
    size_t used = 0;
    try {
      next_ = std::stoll(std::string(offset), &used);
    } catch (const std::exception&) {
      throw Error(ErrorKind::kCheckpoint, "no offset");
    }
    if (broken_ == "restore") next_ = std::min<int64_t>(next_ + 2, 8);
  }
  bool drain() override { return false; }
  void close() override {
    if (broken_ == "close" && !opened_) throw Error(ErrorKind::kStream, "was never open");
  }

 private:
  const std::string broken_;
  const Schema schema_ = number_schema();
  const Schema other_{{{"m", DataType(TypeId::kInt64)}}};
  int64_t idle_wait_ms_ = 0;
  int64_t next_ = 0;
  int ended_ = 0;
  bool opened_ = false;
  bool acked_ = false;
};

TEST(Kit, NamesTheBrokenRuleOfASource) {
  SourceConformanceOptions options;
  options.rows = numbers(8);
  options.rule_timeout_ms = 2000;
  for (const std::string rule : {"schema", "batches", "rows", "offsets", "end", "markers", "close",
                                 "restore", "restore-refuses", "wake"}) {
    // By value: the thread of a rule that hangs is left behind, and may go on.
    const ConformanceReport report =
        check_stream_source([rule] { return std::make_shared<Numbers>(rule); }, options);
    EXPECT_FALSE(report.ok()) << rule;
    EXPECT_NE(report.to_string().find("broken: " + rule + ": "), std::string::npos)
        << rule << "\n"
        << report.to_string();
    if (rule == "rows") {
      EXPECT_NE(report.to_string().find("row 4 is '5', '4' was expected"), std::string::npos);
    }
  }
  const ConformanceReport report =
      check_stream_source([] { return std::make_shared<Numbers>("nothing"); }, options);
  EXPECT_TRUE(report.ok()) << report.to_string();
}

// Sources that know of each other.
TEST(Kit, NamesSourcesThatShareTheirState) {
  class Sharing : public Numbers {
   public:
    explicit Sharing(std::shared_ptr<int64_t> next) : Numbers(""), shared_(std::move(next)) {}
    void open(const StreamContext& context) override {
      Numbers::open(context);
      *shared_ = 0;
    }
    SourceStatus next(StreamBatch* batch) override {
      if (*shared_ == 4) return SourceStatus::kEnd;
      batch->chunks = {number_chunk({*shared_})};
      batch->source_offset = std::to_string(++*shared_);
      return SourceStatus::kBatch;
    }
    bool can_restore() const override { return false; }

   private:
    const std::shared_ptr<int64_t> shared_;
  };
  const auto shared = std::make_shared<int64_t>(0);
  const ConformanceReport report =
      check_stream_source([&] { return std::make_shared<Sharing>(shared); });
  EXPECT_NE(report.to_string().find("broken: independent: "), std::string::npos)
      << report.to_string();
}

// Keeps rows; each kind breaks one rule.
class Rows : public StreamSink {
 public:
  Rows(std::string broken, std::shared_ptr<std::vector<std::string>> rows)
      : broken_(std::move(broken)), rows_(std::move(rows)) {}
  std::string describe() const override { return "rows"; }
  bool blocking() const override { return broken_ == "wake"; }
  void open(const StreamContext&, const Schema&) override { opened_ = true; }
  void write(const Schema&, const std::vector<Chunk>& chunks) override {
    std::vector<std::string> rows = row_texts(chunks);
    if (broken_ == "rows") std::reverse(rows.begin(), rows.end());
    if (broken_ == "wake" && ++writes_ > 60) {
      std::this_thread::sleep_for(std::chrono::seconds(4));
    }
    std::vector<std::string>& into = broken_ == "flush" ? held_ : *rows_;
    into.insert(into.end(), rows.begin(), rows.end());
  }
  void sync() override {
    if (broken_ == "sync") throw Error(ErrorKind::kFileAccess, "cannot sync");
  }
  void close() override {
    if (broken_ == "close" && !opened_) throw Error(ErrorKind::kStream, "was never open");
    rows_->insert(rows_->end(), held_.begin(), held_.end());
  }

 private:
  const std::string broken_;
  const std::shared_ptr<std::vector<std::string>> rows_;
  std::vector<std::string> held_;
  int writes_ = 0;
  bool opened_ = false;
};

TEST(Kit, NamesTheBrokenRuleOfASink) {
  SinkConformanceOptions options;
  options.rule_timeout_ms = 2000;
  for (const std::string rule : {"rows", "flush", "sync", "close", "wake", "nothing"}) {
    const ConformanceReport report = check_stream_sink(
        [rule] {
          const auto rows = std::make_shared<std::vector<std::string>>();
          return Tested{std::make_shared<Rows>(rule, rows), [rows] { return *rows; }};
        },
        options);
    EXPECT_EQ(report.ok(), rule == "nothing") << report.to_string();
    if (rule == "nothing") continue;
    EXPECT_NE(report.to_string().find("broken: " + rule + ": "), std::string::npos)
        << rule << "\n"
        << report.to_string();
  }
}

// ---- tables in plain C

TEST(Tables, ThePluginInCPasses) {
  std::vector<std::unique_ptr<PlainLog>> logs;
  std::mutex mutex;
  const auto new_log = [&] {
    const std::lock_guard<std::mutex> lock(mutex);
    logs.push_back(std::make_unique<PlainLog>());
    return logs.back().get();
  };
  SourceConformanceOptions options;
  options.rows = numbers(12);
  expect_all(check_source_table([&](VelariaSource* out) { plain_source(out, new_log(), 4, 3, 0); },
                                options),
             {"table", "release", "get-schema", "next-batch", "arrays-outlive", "rows", "query"});
  for (const auto& log : logs) {
    EXPECT_EQ(log->released, 1);
    EXPECT_EQ(log->arrays_alive, 0);
  }
}

TEST(Tables, BrokenTablesAreNamed) {
  static PlainLog log;
  const auto report_of = [](const std::function<void(VelariaSource*)>& change) {
    SourceConformanceOptions options;
    options.rule_timeout_ms = 5000;
    return check_source_table(
               [&](VelariaSource* out) {
                 log.length = 0;
                 plain_source(out, &log, 4, 3, 0);
                 change(out);
               },
               options)
        .to_string();
  };
  const auto expect_broken = [&](const std::string& rule, const std::string& text,
                                 const std::function<void(VelariaSource*)>& change) {
    const std::string report = report_of(change);
    const size_t at = report.find("broken: " + rule + ": ");
    ASSERT_NE(at, std::string::npos) << rule << "\n" << report;
    EXPECT_NE(report.find(text, at), std::string::npos) << report;
  };
  expect_broken("table", "abi_version is 7", [](VelariaSource* out) { out->abi_version = 7; });
  expect_broken("table", "next_batch", [](VelariaSource* out) { out->next_batch = nullptr; });
  expect_broken("next-batch", "without an array", [](VelariaSource* out) {
    out->next_batch = [](void*, ArrowArray*, const char** offset) -> VelariaStreamStatus {
      *offset = "1";
      return VELARIA_STREAM_OK;
    };
  });
  expect_broken("next-batch", "gave status 3: without a text", [](VelariaSource* out) {
    out->next_batch = [](void*, ArrowArray*, const char**) -> VelariaStreamStatus {
      return VELARIA_STREAM_ERROR;
    };
    out->last_error = nullptr;
  });
  expect_broken("error-text", "took the text", [](VelariaSource* out) {
    out->restore = [](void*, const char*) -> VelariaStreamStatus { return VELARIA_STREAM_OK; };
  });
  expect_broken("get-schema", "without release", [](VelariaSource* out) {
    out->get_schema = [](void*, ArrowSchema*) -> VelariaStreamStatus { return VELARIA_STREAM_OK; };
  });
}

TEST(Tables, BrokenSinksAreNamed) {
  const auto report_of = [](VelariaStreamStatus (*write)(void*, ArrowArray*)) {
    SinkConformanceOptions options;
    options.rule_timeout_ms = 5000;
    return check_sink_table(
               [&] {
                 SinkUnderTest<VelariaSink> out;
                 out.sink.abi_version = VELARIA_STREAM_ABI_VERSION;
                 out.sink.struct_size = sizeof(VelariaSink);
                 out.sink.write = write;
                 out.read_back = [] { return std::vector<std::string>(); };
                 return out;
               },
               options)
        .to_string();
  };
  const auto expect_broken = [&](const std::string& text,
                                 VelariaStreamStatus (*write)(void*, ArrowArray*)) {
    const std::string report = report_of(write);
    EXPECT_NE(report.find(text), std::string::npos) << report;
  };
  expect_broken("broken: write-takes: write said OK and left the array",
                [](void*, ArrowArray*) -> VelariaStreamStatus { return VELARIA_STREAM_OK; });
  expect_broken("broken: write-takes: write said BLOCKED and changed the array",
                [](void*, ArrowArray* batch) -> VelariaStreamStatus {
                  batch->release(batch);
                  return VELARIA_STREAM_BLOCKED;
                });
  // Of a sink that takes arrays and forgets them; kept here, so that nothing leaks.
  static std::mutex mutex;
  static std::vector<ArrowArray> forgotten;
  expect_broken("broken: arrays-released: of 4 arrays 0 were released",
                [](void*, ArrowArray* batch) -> VelariaStreamStatus {
                  const std::lock_guard<std::mutex> lock(mutex);
                  forgotten.push_back(*batch);
                  batch->release = nullptr;
                  return VELARIA_STREAM_OK;
                });
  for (ArrowArray& batch : forgotten) batch.release(&batch);
  forgotten.clear();
  expect_broken("broken: table: a required function is NULL: write", nullptr);
}

}  // namespace
}  // namespace velaria
