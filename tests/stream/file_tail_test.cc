#include "stream/connectors/file_tail_source.h"

#include <fstream>

#include "tests/stream/stream_testing.h"

namespace velaria {
namespace {

void append(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::app) << text;
}

// The rows of the next batch as texts; empty: not now.
std::vector<std::string> next_rows(StreamSource& source, std::string* offset = nullptr) {
  StreamBatch batch;
  std::vector<std::string> out;
  if (source.next(&batch) != SourceStatus::kBatch) return out;
  for (const Chunk& chunk : batch.chunks) {
    for (int64_t row = 0; row < chunk.rows; ++row) {
      std::string text;
      for (const ColumnPtr& column : chunk.columns) text += column->value(row).to_string() + "|";
      out.push_back(text);
    }
  }
  if (offset != nullptr) *offset = batch.source_offset;
  return out;
}

StreamSourcePtr csv_tail(const std::string& path, CsvOptions csv = {},
                         FileTailOptions options = {}) {
  return make_file_tail_stream(local_file_system(), path, csv_stream_format(std::move(csv)),
                               options);
}

StreamSourcePtr json_tail(const std::string& path, JsonOptions json = {},
                          FileTailOptions options = {}) {
  return make_file_tail_stream(local_file_system(), path, json_stream_format(std::move(json)),
                               options);
}

using Rows = std::vector<std::string>;

TEST(FileTail, GivesWholeRowsAsTheyCome) {
  const TestDirectory directory;
  const std::string path = directory.file("log.csv");
  append(path, "id,name\n1,a\n2,\"two\nli");
  CsvOptions csv;
  csv.columns = {{"id", DataType(TypeId::kInt64)}, {"name", DataType(TypeId::kUtf8)}};
  const auto source = csv_tail(path, csv);
  EXPECT_FALSE(source->bounded());
  source->open({});
  std::string offset;
  EXPECT_EQ(next_rows(*source, &offset), (Rows{"1|a|"}));
  EXPECT_EQ(offset.substr(0, 3), "12@");
  EXPECT_EQ(next_rows(*source), Rows());
  append(path, "nes\"");
  EXPECT_EQ(next_rows(*source), Rows());
  append(path, "\n\n3,c\n4");
  EXPECT_EQ(next_rows(*source, &offset), (Rows{"2|two\nlines|", "3|c|"}));
  append(path, "4,d\r\n");
  EXPECT_EQ(next_rows(*source), (Rows{"44|d|"}));

  // Behind an offset, in another run.
  const auto again = csv_tail(path, csv);
  again->open({});
  again->restore(offset);
  EXPECT_EQ(next_rows(*again), (Rows{"44|d|"}));
  again->restore("12");  // of an older version, without a hash
  for (const char* bad :
       {"x", "", "-1", "5", "999999", "12@", "12@x", "@12", "12@0123456789abcdef"}) {
    EXPECT_EQ(kind_of([&] { again->restore(bad); }), ErrorKind::kCheckpoint) << bad;
  }
}

TEST(FileTail, TheHeaderMayComeAloneAndTheTypesComeFromTheFile) {
  const TestDirectory directory;
  const std::string path = directory.file("log.csv");
  append(path, "");
  EXPECT_EQ(kind_of([&] { csv_tail(path); }), ErrorKind::kInvalidArgument);
  EXPECT_EQ(kind_of([&] { csv_tail(directory.file("none")); }), ErrorKind::kFileAccess);
  CsvOptions csv;
  csv.columns = {{"id", DataType(TypeId::kInt64)}};
  const auto early = csv_tail(path, csv);
  early->open({});
  append(path, "id\n");
  EXPECT_EQ(next_rows(*early), Rows());
  append(path, "7\n");
  EXPECT_EQ(next_rows(*early), (Rows{"7|"}));
  const auto inferred = csv_tail(path);
  EXPECT_EQ(inferred->schema().field(0).type, DataType(TypeId::kInt64));
  inferred->open({});
  EXPECT_EQ(next_rows(*inferred), (Rows{"7|"}));
  append(path, "word\n");
  std::string message;
  EXPECT_EQ(kind_of([&] { next_rows(*inferred); }, &message), ErrorKind::kTypeMismatch);
  EXPECT_NE(message.find(concat("in '", path, "' from byte 5 on")), std::string::npos) << message;
}

TEST(FileTail, AReplacedFileIsNoticed) {
  for (const bool longer : {false, true}) {
    const TestDirectory directory;
    const std::string path = directory.file("log.csv");
    append(path, "id\n1\n2\n3\n");
    const auto source = csv_tail(path);
    source->open({});
    EXPECT_EQ(next_rows(*source).size(), 3u);
    std::filesystem::remove(path);
    append(path, longer ? "id\n5\n6\n7\n8\n9\n" : "id\n5\n");
    std::string message;
    EXPECT_EQ(kind_of([&] { next_rows(*source); }, &message), ErrorKind::kStream);
    EXPECT_NE(message.find("was replaced or cut"), std::string::npos) << message;
  }
}

TEST(FileTail, AFileCutBehindWhatWasReadDoesNotKeepItsQueryWaiting) {
  const TestDirectory directory;
  const std::string path = directory.file("log.csv");
  append(path, "id\n1\n22222222\n");
  FileTailOptions options;
  options.bounded = true;
  options.batch_bytes = 5;
  const auto source = csv_tail(path, {}, options);
  source->open({});
  EXPECT_EQ(next_rows(*source), (Rows{"1|"}));
  std::filesystem::resize_file(path, 8);
  std::string message;
  EXPECT_EQ(kind_of([&] { next_rows(*source); }, &message), ErrorKind::kStream);
  EXPECT_NE(message.find("was replaced or cut"), std::string::npos) << message;
}

TEST(FileTail, RowsEndWhereTheReaderSaysSo) {
  const TestDirectory directory;
  CsvOptions csv;
  csv.columns = {{"id", DataType(TypeId::kInt64)}, {"name", DataType(TypeId::kUtf8)}};
  csv.escape = '\\';
  csv.comment = "#";
  const std::string path = directory.file("log.csv");
  append(path, "id,name\n# the 5\" pipe\n1,5\" pipe\n2,\"a \\\" b\"\n3,\"two\nli");
  const auto source = csv_tail(path, csv);
  source->open({});
  EXPECT_EQ(next_rows(*source), (Rows{"1|5\" pipe|", "2|a \" b|"}));
  EXPECT_EQ(next_rows(*source), Rows());
  append(path, "nes\"\n# 6\"\n4,d\r");
  EXPECT_EQ(next_rows(*source), (Rows{"3|two\nlines|"}));
  EXPECT_EQ(next_rows(*source), Rows());
  append(path, "\n");
  EXPECT_EQ(next_rows(*source), (Rows{"4|d|"}));
}

TEST(FileTail, JsonLinesSkippedRowsAndTheEnd) {
  const TestDirectory directory;
  const std::string path = directory.file("log.jsonl");
  append(path, "{\"n\": 1}\nbroken\n{\"n\": 2}");
  JsonOptions json;
  json.columns = {{"n", DataType(TypeId::kInt64)}};
  json.on_error = RowErrorPolicy::kSkip;
  FileTailOptions options;
  options.bounded = true;
  auto sink = std::make_shared<MemorySink>();
  const auto query = StreamingQuery::make(event_scan(json_tail(path, json, options)), sink, {}, {});
  query->start();
  query->await_termination();
  EXPECT_EQ(sink->rows(), 2);
  EXPECT_EQ(query->progress().rejected_rows, 1u);
  json.format = JsonFormat::kArray;
  EXPECT_EQ(kind_of([&] { json_tail(path, json); }), ErrorKind::kInvalidArgument);
}

TEST(FileTail, BlankLinesAndCommentsAloneAreNoRows) {
  const TestDirectory directory;
  const std::string path = directory.file("log.csv");
  append(path, "a,b\n1,2\n");
  CsvOptions csv;
  csv.comment = "#";
  for (const bool named : {false, true}) {
    if (named) csv.columns = {{"a", DataType(TypeId::kInt64)}, {"b", DataType(TypeId::kInt64)}};
    const StreamSourcePtr source = csv_tail(path, csv);
    source->open({});
    EXPECT_FALSE(next_rows(*source).empty());
    append(path, "\n# note\n");
    EXPECT_EQ(next_rows(*source), Rows());
    append(path, "3,4\n");
    EXPECT_EQ(next_rows(*source), (Rows{"3|4|"}));
  }
}

TEST(FileTail, JsonKeysAreThoseThatAreThere) {
  const TestDirectory directory;
  const std::string path = directory.file("log.jsonl");
  append(path, "{\"n\": 1, \"s\": \"a\"}\n{\"n\": 2");
  const StreamSourcePtr source = json_tail(path);
  EXPECT_EQ(source->schema().to_string(), "n int64, s utf8");
  source->open({});
  std::string offset;
  EXPECT_EQ(next_rows(*source, &offset), (Rows{"1|a|"}));
  append(path, "}\n\n{\"s\": \"c\"}\n");
  EXPECT_EQ(next_rows(*source), (Rows{"2|NULL|", "NULL|c|"}));
  append(path, "{\"other\": 1}\n");
  std::string message;
  EXPECT_EQ(kind_of([&] { next_rows(*source); }, &message), ErrorKind::kFileFormat);
  EXPECT_NE(message.find("other"), std::string::npos) << message;

  const StreamSourcePtr again = json_tail(path);
  again->open({});
  again->restore(offset);
  JsonOptions untyped;
  untyped.columns = {{"n", std::nullopt}};
  EXPECT_EQ(kind_of([&] { json_tail(path, untyped); }), ErrorKind::kInvalidArgument);
}

TEST(FileTail, LinesByDelimiterAndByPattern) {
  const TestDirectory directory;
  const std::string path = directory.file("app.log");
  append(path, "warn;1\nerr");
  LineOptions split;
  split.split_delimiter = ";";
  const auto tail = [&](const LineOptions& options) {
    return make_file_tail_stream(local_file_system(), path, line_stream_format(options));
  };
  const StreamSourcePtr source = tail(split);
  EXPECT_EQ(source->schema().to_string(), "column1 utf8, column2 int64");
  source->open({});
  EXPECT_EQ(next_rows(*source), (Rows{"warn|1|"}));
  append(path, "or;2\n\n");
  EXPECT_EQ(next_rows(*source), (Rows{"error|2|"}));
  append(path, "\n  \n");  // blank lines alone
  EXPECT_EQ(next_rows(*source), Rows());
  append(path, "info;3;more\n");
  std::string message;
  EXPECT_EQ(kind_of([&] { next_rows(*source); }, &message), ErrorKind::kFileFormat);
  EXPECT_NE(message.find("column3"), std::string::npos) << message;

  LineOptions pattern;
  pattern.mode = LineMode::kRegex;
  pattern.regex_pattern = R"(^(?P<level>\w+);(?P<n>\d+))";
  pattern.mappings = {{"n", "n"}, {"level", "level"}};
  pattern.types = {{"n", DataType(TypeId::kInt64)}, {"level", DataType(TypeId::kUtf8)}};
  const StreamSourcePtr matched = tail(pattern);
  matched->open({});
  EXPECT_EQ(next_rows(*matched), (Rows{"1|warn|", "2|error|", "3|info|"}));
}

// However the rows come, and with however small batches, all of them come once.
TEST(FileTail, NothingIsLostOrDoubled) {
  std::mt19937_64 random(test_seed());
  for (int round = 0; round < 20; ++round) {
    const TestDirectory directory;
    const std::string path = directory.file("log.csv");
    std::string text = "id,name\n";
    for (int i = 0; i < 300; ++i) {
      text += concat(i, random() % 3 == 0 ? ",\"a\n\"\"b\"\"\"\n" : ",plain\n");
    }
    append(path, "");
    CsvOptions csv;
    csv.columns = {{"id", DataType(TypeId::kInt64)}, {"name", DataType(TypeId::kUtf8)}};
    FileTailOptions options;
    options.batch_bytes = static_cast<int64_t>(1 + random() % 200);
    auto source = csv_tail(path, csv, options);
    source->open({});
    int64_t next = 0;
    std::string offset;
    for (size_t at = 0; at < text.size();) {
      const size_t size = std::min<size_t>(text.size() - at, random() % 300);
      append(path, text.substr(at, size));
      at += size;
      for (;;) {
        const Rows rows = next_rows(*source, &offset);
        if (rows.empty()) break;
        for (const std::string& row : rows) {
          ASSERT_EQ(row.substr(0, row.find('|')), std::to_string(next)) << row;
          ++next;
        }
        if (random() % 10 != 0) continue;
        source = csv_tail(path, csv, options);
        source->open({});
        source->restore(offset);
      }
    }
    EXPECT_EQ(next, 300);
  }
}

}  // namespace
}  // namespace velaria
