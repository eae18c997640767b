// EXPLAIN ANALYZE: what is counted must be true under every configuration.
#include "gtest/gtest.h"
#include "src/base/text.h"
#include "src/session/engine.h"
#include "tests/session/session_testing.h"
#include "tests/slt/session_configs.h"

namespace velaria {
namespace {

// The first operator whose name begins so, from the top.
const OperatorProfile* find(const OperatorProfile& node, const std::string& begin) {
  if (node.name.rfind(begin, 0) == 0) return &node;
  for (const OperatorProfile& child : node.children) {
    if (const OperatorProfile* found = find(child, begin)) return found;
  }
  return nullptr;
}

double own_times(const OperatorProfile& node) {
  double out = node.time_ms;
  for (const OperatorProfile& child : node.children) out += own_times(child);
  return out;
}

void make_table(DataflowSession& session, int rows) {
  std::string values = "(0, 'a')";
  for (int i = 1; i < rows; ++i) values += concat(", (", i, ", '", i % 3 == 0 ? "a" : "b", "')");
  session.sql("CREATE TABLE t (n BIGINT, k VARCHAR)");
  session.sql("INSERT INTO t VALUES " + values);
}

TEST(QueryProfileTest, EveryOperatorCountsItsRows) {
  for (const SessionConfig& config : session_configs()) {
    SCOPED_TRACE(config.name);
    DataflowSession session(config.options);
    make_table(session, 300);
    const uint64_t before = session.engine()->budget()->used_bytes();
    const QueryProfile profile =
        session.sql("SELECT k, sum(n) AS s FROM t WHERE n >= 100 GROUP BY k ORDER BY s").analyze();
    EXPECT_EQ(profile.rows, 2);
    EXPECT_EQ(profile.root.name, "Result");
    EXPECT_EQ(profile.root.rows, 2);
    const OperatorProfile* filter = find(profile.root, "Filter");
    const OperatorProfile* aggregate = find(profile.root, "Aggregate");
    const OperatorProfile* sort = find(profile.root, "Sort");
    const OperatorProfile* scan = find(profile.root, "Scan");
    ASSERT_TRUE(filter && aggregate && sort && scan);
    EXPECT_EQ(scan->rows, 300);
    EXPECT_EQ(filter->rows, 200);
    EXPECT_EQ(aggregate->rows, 2);
    EXPECT_EQ(sort->rows, 2);
    EXPECT_EQ(scan->chunks, (300 + config.options.chunk_rows - 1) / config.options.chunk_rows);
    EXPECT_GE(scan->bytes, 300 * 8);
    EXPECT_GT(aggregate->peak_memory_bytes, 0u);
    // What is put aside for good lies on the disk instead.
    EXPECT_GT(sort->peak_memory_bytes + sort->spilled_bytes, 0u);
    EXPECT_EQ(filter->peak_memory_bytes, 0u);
    EXPECT_GE(profile.peak_memory_bytes, aggregate->peak_memory_bytes);
    EXPECT_EQ(scan->tasks, config.options.chunk_rows == 2048 ? 1 : profile.threads);
    EXPECT_GT(profile.execution_ms, 0);
    EXPECT_GT(profile.planning_ms, 0);
    double pipelines_ms = 0;
    for (const PipelineTiming& pipeline : profile.pipelines) pipelines_ms += pipeline.wall_ms;
    EXPECT_LE(pipelines_ms, profile.execution_ms);
    EXPECT_EQ(session.engine()->budget()->used_bytes(), before);
    if (profile.threads == 1) {
      EXPECT_LE(own_times(profile.root), profile.execution_ms);
    }
  }
}

TEST(QueryProfileTest, AUnionGivesWhatItsChildrenGive) {
  DataflowSession session;
  make_table(session, 90);
  const QueryProfile profile =
      session.sql("SELECT n FROM t WHERE n < 10 UNION ALL SELECT n FROM t").analyze();
  const OperatorProfile* all = find(profile.root, "UnionAll");
  ASSERT_TRUE(all);
  EXPECT_EQ(all->rows, 100);
  ASSERT_EQ(all->children.size(), 2u);
  EXPECT_EQ(all->children[0].rows, 10);
  EXPECT_EQ(all->children[1].rows, 90);
}

TEST(QueryProfileTest, AJoinCountsBothOfItsParts) {
  for (const SessionConfig& config : session_configs()) {
    SCOPED_TRACE(config.name);
    DataflowSession session(config.options);
    make_table(session, 90);
    // 10 matches, 80 left rows and 5 right rows without one.
    const QueryProfile profile =
        session
            .sql(
                "SELECT a.n, b.n FROM t a FULL JOIN (SELECT n + 80 AS n FROM t WHERE n < 15) b "
                "ON a.n = b.n")
            .analyze();
    const OperatorProfile* join = find(profile.root, "Join");
    ASSERT_TRUE(join);
    EXPECT_EQ(join->rows, 95);
    // What is put aside for good lies on the disk instead.
    EXPECT_GT(join->peak_memory_bytes + join->spilled_bytes, 0u);
    ASSERT_EQ(join->children.size(), 2u);
    EXPECT_EQ(join->children[0].rows, 90);
    EXPECT_EQ(join->children[1].rows, 15);
  }
}

// What a join leaves of a chunk goes on together with what it leaves of the next ones, also when it
// carries columns that nobody reads, and texts.
TEST(QueryProfileTest, FewRowsOfManyChunksGoOnAsOne) {
  SessionOptions options;
  options.threads = 1;
  options.chunk_rows = 100;
  DataflowSession session(options);
  make_table(session, 5000);
  session.sql(
      "CREATE TABLE few AS SELECT n, concat('a text of some length ', n) AS x, 1 AS unread "
      "FROM t WHERE n % 20 = 0");
  const QueryProfile profile =
      session.sql("SELECT t.n + 1 AS n, few.x FROM t JOIN few ON t.n = few.n").analyze();
  const OperatorProfile* join = find(profile.root, "Join");
  const OperatorProfile* project = find(profile.root, "Project");
  ASSERT_TRUE(join && project);
  EXPECT_EQ(project->rows, 250);
  EXPECT_EQ(join->chunks, 50);
  EXPECT_LE(project->chunks, 5);
}

TEST(QueryProfileTest, ALimitStopsTheScan) {
  SessionOptions options;
  options.threads = 1;
  options.chunk_rows = 10;
  DataflowSession session(options);
  make_table(session, 500);
  const QueryProfile profile = session.sql("SELECT n FROM t LIMIT 5").analyze();
  const OperatorProfile* scan = find(profile.root, "Scan");
  ASSERT_TRUE(scan);
  EXPECT_LT(scan->rows, 500);
  EXPECT_EQ(profile.rows, 5);
}

TEST(QueryProfileTest, TheTextHasTheTreeAndTheTotals) {
  DataflowSession session;
  make_table(session, 90);
  const std::string text = session.explain("SELECT k, count(*) AS n FROM t GROUP BY k", true);
  for (const char* part : {"operator ", "Result ", "└─ ", "Aggregate count(*) by k", "Scan t",
                           "pipeline 0: ", "2 rows in ", "peak memory "}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
  }
  const QueryResult lines = session.sql("EXPLAIN ANALYZE SELECT k FROM t").collect();
  EXPECT_GT(lines.rows, 4);
  EXPECT_EQ(lines.schema.names(), std::vector<std::string>{"plan"});
  EXPECT_ERROR(session.sql("EXPLAIN ANALYZE SELECT CAST(k AS INT) FROM t"), "TypeMismatchError",
               "cannot cast");
}

}  // namespace
}  // namespace velaria
