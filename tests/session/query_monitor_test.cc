// A run that somebody watches: what is counted is true in every configuration, and cancelling ends
// any work.
#include "src/session/query_monitor.h"

#include <chrono>
#include <future>
#include <stdexcept>
#include <thread>

#include "gtest/gtest.h"
#include "src/base/text.h"
#include "src/session/engine.h"
#include "tests/session/session_testing.h"
#include "tests/slt/session_configs.h"

namespace velaria {
namespace {

TEST(QueryMonitorTest, CountsWhatIsScannedAndGivenOut) {
  for (const SessionConfig& config : session_configs()) {
    SCOPED_TRACE(config.name);
    DataflowSession session(config.options);
    session.sql("CREATE TABLE t AS SELECT n FROM range(0, 50000) r(n)");
    session.sql("CREATE TABLE few AS SELECT n FROM range(0, 70) r(n)");
    QueryMonitor monitor;
    EXPECT_EQ(monitor.progress().status, "created");
    EXPECT_EQ(monitor.progress().fraction_done, -1);
    const QueryResult result =
        session.sql("SELECT t.n % 7 AS k, count(*) AS c FROM t JOIN few ON t.n = few.n GROUP BY k")
            .collect(&monitor);
    const QueryProgress progress = monitor.progress();
    EXPECT_EQ(progress.status, "finished");
    EXPECT_EQ(progress.rows_out, 7);
    EXPECT_EQ(progress.rows_to_scan, 50070);
    EXPECT_EQ(progress.rows_scanned, 50070);
    EXPECT_EQ(progress.fraction_done, 1);
    EXPECT_GE(progress.elapsed_ms, 0);
    EXPECT_EQ(monitor.progress().elapsed_ms, progress.elapsed_ms);
    EXPECT_NE(monitor.snapshotJson().find("\"rows_scanned\": 50070"), std::string::npos);
  }
}

// What a file leaves out because of WHERE was scanned all the same, and it leaves it out as early
// as in a run that nobody watches.
TEST(QueryMonitorTest, CountsRowsThatAFileLeavesOut) {
  const std::string path = ::testing::TempDir() + "velaria_monitor_left_out.csv";
  std::string text = "k,a,b\n";
  for (int i = 0; i < 30000; ++i) text += concat(i % 100, ",", i, ",", i * 2, "\n");
  const auto file = local_file_system()->create(path);
  file->write(text);
  file->close();
  DataflowSession session;
  for (const char* condition : {"k = 7", "k = 7 AND a < 0", "k < 90", "a < 29000", "k < 2"}) {
    for (const std::vector<std::string>& paths :
         {std::vector<std::string>{path}, std::vector<std::string>{path, path}}) {
      SCOPED_TRACE(concat(condition, ", ", paths.size(), " files"));
      const DataFrame frame = session.read_csv(paths, CsvOptions()).filter(condition);
      QueryMonitor monitor;
      const int64_t rows = frame.collect(&monitor).rows;
      EXPECT_EQ(rows, frame.count());
      EXPECT_EQ(monitor.progress().rows_scanned, 30000 * static_cast<int64_t>(paths.size()));
    }
  }
}

TEST(QueryMonitorTest, TellsAFailure) {
  DataflowSession session;
  QueryMonitor monitor;
  const DataFrame frame = session.sql("SELECT CAST('x' || n AS BIGINT) FROM range(0, 3) r(n)");
  EXPECT_THROW(frame.collect(&monitor), Error);
  EXPECT_EQ(monitor.progress().status, "failed");
  EXPECT_NE(monitor.progress().last_error, "");
  EXPECT_EQ(monitor.progress().rows_out, 0);
}

class WithoutRates : public UserFunction {
 public:
  WithoutRates() : UserFunction("rate", {DataType(TypeId::kInt64)}, DataType(TypeId::kInt64)) {}
  ColumnPtr call(const std::vector<ColumnPtr>&, int64_t) const override {
    throw std::runtime_error("no table of rates");
  }
};

// What the program's own code throws fails a query; what its interrupt check throws cancels it.
TEST(QueryMonitorTest, TellsAFailureThatIsTheProgramsOwn) {
  DataflowSession session;
  session.create_function(std::make_shared<WithoutRates>());
  QueryMonitor failed;
  EXPECT_THROW(session.sql("SELECT rate(n) FROM range(0, 3) r(n)").collect(&failed),
               std::exception);
  EXPECT_EQ(failed.progress().status, "failed");
  EXPECT_NE(failed.progress().last_error.find("no table of rates"), std::string::npos)
      << failed.progress().last_error;

  SessionOptions options;
  options.interrupt_check = [] { throw std::runtime_error("a key was pressed"); };
  DataflowSession interrupted(options);
  QueryMonitor cancelled;
  EXPECT_THROW(
      interrupted
          .sql("SELECT count(*) FROM range(0, 1000000) a(n) JOIN range(0, 1000000) b(m) ON m < n")
          .collect(&cancelled),
      std::runtime_error);
  EXPECT_EQ(cancelled.progress().status, "cancelled");
  EXPECT_EQ(cancelled.progress().last_error, "");
}

TEST(QueryMonitorTest, WatchesOneRun) {
  DataflowSession session;
  QueryMonitor monitor;
  const DataFrame frame = session.sql("SELECT 1 AS x");
  frame.collect(&monitor);
  try {
    frame.collect(&monitor);
    FAIL() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kInvalidArgument);
  }
}

TEST(QueryMonitorTest, CancelsBeforeAndDuringTheRun) {
  for (const size_t threads : {size_t{1}, size_t{2}}) {
    SessionOptions options;
    options.threads = threads;
    DataflowSession session(options);
    const DataFrame frame = session.sql(
        "SELECT count(*) FROM range(0, 1000000) a(n) JOIN range(0, 1000000) b(m) ON m < n");
    for (const bool before : {true, false}) {
      QueryMonitor monitor;
      if (before) monitor.cancel();
      std::thread other([&] {
        while (!before && monitor.progress().rows_scanned == 0) {
          std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
        monitor.cancel();
      });
      try {
        frame.collect(&monitor);
        ADD_FAILURE() << "nothing was thrown";
      } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::kCancelled);
      }
      other.join();
      EXPECT_EQ(monitor.progress().status, "cancelled");
      EXPECT_EQ(monitor.progress().last_error, "");
    }
    EXPECT_EQ(session.sql("SELECT 1 AS x").collect().rows, 1);
  }
}

