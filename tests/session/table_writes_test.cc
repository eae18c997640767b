// INSERT, UPDATE and DELETE beside readers, at the memory limit, and under interrupts. What they
// answer is in tests/slt/statements.slt.
#include <atomic>
#include <stdexcept>
#include <thread>

#include "gtest/gtest.h"
#include "src/base/error.h"
#include "src/base/text.h"
#include "src/io/memory/memory_table.h"
#include "src/session/engine.h"
#include "tests/session/session_testing.h"
#include "tests/slt/session_configs.h"

namespace velaria {
namespace {

int64_t number(const DataFrame& frame) {
  const QueryResult result = frame.collect();
  EXPECT_EQ(result.rows, 1);
  return result.chunks.at(0).columns.at(0)->value(0).as_int64();
}

ErrorKind failure(DataflowSession& session, const std::string& sql) {
  try {
    session.sql(sql).collect();
  } catch (const Error& error) {
    return error.kind();
  }
  ADD_FAILURE() << sql << " did not fail";
  return ErrorKind::kInternal;
}

TEST(TableWritesTest, AFrameReadsTheTableAsItIsWhenItRuns) {
  DataflowSession session;
  session.sql("CREATE TABLE t (n INT)");
  const DataFrame sum = session.sql("SELECT count(*) FROM t");
  const DataFrame table = session.table("t");
  EXPECT_EQ(number(sum), 0);
  EXPECT_EQ(number(session.sql("INSERT INTO t VALUES (1), (2)")), 2);
  EXPECT_EQ(number(sum), 2);
  EXPECT_EQ(table.count(), 2);
  const QueryResult before = table.collect();
  session.sql("DELETE FROM t WHERE n = 1");
  EXPECT_EQ(before.chunks.at(0).columns.at(0)->value(0).as_int64(), 1);
  EXPECT_EQ(table.count(), 1);
}

TEST(TableWritesTest, RowByRowInsertsMakeFewBlocks) {
  DataflowSession session;
  session.sql("CREATE TABLE t (n INT, s VARCHAR)");
  constexpr int kRows = 5000;
  for (int i = 0; i < kRows; ++i) {
    session.sql(concat("INSERT INTO t VALUES (", i, ", 'a text too long to lie inline ", i, "')"));
  }
  const auto table = session.engine()->entry("t").table;
  ASSERT_NE(table, nullptr);
  // Two full blocks or three, and a power of two for each bit of the rest.
  EXPECT_LE(table->rows_now()->column_blocks(0).size(), 16u);
  const QueryResult rows = session.sql("SELECT * FROM t").collect();
  int64_t next = 0;
  for (const Chunk& chunk : rows.chunks) {
    for (int64_t row = 0; row < chunk.rows; ++row, ++next) {
      ASSERT_EQ(chunk.columns[0]->value(row).as_int64(), next);
      ASSERT_EQ(chunk.columns[1]->value(row).as_text(),
                concat("a text too long to lie inline ", next));
    }
  }
  EXPECT_EQ(next, kRows);
}

// Every statement keeps the sum at zero, so no reader may ever see another one, and a query that
// reads the table twice sees the same rows twice.
TEST(TableWritesTest, ReadersSeeWholeStatements) {
  for (const SessionConfig& config : session_configs()) {
    DataflowSession session(config.options);
    session.sql("CREATE TABLE t (n INT)");
    std::atomic<bool> done{false};
    std::atomic<int> wrong{0};
    std::thread reader([&] {
      while (!done) {
        const QueryResult result =
            session.sql("SELECT coalesce(sum(n), 0), count(*) FROM t").collect();
        if (result.chunks[0].columns[0]->value(0).as_int64() != 0) ++wrong;
        if (result.chunks[0].columns[1]->value(0).as_int64() % 2 != 0) ++wrong;
      }
    });
    std::thread writer([&] {
      for (int i = 1; i <= 60; ++i) {
        session.sql(concat("INSERT INTO t VALUES (", i, "), (", -i, ")"));
      }
    });
    std::thread changer([&] {
      for (int i = 1; i <= 20; ++i) {
        session.sql("UPDATE t SET n = -n");
        session.sql(concat("DELETE FROM t WHERE n = ", i, " OR n = ", -i));
      }
    });
    writer.join();
    changer.join();
    done = true;
    reader.join();
    EXPECT_EQ(wrong, 0) << config.name;
    // No insert was lost to a change that had begun before it: rows 21 to 60 were never deleted.
    EXPECT_EQ(number(session.sql("SELECT count(*) FROM t WHERE n > 20")), 40) << config.name;
  }
}

TEST(TableWritesTest, TheMemoryLimitLeavesTheTableAsItWas) {
  SessionOptions options;
  options.memory_limit_bytes = 4 << 20;
  DataflowSession session(options);
  session.sql("CREATE TABLE t (n BIGINT, s VARCHAR)");
  std::string values = "(0, 'x')";
  for (int i = 1; i < 1000; ++i) values += concat(", (", i, ", 'some text that is long ", i, "')");
  session.sql("INSERT INTO t VALUES " + values);
  int64_t rows = 1000;
  for (;;) {
    try {
      session.sql("INSERT INTO t SELECT * FROM t");
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kResource) << error.message();
      break;
    }
    rows *= 2;
    ASSERT_LT(rows, 1000000) << "the limit does not hold";
  }
  EXPECT_GT(rows, 1000);
  EXPECT_EQ(session.table("t").count(), rows);
  // What is deleted is given back.
  session.sql("DELETE FROM t");
  EXPECT_EQ(session.engine()->budget()->used_bytes(), 0u);
  session.sql("INSERT INTO t VALUES " + values);
  session.sql("DROP TABLE t");
  EXPECT_EQ(session.engine()->budget()->used_bytes(), 0u);
}

TEST(TableWritesTest, AnInterruptLeavesTheTableAsItWas) {
  SessionOptions options;
  options.threads = 1;
  options.chunk_rows = 1;
  auto armed = std::make_shared<bool>(false);
  options.interrupt_check = [armed] {
    if (*armed) throw std::runtime_error("interrupted");
  };
  DataflowSession session(options);
  session.sql("CREATE TABLE t (n BIGINT)");
  std::string values = "(0)";
  for (int i = 1; i < 1000; ++i) values += concat(", (", i, ")");
  session.sql("INSERT INTO t VALUES " + values);
  *armed = true;
  EXPECT_THROW(session.sql("UPDATE t SET n = n + 1"), std::runtime_error);
  EXPECT_THROW(session.sql("DELETE FROM t WHERE n > 5"), std::runtime_error);
  EXPECT_THROW(session.sql("INSERT INTO t SELECT * FROM t"), std::runtime_error);
  EXPECT_THROW(session.sql("CREATE TABLE u AS SELECT * FROM t"), std::runtime_error);
  *armed = false;
  EXPECT_EQ(number(session.sql("SELECT sum(n) FROM t")), 999 * 1000 / 2);
  EXPECT_EQ(failure(session, "SELECT * FROM u"), ErrorKind::kCatalog);
}

TEST(TableWritesTest, VectorSearchSeesWhatIsWritten) {
  DataflowSession session;
  session.sql("CREATE TABLE t (v FLOAT[2])");
  session.sql("INSERT INTO t VALUES ([0.0, 0.0]), ([9.0, 9.0])");
  const auto best = [&] { return number(session.vector_search("t", "v", {8, 8}, 1, "l2")); };
  EXPECT_EQ(best(), 1);
  session.sql("INSERT INTO t VALUES ([8.0, 8.0])");
  EXPECT_EQ(best(), 2);
  session.sql("DELETE FROM t WHERE CAST(v AS VARCHAR) = '[9.0, 9.0]'");
  EXPECT_EQ(best(), 1);
}

}  // namespace
}  // namespace velaria
