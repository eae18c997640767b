// The C++ of the pages in docs/, as it stands there: docs_examples_test of Python compares the
// lines.
#include <unistd.h>

#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "velaria/velaria.h"

namespace {

class DocsTest : public testing::Test {
 protected:
  void SetUp() override {
    char here[4096];
    ASSERT_NE(getcwd(here, sizeof(here)), nullptr);
    here_ = here;
    ASSERT_EQ(chdir("examples/data"), 0);
  }
  void TearDown() override { ASSERT_EQ(chdir(here_.c_str()), 0); }

 private:
  std::string here_;
};

TEST_F(DocsTest, Readme) {
  // clang-format off
  velaria::DataflowSession session;
  velaria::DataFrame flights = session.read_csv("flights.csv");
  std::cout << flights.group_by({"carrier"}).agg({"count(*) AS n"}).to_text();
  // clang-format on
  EXPECT_GT(flights.count(), 0);
}

TEST_F(DocsTest, Index) {
  // clang-format off
  velaria::DataflowSession session;
  std::cout << session.sql("SELECT count(*) FROM 'flights.csv'").to_text();
  // clang-format on
}

int begin_of_main(int argc, char** argv) {
  // clang-format off
  if (const auto code = velaria::run_worker_if_asked(argc, argv)) return *code;
  // clang-format on
  return 42;
}

TEST_F(DocsTest, Streams) {
  std::string name = "program";
  char* argv[] = {name.data(), nullptr};
  EXPECT_EQ(begin_of_main(1, argv), 42);
}

TEST_F(DocsTest, Embedding) {
  // clang-format off
  velaria::DataflowSession session;
  session.create_temp_view("events", session.read_stream_csv_dir("events"));
  const velaria::StreamingDataFrame minutes = session.streamSql(
      "SELECT minute, sensor, avg(value) AS mean FROM events "
      "WINDOW BY at EVERY INTERVAL '1 minute' AS minute GROUP BY minute, sensor");
  const auto sink = std::make_shared<velaria::MemorySink>();
  const auto query = minutes.write_stream(sink);
  query->start();
  query->await_termination();
  std::cout << sink->rows() << " rows\n" << query->snapshotJson() << "\n";
  // clang-format on
  EXPECT_EQ(sink->rows(), 24);
}

TEST_F(DocsTest, Vectors) {
  velaria::DataflowSession session;
  session.sql("CREATE TABLE docs (embedding FLOAT[2], lang VARCHAR)");
  session.sql("INSERT INTO docs VALUES ([0.0, 1.0], 'en'), ([1.0, 0.0], 'de')");
  const std::vector<float> query = {0, 1};
  const std::vector<float> queries = {0, 1, 1, 0};
  const int64_t count = 2;
  // clang-format off
  session.vector_search("docs", "embedding", query, 10, "l2");
  session.vector_search_many("docs", "embedding", queries, count, {10, "l2", "lang = 'en'"});
  // clang-format on
  EXPECT_EQ(session.vector_search("docs", "embedding", query, 10, "l2").count(), 2);
  EXPECT_EQ(
      session.vector_search_many("docs", "embedding", queries, count, {10, "l2", "lang = 'en'"})
          .count(),
      2);
}

}  // namespace
