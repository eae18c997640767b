// The public methods of C++ that no other test calls as a program that embeds Velaria does.
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

#include "tests/session/stream_events.h"

namespace velaria {
namespace {

std::string text_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

Rows run(const StreamingDataFrame& frame, StreamOptions options = {}) {
  auto sink = std::make_shared<MemorySink>();
  options.idle_wait_ms = 1;
  const StreamingQueryPtr query = frame.write_stream(sink, options);
  EXPECT_EQ(query->status(), StreamStatus::kCreated);
  query->start();
  query->await_termination();
  EXPECT_TRUE(query->ended());
  return rows_of(sink->schema(), sink->chunks());
}

class PublicSurfaceTest : public testing::Test {
 protected:
  PublicSurfaceTest() {
    session_.sql("CREATE TABLE a AS SELECT * FROM (VALUES (1, 'x'), (2, 'y'), (2, 'z')) v(k, s)");
    session_.sql("CREATE TABLE b AS SELECT * FROM (VALUES (2, 20), (3, 30), (3, 30)) v(k, n)");
  }
  DataFrame a() const { return session_.table("a"); }
  DataFrame b() const { return session_.table("b"); }
  DataflowSession session_;
};

TEST_F(PublicSurfaceTest, VerbsOverTwoFrames) {
  EXPECT_EQ(rows_of(a().join(b(), {"k"})), (Rows{"2|y|20", "2|z|20"}));
  EXPECT_EQ(rows_of(a().join(b(), {"k"}, "left")), (Rows{"1|x|NULL", "2|y|20", "2|z|20"}));
  EXPECT_EQ(rows_of(a().join(b(), {"k"}, "anti")), Rows{"1|x"});
  EXPECT_EQ(a().join_where(b(), "l.k < r.k AND r.n > 20").count(), 6);
  EXPECT_ERROR(a().join(b(), {"k"}, "iner"), "InvalidArgumentError", "inner");
  const DataFrame left = a().select({"k"});
  const DataFrame right = b().select({"k"});
  EXPECT_EQ(rows_of(left.union_all(right)), (Rows{"1", "2", "2", "2", "3", "3"}));
  EXPECT_EQ(rows_of(left.union_distinct(right)), (Rows{"1", "2", "3"}));
  EXPECT_EQ(rows_of(left.intersect(right)), Rows{"2"});
  EXPECT_EQ(rows_of(left.except(right)), Rows{"1"});
  DataflowSession other;
  EXPECT_ERROR(a().union_all(other.sql("SELECT 1 AS k, 'x' AS s")), "InvalidArgumentError", "");
}

TEST_F(PublicSurfaceTest, VerbsOverOneFrame) {
  EXPECT_EQ(rows_of(a().select({"k"}).distinct()), (Rows{"1", "2"}));
  EXPECT_EQ(a().rename({{"k", "key"}, {"s", "k"}}).schema().to_string(), "key int64, k utf8");
  EXPECT_EQ(rows_of(session_.sql("SELECT TIMESTAMP '2024-01-01 00:00:07' AS t")
                        .time_window("t", 10000, "w", 5000)
                        .select({"w"})
                        .order_by({"w"})),
            (Rows{"2024-01-01 00:00:00", "2024-01-01 00:00:05"}));
  const DataFrame wider = a().select({"k"}).as_schema(Schema({{"k", DataType::decimal(20, 1)}}));
  EXPECT_EQ(rows_of(wider), (Rows{"1.0", "2.0", "2.0"}));
  EXPECT_ERROR(a().select({"s"}).as_schema(Schema({{"s", DataType(TypeId::kInt64)}})),
               "TypeMismatchError", "s");
  EXPECT_NE(a().filter("k > 1").explain().find("\noptimized\n"), std::string::npos);
  EXPECT_NE(session_.explain("SELECT k FROM a", true).find("rows"), std::string::npos);
  EXPECT_EQ(a().analyze().rows, 3);
}

TEST_F(PublicSurfaceTest, RowsGoOut) {
  const QueryResult result = a().collect();
  EXPECT_EQ(rows_of(b().with_rows(result)), rows_of(a()));
  ArrowArrayStream arrow;
  a().export_arrow(&arrow);
  EXPECT_EQ(rows_of(session_.create_dataframe_from_arrow(&arrow)), rows_of(a()));
  const std::string csv = temp_path("surface.csv");
  EXPECT_EQ(a().write_csv(csv), 3);
  EXPECT_EQ(text_of(csv), "k,s\n1,x\n2,y\n2,z\n");
  EXPECT_EQ(a().write(csv, Texts{{"header", "false"}}), 3);
  EXPECT_EQ(text_of(csv), "1,x\n2,y\n2,z\n");
  // What fails leaves what was there.
  EXPECT_ERROR(a().select({"CAST(s AS INT) AS n"}).write(csv), "TypeMismatchError", "x");
  EXPECT_EQ(text_of(csv), "1,x\n2,y\n2,z\n");
  const std::string json = temp_path("surface.jsonl");
  EXPECT_EQ(b().write_json(json), 3);
  EXPECT_EQ(rows_of(session_.read_json(json)), rows_of(b()));
}

TEST_F(PublicSurfaceTest, RowsThatWereLeftOut) {
  const std::string path = write_file("surface_rejects.csv", "n\n1\nx\n3\n");
  const DataFrame frame =
      session_.read_csv(path, Texts{{"types", "n int64"}, {"on_error", "skip"}});
  EXPECT_EQ(rows_of(frame), (Rows{"1", "3"}));
  ASSERT_EQ(frame.warnings().size(), 1u);
  EXPECT_NE(frame.warnings()[0].find("1 of 3 rows"), std::string::npos) << frame.warnings()[0];
  EXPECT_EQ(rows_of(frame.rejects().select({"line", "value"})), Rows{"3|x"});
  EXPECT_ERROR(a().rejects(), "InvalidArgumentError", "on_error");
}

TEST_F(PublicSurfaceTest, FoldersAndGrowingFilesAsStreams) {
  write_file("surface_in/1.csv", "n\n1\n2\n");
  write_file("surface_in/2.csv", "n\n3\n");
  const std::string folder = temp_path("surface_in");
  const StreamingDataFrame ends = session_.read_stream_csv_dir(folder);
  EXPECT_TRUE(ends.bounded());
  EXPECT_EQ(ends.schema().to_string(), "n int64");
  EXPECT_EQ(run(ends), (Rows{"1", "2", "3"}));
  EXPECT_FALSE(session_.read_stream_csv_dir(folder, CsvOptions(), true).bounded());
  FileDirectoryOptions newest;
  newest.pattern = "2*";
  EXPECT_EQ(run(session_.read_stream_dir(folder, csv_stream_format(), newest)), Rows{"3"});

  const std::string log = write_file("surface.log", "n\n7\n8\n");
  FileTailOptions once;
  once.bounded = true;
  EXPECT_EQ(run(session_.read_stream_tail(log, csv_stream_format(), once)), (Rows{"7", "8"}));
  const StreamingDataFrame grows = session_.read_stream_csv_tail(log);
  EXPECT_FALSE(grows.bounded());
  StreamOptions one;
  one.max_batches = 1;
  EXPECT_EQ(run(grows, one), (Rows{"7", "8"}));
}

TEST_F(PublicSurfaceTest, StreamsInSqlAndWindows) {
  add_events(session_, event_batches(3, 20));
  const StreamingDataFrame frame =
      session_.streamSql("SELECT name, amount FROM events WHERE amount > 3");
  EXPECT_EQ(run(frame), rows_of(session_.sql("SELECT name, amount FROM rows WHERE amount > 3")));
  EXPECT_NE(frame.explain().find("\nstrategy\n"), std::string::npos);
  const StreamingDataFrame windows =
      session_.streamSql("SELECT ts, amount FROM events").window("ts", 2000, "w", 1000);
  EXPECT_EQ(
      run(windows).size(),
      static_cast<size_t>(
          session_.sql("SELECT w FROM rows WINDOW BY ts EVERY 2000 SLIDE 1000 AS w").count()));
  EXPECT_ERROR(session_.streamSql("INSERT INTO x SELECT amount FROM events"), "SqlSemanticError",
               "");
}

TEST_F(PublicSurfaceTest, FilesAndConsolesAsSinks) {
  std::ostringstream printed;
  SessionOptions options;
  options.console_writer = [&printed](std::string_view text) { printed << text; };
  DataflowSession session(options);
  add_events(session, event_batches(2, 2));
  const std::string path = temp_path("surface_sink.csv");
  session.register_stream_sink("file", session.create_csv_file_sink(path));
  session.startStreamSql("INSERT INTO file SELECT amount FROM events")->await_termination();
  EXPECT_EQ(rows_of(session.read_csv(path)), (Rows{"-3", "-2", "-1", "0"}));
  session.register_stream_sink("file", session.create_csv_file_sink(path, CsvFileMode::kAppend));
  session.startStreamSql("INSERT INTO file SELECT 9 AS amount FROM events LIMIT 1")
      ->await_termination();
  EXPECT_EQ(rows_of(session.read_csv(path)), (Rows{"-3", "-2", "-1", "0", "9"}));
  const std::string json = temp_path("surface_sink.jsonl");
  for (const CsvFileMode mode : {CsvFileMode::kReplace, CsvFileMode::kAppend}) {
    session.register_stream_sink("file", session.create_json_file_sink(json, mode));
    session.startStreamSql("INSERT INTO file SELECT amount FROM events LIMIT 1")
        ->await_termination();
  }
  EXPECT_EQ(text_of(json), "{\"amount\":-3}\n{\"amount\":-3}\n");
  session.register_stream_sink("shown", session.create_console_sink(ConsoleOptions{1}));
  session.startStreamSql("INSERT INTO shown SELECT amount FROM events")->await_termination();
  EXPECT_EQ(printed.str().rfind("batch 1\namount\n int64\n------\n    -3\n(1 of 2 rows)\n", 0), 0u)
      << printed.str();
}

TEST_F(PublicSurfaceTest, SharedLibraries) {
  EXPECT_EQ(session_.read_stream_plugin("examples/c/libticks.so", "250").schema().to_string(),
            "n int64");
  EXPECT_EQ(run(session_.read_stream_plugin("examples/c/libticks.so", "250")).size(), 250u);
  const std::string calls = temp_path("surface_calls");
  const std::string counting = "tests/stream/libcounting_sink.so";
  add_events(session_, event_batches(2, 5));
  session_.register_stream_sink("out", session_.create_plugin_sink(counting, calls));
  session_.startStreamSql("INSERT INTO out SELECT name, amount FROM events")->await_termination();
  const std::string said = text_of(calls);
  EXPECT_NE(said.find(" with 2 columns\nwrite 5 rows\nwrite 5 rows\nclose\n"), std::string::npos)
      << said;
  EXPECT_ERROR(session_.create_plugin_sink("examples/c/libticks.so"), "InvalidArgumentError",
               "velaria_make_sink");
  SessionOptions options;
  options.allowed_paths = {{temp_path("")}};
  DataflowSession guarded(options);
  EXPECT_ERROR(guarded.create_plugin_sink(counting, calls), "InvalidArgumentError",
               "allowed_paths");
  EXPECT_ERROR(guarded.read_stream_plugin("examples/c/libticks.so", "1"), "InvalidArgumentError",
               "allowed_paths");
}

// Two batches, each with its offset; counts what it is told.
class CountingSource : public StreamSource {
 public:
  explicit CountingSource(bool wants_markers) : wants_markers_(wants_markers) {}
  const Schema& schema() const override { return schema_; }
  bool bounded() const override { return true; }
  std::string describe() const override { return "counting"; }
  bool wants_markers() const override { return wants_markers_; }
  SourceStatus next(StreamBatch* batch) override {
    if (next_ == 2) return SourceStatus::kEnd;
    batch->chunks = {event_batches(1, 4)[0]};
    batch->source_offset = std::to_string(++next_);
    return SourceStatus::kBatch;
  }
  void checkpoint(const CheckpointMarker&) override { ++markers; }
  void ack(std::string_view) override { ++acks; }

