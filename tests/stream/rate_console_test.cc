// The source of numbered rows and the sink that prints.
#include <fcntl.h>
#include <unistd.h>

#include <thread>

#include "stream/connectors/console_sink.h"
#include "stream/connectors/rate_source.h"
#include "tests/stream/stream_testing.h"

namespace velaria {
namespace {

StreamContext short_wait() {
  StreamContext context;
  context.idle_wait_ms = 1;
  return context;
}

// "0..9 @ 10": first and last sequence, and the offset.
std::string batch_text(const StreamBatch& batch) {
  const Column& sequence = *batch.chunks.at(0).columns[0];
  return concat(sequence.value(0).to_string(), "..",
                sequence.value(batch.chunks[0].rows - 1).to_string(), " @ ", batch.source_offset);
}

TEST(RateSource, RowsComeWhenTheyAreDue) {
  const auto clock = std::make_shared<ManualClock>();
  RateOptions options;
  options.rows_per_second = 100;
  options.rows = 25;
  options.clock = clock;
  const StreamSourcePtr source = make_rate_stream(options);
  EXPECT_TRUE(source->bounded());
  EXPECT_EQ(source->schema().to_string(), "sequence int64, ts timestamp[us]");
  source->open(short_wait());
  StreamBatch batch;
  EXPECT_EQ(source->next(&batch), SourceStatus::kBlocked);
  clock->advance_ns(89'999'999);  // the tenth row is due 90 ms behind the first
  EXPECT_EQ(source->next(&batch), SourceStatus::kBlocked);
  clock->advance_ns(1);
  ASSERT_EQ(source->next(&batch), SourceStatus::kBatch);
  EXPECT_EQ(batch_text(batch), "0..9 @ 10");
  EXPECT_EQ(source->next(&batch), SourceStatus::kBlocked);
  // What is overdue comes at once.
  clock->advance_ns(10'000'000'000);
  ASSERT_EQ(source->next(&batch), SourceStatus::kBatch);
  EXPECT_EQ(batch_text(batch), "10..19 @ 20");
  ASSERT_EQ(source->next(&batch), SourceStatus::kBatch);
  EXPECT_EQ(batch_text(batch), "20..24 @ 25");
  EXPECT_EQ(source->next(&batch), SourceStatus::kEnd);
}

TEST(RateSource, GoesOnBehindAnOffset) {
  const auto clock = std::make_shared<ManualClock>();
  RateOptions options;
  options.rows_per_second = 2;
  options.batch_rows = 3;
  options.start_us = -1'000'000;
  options.clock = clock;
  const StreamSourcePtr source = make_rate_stream(options);
  EXPECT_FALSE(source->bounded());
  source->open(short_wait());
  source->restore("7");
  StreamBatch batch;
  EXPECT_EQ(source->next(&batch), SourceStatus::kBlocked);
  clock->advance_ns(1'000'000'000);
  ASSERT_EQ(source->next(&batch), SourceStatus::kBatch);
  EXPECT_EQ(batch_text(batch), "7..9 @ 10");
  EXPECT_EQ(batch.chunks[0].columns[1]->value(0).to_string(), "1970-01-01 00:00:02.5");
  for (const char* bad : {"", "x", "-1", "7 ", "99999999999999999999"}) {
    EXPECT_EQ(kind_of([&] { source->restore(bad); }), ErrorKind::kCheckpoint) << bad;
  }
  options.rows = 5;
  EXPECT_EQ(kind_of([&] { make_rate_stream(options)->restore("6"); }), ErrorKind::kCheckpoint);
}

TEST(RateSource, OptionsAreChecked) {
  for (const auto& [key, text] : std::map<std::string, std::string>{{"rows_per_second", "0"},
                                                                    {"rows_per_second ", "1"},
                                                                    {"rows", "-1"},
                                                                    {"batch_rows", "0"},
                                                                    {"start", "yesterday"},
                                                                    {"paced", "perhaps"},
                                                                    {"rows_per_secnd", "1"}}) {
    EXPECT_EQ(kind_of([&] { make_rate_stream(rate_options_from_text({{key, text}})); }),
              ErrorKind::kInvalidArgument)
        << key;
  }
  RateOptions options = rate_options_from_text({{"start", "2026-01-31"}, {"rows", "3"}});
  EXPECT_EQ(options.start_us, int64_t{1769817600} * 1'000'000);
  options.rows = std::numeric_limits<int64_t>::max();
  std::string message;
  EXPECT_EQ(kind_of([&] { make_rate_stream(options); }, &message), ErrorKind::kInvalidArgument);
  EXPECT_NE(message.find("out of range"), std::string::npos) << message;
  options.rows.reset();
  options.rows_per_second = 1'000'000'000;
  EXPECT_FALSE(make_rate_stream(options)->bounded());
}

// A waiting source is woken by the end of its query, and its rows are those of any other run.
TEST(RateSource, InAQuery) {
  RateOptions options;
  options.rows_per_second = 1000;
  options.rows = 1000;
  options.paced = false;
  const auto sink = std::make_shared<MemorySink>();
  const auto query = StreamingQuery::make(event_scan(make_rate_stream(options)), sink, {}, {});
  query->start();
  EXPECT_EQ(query->await_termination(), 10u);
  EXPECT_EQ(sink->rows(), 1000);
  EXPECT_EQ(query->progress().last_source_offset, "1000");

  options = {};
  options.batch_rows = 1 << 20;  // comes in twelve days
  StreamOptions patient;
  patient.idle_wait_ms = 3'600'000;
  const auto waiting = StreamingQuery::make(event_scan(make_rate_stream(options)),
                                            std::make_shared<MemorySink>(), patient, {});
  waiting->start();
  waiting->stop();
  EXPECT_EQ(waiting->status(), StreamStatus::kStopped);
}

void run_console(const StreamSinkPtr& sink, const std::vector<Chunk>& batches) {
  const auto query =
      StreamingQuery::make(event_scan(make_memory_stream(event_schema(), batches)), sink, {}, {});
  query->start();
  query->await_termination();
}

TEST(ConsoleSink, PrintsATableForEachBatchWithRows) {
  std::string text;
  ConsoleOptions options;
  options.most_rows = 2;
  const StreamSinkPtr sink =
      make_console_sink([&](std::string_view more) { text += more; }, options);
  run_console(sink, {event_chunk({{0, "a\nb", 1}, {1, std::nullopt, -20}, {2, "c", 3}}),
                     event_chunk({}), event_chunk({{1500, "d", 4}})});
  EXPECT_EQ(text,
            "batch 1\n"
            "ts                       name  amount\n"
            "timestamp[us]            utf8   int64\n"
            "-----------------------  ----  ------\n"
            "1970-01-01 00:00:00      a\\nb       1\n"
            "1970-01-01 00:00:00.001  NULL     -20\n"
            "(2 of 3 rows)\n"
            "batch 3\n"
            "ts                     name  amount\n"
            "timestamp[us]          utf8   int64\n"
            "---------------------  ----  ------\n"
            "1970-01-01 00:00:01.5  d          4\n"
            "(1 row)\n");
  options.most_rows = -1;
  EXPECT_EQ(kind_of([&] { make_console_sink(1, options); }), ErrorKind::kInvalidArgument);
  EXPECT_EQ(console_options_from_text({{"ROWS", "7"}}).most_rows, 7);
  EXPECT_EQ(kind_of([] { console_options_from_text({{"row", "7"}}); }),
            ErrorKind::kInvalidArgument);
}

TEST(ConsoleSink, AFunctionThatThrowsFailsTheQuery) {
  const StreamSinkPtr sink =
      make_console_sink([](std::string_view) { throw Error(ErrorKind::kFileAccess, "no paper"); });
  std::string message;
  EXPECT_EQ(kind_of([&] { run_console(sink, {event_chunk({{0, "a", 1}})}); }, &message),
            ErrorKind::kStream);
  EXPECT_NE(message.find("no paper"), std::string::npos) << message;
}

class Pipe {
 public:
  Pipe() { VELARIA_CHECK(::pipe2(ends_, O_CLOEXEC) == 0); }
  ~Pipe() {
    close_reader();
    ::close(ends_[1]);
  }
  void close_reader() {
    if (ends_[0] >= 0) ::close(ends_[0]);
    ends_[0] = -1;
  }
  int reader() const { return ends_[0]; }
  int writer() const { return ends_[1]; }

 private:
  int ends_[2];
};

TEST(ConsoleSink, WritesToADescriptor) {
  const Pipe pipe;
  run_console(make_console_sink(pipe.writer()), {event_chunk({{0, "a", 1}})});
  std::string text(1000, '\0');
  text.resize(static_cast<size_t>(::read(pipe.reader(), text.data(), text.size())));
  EXPECT_EQ(text.substr(0, 8), "batch 1\n");
  EXPECT_EQ(text.substr(text.size() - 8), "(1 row)\n");
}

// No signal ends the process, and the query has a text to show.
TEST(ConsoleSink, APipeWithoutAReaderFailsTheQuery) {
  Pipe pipe;
  pipe.close_reader();
  std::string message;
  EXPECT_EQ(
      kind_of([&] { run_console(make_console_sink(pipe.writer()), {event_chunk({{0, "a", 1}})}); },
              &message),
      ErrorKind::kStream);
  EXPECT_NE(message.find("Broken pipe"), std::string::npos) << message;
}

// A pipe that nobody empties does not hold up whoever stops the query.
TEST(ConsoleSink, AFullPipeWaitsUntilTheQueryIsStopped) {
  const Pipe pipe;
  ConsoleOptions options;
  options.most_rows = 1'000'000;
  RateOptions rate;
  rate.batch_rows = 100'000;
  rate.paced = false;
  const auto query = StreamingQuery::make(event_scan(make_rate_stream(rate)),
                                          make_console_sink(pipe.writer(), options), {}, {});
  query->start();
  char first = '\0';
  ASSERT_EQ(::read(pipe.reader(), &first, 1), 1);
  query->stop();
  EXPECT_EQ(query->status(), StreamStatus::kStopped);
}

}  // namespace
}  // namespace velaria
