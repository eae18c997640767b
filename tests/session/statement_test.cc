// Parameters and COPY through the front door; table functions are in tests/slt/table_functions.slt.
#include "gtest/gtest.h"
#include "src/base/error.h"
#include "src/base/file_system.h"
#include "src/sql/unsupported.h"
#include "tests/session/session_testing.h"

namespace velaria {
namespace {

sql::Parameters positional(std::vector<Value> values) { return {std::move(values), {}}; }

TEST(StatementTest, ParametersStandWhereLiteralsDo) {
  DataflowSession session;
  session.sql("CREATE TABLE t (n BIGINT, s VARCHAR, d DATE)");
  session.sql("INSERT INTO t VALUES (?, ?, ?), (2, 'b', NULL)",
              positional({Value::int64(1), Value::utf8("it's"), Value::utf8("2024-01-02")}));
  EXPECT_EQ(rows_of(session.table("t")), (Rows{"1|it's|2024-01-02", "2|b|NULL"}));
  EXPECT_EQ(rows_of(session.sql("SELECT n FROM (SELECT * FROM t WHERE n IN ($2, $1)) q LIMIT $1",
                                positional({Value::int64(1), Value::int64(2)}))),
            Rows{"1"});
  EXPECT_EQ(rows_of(session.sql("SELECT $x + $x", {{}, {{"x", Value::int64(21)}}})), Rows{"42"});
  EXPECT_EQ(rows_of(session.sql("SELECT * FROM range(?, ?)",
                                positional({Value::int64(4), Value::int64(6)}))),
            (Rows{"4", "5"}));
  // ? are numbered by their place, also when the parser reads a part twice.
  EXPECT_EQ(rows_of(session.sql("SELECT (?), CASE ? WHEN ? THEN 'same' END BETWEEN ? AND ?",
                                positional({Value::int64(7), Value::int64(1), Value::int64(1),
                                            Value::utf8("r"), Value::utf8("t")}))),
            Rows{"7|true"});
}

TEST(StatementTest, ParametersThatDoNotFit) {
  DataflowSession session;
  EXPECT_ERROR(session.sql("SELECT 1 + ?"), "SqlSemanticError", "line 1:12");
  EXPECT_ERROR(session.sql("SELECT $0", positional({Value::int64(1)})), "SqlSemanticError",
               "the first one is $1");
  EXPECT_ERROR(session.sql("SELECT ?, $1", positional({Value::int64(1)})), "SqlSemanticError",
               "are mixed");
  EXPECT_ERROR(session.sql("SELECT $99999999999999999999", positional({Value::int64(1)})),
               "SqlSemanticError", "has no value");
  EXPECT_ERROR(session.sql("SELECT $1", positional({Value::int64(1), Value::int64(2)})),
               "SqlSemanticError", "no parameter for value 2");
  EXPECT_ERROR(session.sql("SELECT $name", positional({Value::int64(1)})), "SqlSemanticError",
               "by position");
  EXPECT_ERROR(session.sql("SELECT $tag$ text $tag$"), "SqlUnsupportedError", "dollar quotes");
}

TEST(StatementTest, ParametersChooseNoColumn) {
  DataflowSession session;
  session.sql("CREATE VIEW v AS SELECT * FROM (VALUES (1, 3), (2, 2), (3, 1)) t(a, b)");
  const auto two = positional({Value::int64(2)});
  const std::string_view advice = "parameters are values and choose no column";
  for (const char* query :
       {"SELECT a, b FROM v ORDER BY ?", "SELECT a, b FROM v ORDER BY (?) DESC",
        "SELECT a, b FROM v ORDER BY -?", "SELECT a, b FROM v GROUP BY $1, a, b",
        "SELECT a, count(*) FROM v GROUP BY ROLLUP (a, ?)", "SELECT DISTINCT ON (?) a, b FROM v",
        "SELECT a, b FROM v UNION SELECT 1, 2 ORDER BY ?"}) {
    EXPECT_ERROR(session.sql(query, two), "SqlSemanticError", advice);
  }
  EXPECT_ERROR(session.sql("SELECT a, b FROM v ORDER BY ?", positional({Value::utf8("b")})),
               "SqlSemanticError", advice);
  // A part of an expression it may be, and the number of rows.
  EXPECT_EQ(rows_of(session.sql("SELECT a FROM v ORDER BY a * -? LIMIT ?",
                                positional({Value::int64(2), Value::int64(1)}))),
            Rows{"3"});
}

TEST(StatementTest, CopyReplacesTheFileAsAWhole) {
  DataflowSession session;
  const std::string path = write_file("copy/t.csv", "old");
  EXPECT_ERROR(
      session.sql("COPY (SELECT CAST(s AS INT) AS n FROM (VALUES ('1'), ('x')) v(s)) TO '" + path +
                  "'"),
      "TypeMismatchError", "cannot cast");
  EXPECT_EQ(read_file(*local_file_system(), path), "old");
  session.sql("COPY (SELECT n, n * 0.5 AS half FROM range(0, 3) t(n)) TO '" + path + "'");
  EXPECT_EQ(read_file(*local_file_system(), path), "n,half\n0,0.0\n1,0.5\n2,1.0\n");
  const auto names = local_file_system()->list_directory(directory_of(path));
  EXPECT_EQ(names, std::vector<std::string>{"t.csv"});
  // Nothing is left behind when the rename fails.
  const std::string folder = temp_path("copy/folder.csv");
  std::filesystem::create_directories(folder + "/inside");
  EXPECT_ERROR(session.sql("COPY (SELECT 1 AS x) TO '" + folder + "'"), "FileAccessError",
               "folder.csv");
  EXPECT_EQ(local_file_system()->list_directory(directory_of(path)).size(), 2u);
}

// The second part of the published list; the first is what the parser refuses, see tests/sql.
TEST(StatementTest, WhatIsRefusedWhenBound) {
  DataflowSession session;
  session.sql("CREATE TABLE t AS SELECT 1::bigint AS a, 2::bigint AS b");
  session.sql("CREATE TABLE s AS SELECT 1::bigint AS a, 3::bigint AS d");
  for (const sql::UnsupportedSql& row : sql::unsupported_when_bound()) {
    try {
      session.sql(std::string(row.example)).to_text();
      ADD_FAILURE() << "taken: " << row.example;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kSqlUnsupported) << row.example << "\n" << error.message();
    }
  }
}

// The texts of frame verbs become one statement, in which nothing may run into its neighbour.
TEST(StatementTest, VerbsTakeTextsThatEndWithAComment) {
  DataflowSession session;
  const DataFrame frame = session.sql("SELECT * FROM (VALUES (1, 1), (1, 2), (2, 3)) AS t(a, b)");
  EXPECT_EQ(rows_of(frame.order_by({"a -- first", "b DESC -- then"})), (Rows{"1|2", "1|1", "2|3"}));
  EXPECT_EQ(rows_of(frame.select({"a + b AS s -- sum", "a"}).order_by({"s"})),
            (Rows{"2|1", "3|1", "5|2"}));
  EXPECT_EQ(rows_of(frame.with_column("c", "a * 10 -- ten").filter("c = 20 -- two")),
            Rows{"2|3|20"});
  EXPECT_EQ(
      rows_of(
          frame.group_by({"a -- key"}).agg({"count(*) AS n -- rows", "sum(b)"}).order_by({"a"})),
      (Rows{"1|2|3", "2|1|3"}));
  EXPECT_EQ(rows_of(frame.join_where(frame, "l.a = r.a AND l.b < r.b -- pairs")), Rows{"1|1|1|2"});
  EXPECT_ERROR(frame.order_by({"a; DROP TABLE t", "b"}), "SqlSyntaxError", "';'");
}

TEST(StatementTest, HowManyRowsAreShown) {
  DataflowSession session;
  const DataFrame frame = session.sql("SELECT 7 AS n");
  EXPECT_NE(frame.to_text(0).find("more than 0 rows"), std::string::npos);
  EXPECT_NE(frame.to_text(INT64_MAX).find("(1 row)"), std::string::npos);
  EXPECT_ERROR(frame.to_text(-1), "InvalidArgumentError", "most_rows is -1");
}

}  // namespace
}  // namespace velaria
