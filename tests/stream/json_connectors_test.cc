// Folders of JSON files as streams, and sinks that write JSON lines.
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

#include "src/io/json/json_source.h"
#include "stream/connectors/csv_file_sink.h"
#include "stream/connectors/file_directory_source.h"
#include "tests/stream/stream_testing.h"

namespace velaria {
namespace {

void put(const std::string& path, const std::string& text) {
  std::ofstream(path + ".part") << text;
  std::filesystem::rename(path + ".part", path);
}

std::string text_of_file(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::string value_text(const Column& column, int64_t row) {
  return column.is_null(row) ? "<null>" : column.value(row).to_string();
}

// Every row, as "1|x".
std::vector<std::string> row_texts(const std::vector<Chunk>& chunks) {
  std::vector<std::string> out;
  for (const Chunk& chunk : chunks) {
    for (int64_t row = 0; row < chunk.rows; ++row) {
      std::string text;
      for (const ColumnPtr& column : chunk.columns) {
        text += (text.empty() ? "" : "|") + value_text(*column, row);
      }
      out.push_back(text);
    }
  }
  return out;
}

std::vector<std::string> run_all(const StreamSourcePtr& source) {
  auto sink = std::make_shared<MemorySink>();
  const auto query = StreamingQuery::make(event_scan(source), sink, {}, {});
  query->start();
  query->await_termination();
  return row_texts(sink->chunks());
}

// What was written a moment ago is read at once.
FileDirectoryOptions at_once() {
  FileDirectoryOptions options;
  options.settle_ms = 0;
  return options;
}

StreamSourcePtr stream_of(const TestDirectory& directory, JsonOptions json = {},
                          FileDirectoryOptions options = at_once()) {
  return make_file_directory_stream(local_file_system(), directory.path(),
                                    json_stream_format(std::move(json)), std::move(options));
}

using Rows = std::vector<std::string>;

TEST(JsonDirectory, ReadsWhatIsThereInNameOrder) {
  const TestDirectory directory;
  put(directory.file("b.jsonl"), "{\"name\":\"c\",\"id\":3}\n");
  put(directory.file("a.jsonl"), "{\"id\":1,\"name\":\"a\"}\n{\"id\":2}\n");
  put(directory.file("c.json"), "not looked at");
  put(directory.file("_c.jsonl"), "not looked at");
  const auto source = stream_of(directory);
  EXPECT_TRUE(source->bounded());
  EXPECT_EQ(source->schema().to_string(), "id int64, name utf8");
  EXPECT_EQ(run_all(source), (Rows{"1|a", "2|<null>", "3|c"}));
  put(directory.file("d.jsonl"), "{\"id\":4,\"name\":\"d\"}\n");
  EXPECT_EQ(run_all(source), (Rows{"1|a", "2|<null>", "3|c", "4|d"}));

  const TestDirectory empty;
  EXPECT_EQ(kind_of([&] { stream_of(empty); }), ErrorKind::kInvalidArgument);
  EXPECT_EQ(kind_of([&] {
              make_file_directory_stream(local_file_system(), directory.file("missing"),
                                         json_stream_format());
            }),
            ErrorKind::kFileAccess);
}

TEST(JsonDirectory, ChosenColumnsArraysAndRowsLeftOut) {
  const TestDirectory directory;
  put(directory.file("a.json"), "[{\"id\":1,\"more\":[1]},\n {\"v\":\"x\"}]");
  JsonOptions json;
  FileDirectoryOptions options = at_once();
  options.pattern = "*.json";
  json.format = JsonFormat::kArray;
  json.columns = {{"v", DataType(TypeId::kUtf8)}, {"id", DataType(TypeId::kInt64)}};
  EXPECT_EQ(run_all(stream_of(directory, json, options)), (Rows{"<null>|1", "x|<null>"}));
  json.columns[0].type.reset();
  EXPECT_EQ(kind_of([&] { stream_of(directory, json, options); }), ErrorKind::kInvalidArgument);

  put(directory.file("b.jsonl"), "{\"id\":1}\nnothing\n{\"id\":\"x\"}\n{\"id\":4}\n");
  json = {};
  json.columns = {{"id", DataType(TypeId::kInt64)}};
  json.on_error = RowErrorPolicy::kSkip;
  EXPECT_EQ(run_all(stream_of(directory, json)), (Rows{"1", "4"}));
  json.input.filename_column = "file";
  EXPECT_EQ(kind_of([&] { stream_of(directory, json); }), ErrorKind::kInvalidArgument);
}

TEST(JsonDirectory, OffsetsRestoreInsideAFile) {
  const TestDirectory directory;
  std::string text;
  for (int i = 0; i < 10000; ++i) text += "{\"id\":" + std::to_string(i) + "}\n";
  put(directory.file("a.jsonl"), "{\"id\":-1}\n");
  put(directory.file("b.jsonl"), text);
  JsonOptions json;
  FileDirectoryOptions options = at_once();
  options.batch_rows = 3000;
  const auto source = stream_of(directory, json, options);
  std::vector<std::pair<std::string, Rows>> seen;
  source->open({});
  StreamBatch batch;
  while (source->next(&batch) == SourceStatus::kBatch) {
    seen.emplace_back(batch.source_offset, row_texts(batch.chunks));
  }
  ASSERT_GE(seen.size(), 4u);
  for (size_t done = 0; done < seen.size(); ++done) {
    source->open({});
    source->restore(seen[done].first);
    for (size_t next = done + 1; next < seen.size(); ++next) {
      ASSERT_EQ(source->next(&batch), SourceStatus::kBatch);
      EXPECT_EQ(batch.source_offset, seen[next].first);
      EXPECT_EQ(row_texts(batch.chunks), seen[next].second);
    }
    EXPECT_EQ(source->next(&batch), SourceStatus::kEnd);
  }
  EXPECT_EQ(kind_of([&] { source->restore("12"); }), ErrorKind::kCheckpoint);
}

TEST(JsonDirectory, FollowsNewFiles) {
  const TestDirectory directory;
  JsonOptions json;
  FileDirectoryOptions options = at_once();
  options.bounded = false;
  json.columns = {{"id", DataType(TypeId::kInt64)}};
  StreamOptions stream_options;
  stream_options.idle_wait_ms = 5;
  stream_options.max_batches = 3;
  auto sink = std::make_shared<MemorySink>();
  const auto query = StreamingQuery::make(event_scan(stream_of(directory, json, options)), sink,
                                          stream_options, {});
  query->start();
  for (int i = 0; i < 3; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(15));
    const std::string name = "f" + std::to_string(i) + ".jsonl";
    put(directory.file(name), "{\"id\":" + std::to_string(i) + "}\n");
  }
  EXPECT_EQ(query->await_termination(), 3u);
  EXPECT_EQ(row_texts(sink->chunks()), (Rows{"0", "1", "2"}));
}

// Nothing is lost in silence: neither a value of another type nor a key that the first file lacks.
TEST(JsonDirectory, AFileThatDoesNotFitFailsTheQuery) {
  for (const char* second : {"{\"id\":\"word\"}\n", "{\"id\":2,\"other\":1}\n", "{\"id\":2\n"}) {
    const TestDirectory directory;
    put(directory.file("a.jsonl"), "{\"id\":1}\n");
    put(directory.file("b.jsonl"), second);
    const auto query = StreamingQuery::make(event_scan(stream_of(directory)),
                                            std::make_shared<MemorySink>(), {}, {});
    query->start();
    std::string message;
    EXPECT_EQ(kind_of([&] { query->await_termination(); }, &message), ErrorKind::kStream) << second;
    EXPECT_NE(message.find("b.jsonl':1"), std::string::npos) << message;
  }
}

TEST(JsonFileSink, IsReadBack) {
  const TestDirectory directory;
  const std::string path = directory.file("out.jsonl");
  const std::vector<Event> events = {
      {0, "a\"\n\xC3\xA9", 9007199254740993}, {1, std::nullopt, std::nullopt}, {2, "", 3}};
  const auto run = [&](CsvFileMode mode) {
    const auto query = StreamingQuery::make(
        event_scan(make_memory_stream(event_schema(), {event_chunk(events), event_chunk(events)})),
        make_json_file_sink(local_file_system(), path, mode), {}, {});
    query->start();
    query->await_termination();
  };
  const auto rows = [&] {
    JsonOptions options;
    const Schema schema = event_schema();
    for (const Field& field : schema.fields()) {
      options.columns.push_back({field.name, field.type});
    }
    return row_texts(run_batch(event_scan(open_json(local_file_system(), path, options))));
  };
  run(CsvFileMode::kReplace);
  const std::string once = text_of_file(path);
  run(CsvFileMode::kReplace);
  EXPECT_EQ(text_of_file(path), once);
  const Rows of_one = row_texts({event_chunk(events)});
  Rows expected = of_one;
  expected.insert(expected.end(), of_one.begin(), of_one.end());
  EXPECT_EQ(rows(), expected);
  run(CsvFileMode::kAppend);
  EXPECT_EQ(text_of_file(path), once + once);
}

}  // namespace
}  // namespace velaria