  int markers = 0;
  int acks = 0;

 private:
  const bool wants_markers_;
  const Schema schema_ = event_schema();
  int next_ = 0;
};

TEST_F(PublicSurfaceTest, MarkersAreForSourcesThatWantThem) {
  for (const bool wanted : {true, false}) {
    const auto source = std::make_shared<CountingSource>(wanted);
    EXPECT_EQ(run(session_.read_stream(source)).size(), 8u);
    EXPECT_EQ(source->markers, wanted ? 2 : 0);
    EXPECT_EQ(source->acks, wanted ? 2 : 0);
  }
}

class Twice : public UserFunction {
 public:
  Twice() : UserFunction("twice", {DataType(TypeId::kInt64)}, DataType(TypeId::kFloat64)) {}
  ColumnPtr call(const std::vector<ColumnPtr>& arguments, int64_t rows) const override {
    FixedBuilder<double> out{DataType(TypeId::kFloat64)};
    for (int64_t i = 0; i < rows; ++i) {
      out.append(2 * static_cast<double>(arguments[0]->value(i).as_int64()));
    }
    return out.finish();
  }
};

TEST_F(PublicSurfaceTest, AFunctionOfTheProgram) {
  const auto twice = std::make_shared<Twice>();
  EXPECT_EQ(twice->name(), "twice");
  EXPECT_EQ(twice->signature(), "twice(int64)");
  EXPECT_EQ(twice->argument_types(), std::vector<DataType>{DataType(TypeId::kInt64)});
  EXPECT_EQ(twice->result_type(), DataType(TypeId::kFloat64));
  session_.create_function(twice);
  EXPECT_EQ(rows_of(session_.sql("SELECT TWICE(k) FROM a")), (Rows{"2.0", "4.0", "4.0"}));
  // Names that nearly fit are told.
  EXPECT_ERROR(session_.sql("SELECT twise(k) FROM a"), "SqlSemanticError", "twice");
  session_.drop_function("twice");
  EXPECT_ERROR(session_.sql("SELECT twice(k) FROM a"), "SqlSemanticError", "twice");
}

}  // namespace
}  // namespace velaria