// One chunk of the endless join gives billions of pairs: it makes room in the middle of one.
TEST(QueryMonitorTest, AShortQueryEndsBesideAnEndlessJoin) {
  SessionOptions options;
  options.threads = 2;
  DataflowSession session(options);
  const DataFrame endless = session.sql(
      "SELECT count(*) FROM range(0, 1000000) a(n) JOIN range(0, 1000000) b(m) ON m < n");
  QueryMonitor monitor;
  std::thread other([&] { EXPECT_THROW(endless.collect(&monitor), Error); });
  // One side is read, and the first rows of the other are being joined.
  while (monitor.progress().rows_scanned <= 1000000) std::this_thread::yield();
  auto rows = std::async(std::launch::async, [&] {
    return session.sql("SELECT n % 3 AS k, sum(n) FROM range(0, 100000) r(n) GROUP BY k").collect();
  });
  const bool ended = rows.wait_for(std::chrono::seconds(30)) == std::future_status::ready;
  EXPECT_EQ(monitor.progress().status, "running");
  monitor.cancel();
  other.join();
  EXPECT_TRUE(ended);
  EXPECT_EQ(rows.get().rows, 3);
}

TEST(QueryMonitorTest, CancelsARecursion) {
  DataflowSession session;
  const DataFrame frame = session.sql(
      "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n % 1000 + 1 FROM t) SELECT count(*) "
      "FROM t");
  QueryMonitor monitor;
  std::thread other([&] {
    while (monitor.progress().status == "created") std::this_thread::yield();
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    monitor.cancel();
  });
  try {
    frame.collect(&monitor);
    ADD_FAILURE() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kCancelled);
  }
  other.join();
  EXPECT_EQ(monitor.progress().status, "cancelled");
}

TEST(QueryMonitorTest, RowsThatAreThereAreAFrame) {
  DataflowSession session;
  const DataFrame frame = session.sql("SELECT n FROM range(0, 10000) r(n)");
  const DataFrame kept = frame.with_rows(frame.collect());
  EXPECT_EQ(kept.filter("n >= 9000").count(), 1000);
  EXPECT_EQ(kept.schema().names(), frame.schema().names());
}

}  // namespace
}  // namespace velaria
