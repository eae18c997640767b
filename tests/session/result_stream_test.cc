// Rows that are taken bit by bit are those of the whole query, and no more of it is run.
#include "src/session/result_stream.h"

#include "gtest/gtest.h"
#include "tests/session/session_testing.h"
#include "tests/slt/session_configs.h"

namespace velaria {
namespace {

std::vector<Chunk> all_of(const DataFrame& frame) {
  const auto rows = frame.stream();
  std::vector<Chunk> out;
  for (Chunk chunk; rows->next(&chunk); chunk = Chunk()) {
    EXPECT_GT(chunk.rows, 0);
    EXPECT_EQ(chunk.selection, nullptr);
    out.push_back(std::move(chunk));
  }
  Chunk none;
  EXPECT_FALSE(rows->next(&none));
  return out;
}

TEST(ResultStreamTest, GivesTheRowsOfTheQueryInTheirOrder) {
  for (const SessionConfig& config : session_configs()) {
    SCOPED_TRACE(config.name);
    DataflowSession session(config.options);
    session.sql("CREATE TABLE t AS SELECT n, n * 31 % 17 AS k FROM range(0, 4000) r(n)");
    session.sql("CREATE TABLE u AS SELECT n AS k, n % 3 AS w FROM range(0, 40) r(n)");
    for (const char* query :
         {"SELECT n, k FROM t WHERE n % 5 <> 2", "SELECT t.n, u.w FROM t JOIN u ON t.k < u.k",
          "SELECT t.n, u.w FROM t FULL JOIN u ON t.k = u.k AND w > 0",
          "SELECT n FROM t UNION ALL SELECT w FROM u UNION ALL SELECT k FROM t",
          "SELECT k, count(*) AS c FROM t GROUP BY k", "SELECT n FROM t ORDER BY k DESC, n",
          "SELECT n FROM t LIMIT 100 OFFSET 7", "SELECT n FROM t WHERE false"}) {
      SCOPED_TRACE(query);
      const DataFrame frame = session.sql(query);
      EXPECT_EQ(rows_of(frame.schema(), all_of(frame)), rows_of(frame));
    }
  }
}

TEST(ResultStreamTest, RunsAsFarAsIsAskedFor) {
  for (const size_t threads : {size_t{1}, size_t{3}}) {
    SessionOptions options;
    options.threads = threads;
    DataflowSession session(options);
    const auto rows =
        session.sql("SELECT n + 1 AS m FROM range(0, 1000000000000) r(n) WHERE n % 2 = 0").stream();
    int64_t next = 1;
    for (int i = 0; i < 100; ++i) {
      Chunk chunk;
      ASSERT_TRUE(rows->next(&chunk));
      for (int64_t row = 0; row < chunk.rows; ++row, next += 2) {
        ASSERT_EQ(chunk.columns[0]->value(row).as_int64(), next);
      }
    }
  }
}

TEST(ResultStreamTest, AnErrorIsTheEnd) {
  for (const size_t threads : {size_t{1}, size_t{3}}) {
    SessionOptions options;
    options.threads = threads;
    DataflowSession session(options);
    const auto rows = session
                          .sql(
                              "SELECT CAST(CASE WHEN n < 300000 THEN 1 ELSE n END AS INT8) AS x "
                              "FROM range(0, 1000000) r(n)")
                          .stream();
    Chunk chunk;
    EXPECT_THROW(while (rows->next(&chunk)){}, Error);
    EXPECT_THROW(rows->next(&chunk), Error);
    EXPECT_EQ(session.sql("SELECT 1 AS x").collect().rows, 1);
  }
}

// The rows after the first ones never come: each step of looking for them is short.
TEST(ResultStreamTest, AnInterruptEndsWhatIsTakenLater) {
  for (const size_t threads : {size_t{1}, size_t{3}}) {
    SessionOptions options;
    options.threads = threads;
    auto armed = std::make_shared<bool>(false);
    options.interrupt_check = [armed] {
      if (*armed) throw std::runtime_error("interrupted");
    };
    DataflowSession session(options);
    const auto rows =
        session.sql("SELECT n FROM range(0, 100000000000) r(n) WHERE n < 9000 OR n % 7 = 8")
            .stream();
    Chunk chunk;
    ASSERT_TRUE(rows->next(&chunk));
    *armed = true;
    EXPECT_THROW(while (rows->next(&chunk)){}, std::runtime_error);
    *armed = false;
    EXPECT_EQ(session.sql("SELECT 1 AS x").collect().rows, 1);
  }
}

TEST(ResultStreamTest, WhatWaitsToBeTakenCounts) {
  SessionOptions options;
  options.threads = 2;
  options.memory_limit_bytes = 4 << 20;
  DataflowSession session(options);
  const DataFrame frame = session.sql("SELECT n, n + 1 AS m FROM range(0, 3000000) r(n)");
  int64_t rows = 0;
  const auto stream = frame.stream();
  for (Chunk chunk; stream->next(&chunk); chunk = Chunk()) rows += chunk.rows;
  EXPECT_EQ(rows, 3000000);
  EXPECT_THROW(frame.collect(), Error);
}

TEST(ResultStreamTest, OutlivesItsSession) {
  std::shared_ptr<ResultStream> rows;
  {
    DataflowSession session;
    rows = session.sql("SELECT n FROM range(0, 500000) r(n)").stream();
  }
  int64_t count = 0;
  for (Chunk chunk; rows->next(&chunk); chunk = Chunk()) count += chunk.rows;
  EXPECT_EQ(count, 500000);
}

}  // namespace
}  // namespace velaria
