#include <gtest/gtest.h>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/sql/parser.h"
#include "src/sql/source_position.h"
#include "src/sql/unsupported.h"

namespace velaria::sql {
namespace {

constexpr ErrorKind kSyntax = ErrorKind::kSqlSyntax;
constexpr ErrorKind kSemantic = ErrorKind::kSqlSemantic;
constexpr ErrorKind kUnsupported = ErrorKind::kSqlUnsupported;

struct Case {
  const char* sql;
  ErrorKind kind;
  const char* place;
  const char* part;  // of the message
};

class Errors : public testing::TestWithParam<Case> {};

TEST_P(Errors, SayWhatAndWhere) {
  try {
    parse_statement(GetParam().sql);
    FAIL() << "parsed: " << GetParam().sql;
  } catch (const Error& error) {
    EXPECT_EQ(error_kind_name(error.kind()), error_kind_name(GetParam().kind));
    EXPECT_NE(error.message().find(GetParam().part), std::string::npos) << error.message();
    EXPECT_NE(error.message().find(concat("\nline ", GetParam().place, "\n")), std::string::npos)
        << error.message();
  }
}

INSTANTIATE_TEST_SUITE_P(
    Syntax, Errors,
    testing::Values(
        Case{"", kSyntax, "1:1", "no SQL statement"},
        Case{"SELCT 1", kSyntax, "1:1", "did you mean 'SELECT'?"},
        Case{"FOO 1", kSyntax, "1:1", "statements begin with SELECT"},
        Case{"SELECT a, FROM t", kSyntax, "1:11", "expected an expression, found 'FROM'"},
        Case{"SELECT", kSyntax, "1:7", "found the end of the text"},
        Case{"SELECT a\nFROM\n  ", kSyntax, "2:5", "expected a table, found the end of the text"},
        Case{"SELECT (a + b FROM t", kSyntax, "1:15", "expected ',' or ')', found 'FROM'"},
        Case{"SELECT (a + b", kSyntax, "1:8", "'(' is not closed"},
        Case{"SELECT f(a, b", kSyntax, "1:9", "'(' is not closed"},
        Case{"SELECT a b c FROM t", kSyntax, "1:12",
             "expected the end of the statement, found 'c'"},
        Case{"SELECT a FROM t WHER b = 1", kSyntax, "1:22", "did you mean 'WHERE'?"},
        Case{"SELECT a FORM t", kSyntax, "1:15", "did you mean 'FROM'?"},
        Case{"SELECT a FROM t GROUP BY a WHERE b", kSyntax, "1:28", "stand in this order"},
        Case{"SELECT a FROM t JOIN s", kSyntax, "1:23", "expected ON or USING"},
        Case{"SELECT a FROM order", kSyntax, "1:15", "as a name it is written \"order\""},
        Case{"SELECT 'abc", kSyntax, "1:8", "string is not closed"},
        Case{"SELECT 1 /* a /* b */", kSyntax, "1:10", "comment '/*' is not closed"},
        Case{"SELECT \"abc", kSyntax, "1:8", "not closed"},
        Case{"SELECT `a`", kSyntax, "1:8", "double quotes"},
        Case{"SELECT \xE2\x80\x98"
             "a\xE2\x80\x99",
             kSyntax, "1:8", "did you mean '"},
        Case{"SELECT a\xEF\xBC\x8C b FROM t", kSyntax, "1:9", "did you mean ,"},
        Case{"SELECT '\xFF'", kSyntax, "1:9", "not valid UTF-8 at byte 8"},
        Case{"SELECT E'\\xff'", kSyntax, "1:8", "invalid UTF-8"},
        Case{"SELECT 1abc", kSyntax, "1:8", "runs into letters"},
        Case{"SELECT 1 < x < 3", kSyntax, "1:14", "comparisons do not chain"},
        Case{"SELECT a NOT b", kSyntax, "1:14", "expected IN, BETWEEN, LIKE"},
        Case{"SELECT a IS b", kSyntax, "1:13", "behind IS"},
        Case{"SELECT CASE WHEN a THEN b", kSyntax, "1:26", "END of the CASE"},
        Case{"SELECT * + 1", kSyntax, "1:10", "found '+'"},
        Case{"VALUES (1, 2), (3)", kSyntax, "1:16", "row 2 has 1 values, row 1 has 2"},
        Case{"SELECT 1; SELECT 2", kSyntax, "1:11", "one statement is expected"},
        Case{"SELECT a FROM t LIMIT 1 LIMIT 2", kSyntax, "1:25", "limited twice"},
        Case{"SELECT sum(a) OVER (ROWS BETWEEN 1 FOLLOWING AND 1 PRECEDING)", kSyntax, "1:21",
             "ends before it begins"},
        Case{"CREATE TABLE t OPTIONS(path = 'x')", kSyntax, "1:29",
             "options are written path: value"},
        Case{"CREATE TABLE t OPTIONS(format: csv)", kSyntax, "1:32", "'csv'"},
        Case{"CREATE TABLE t OPTIONS(a: 1, A: 2)", kSyntax, "1:30", "given twice"},
        Case{"CREATE TABLE t (a INT, A INT)", kSyntax, "1:24", "defined twice"},
        Case{"CREATE TABLE t", kSyntax, "1:15", "a list of columns"},
        Case{"SELECT w FROM t WINDOW BY ts EVERY 1000", kSyntax, "1:40", "expected AS"},
        Case{"SELECT w FROM t WINDOW BY ts + 1 EVERY 1000 AS w", kSyntax, "1:30", "expected EVERY"},
        Case{"SELECT * FROM SELECT 1", kSyntax, "1:15", "in parentheses"},
        Case{"SELECT \xE5\x9F\x8E \xE5\xB8\x82 +", kSyntax, "1:12", "found '+'"}));

INSTANTIATE_TEST_SUITE_P(
    Values, Errors,
    testing::Values(
        Case{"SELECT DATE '2013-02-30'", kSemantic, "1:13", "is no DATE"},
        Case{"SELECT TIMESTAMP '2013-01-01 00:00:00+02'", kSemantic, "1:18", "TIMESTAMPTZ"},
        Case{"SELECT INTERVAL '1 lightyear'", kSemantic, "1:17", "is no INTERVAL"},
        Case{"SELECT 999999999999999999999999999999999999999", kSemantic, "1:8", "38 digits"},
        Case{"SELECT 1e999", kSemantic, "1:8", "float64"},
        Case{"SELECT [1e39]", kSemantic, "1:9", "float32"},
        Case{"SELECT CAST(a AS intt)", kSemantic, "1:18", "did you mean 'int'?"},
        Case{"SELECT a::decimal", kSemantic, "1:11", "precision and scale"},
        Case{"SELECT a::timestamp(4)", kSemantic, "1:11", "0, 3, 6 or 9"},
        Case{"SELECT w FROM t WINDOW BY ts EVERY 0 AS w", kSemantic, "1:36", "at least 1 ms"},
        Case{"SELECT w FROM t WINDOW BY ts EVERY 1000 SLIDE 0 AS w", kSemantic, "1:47",
             "SLIDE is 0 ms, but must be at least 1 ms"},
        Case{"SELECT CAST(a AS str)", kSemantic, "1:18", "did you mean 'string'?"},
        Case{"SELECT w FROM t WINDOW BY ts EVERY -5 AS w", kSemantic, "1:36", "EVERY is -5 ms"},
        Case{"SELECT w FROM t WINDOW BY ts EVERY 1000 SLIDE 2000 AS w", kSemantic, "1:47",
             "SLIDE 2000 is larger than EVERY 1000"},
        Case{"SELECT w FROM t WINDOW BY ts EVERY INTERVAL '1 month' AS w", kSemantic, "1:36",
             "fixed length"},
        Case{"SELECT 1 FROM t HYBRID SEARCH v QUERY '[1]' TOP_K 0", kSemantic, "1:51",
             "TOP_K is 0"}));

INSTANTIATE_TEST_SUITE_P(
    Unsupported, Errors,
    testing::Values(Case{"MERGE INTO t USING s ON a", kUnsupported, "1:1",
                         "MERGE is not supported; use UPDATE"},
                    Case{"SELECT a FROM t FOR UPDATE", kUnsupported, "1:17", "FOR UPDATE"},
                    Case{"SELECT a ^ 2 FROM t", kUnsupported, "1:10", "power(a, b)"},
                    Case{"SELECT (a, b) IN (1, 2) FROM t", kUnsupported, "1:8", "row value"}));

// Every row of the published list is refused under its name.
TEST(Unsupported, ExamplesOfTheTable) {
  for (const UnsupportedSql& row : unsupported_sql()) {
    try {
      parse_statement(row.example);
      ADD_FAILURE() << "parsed: " << row.example;
    } catch (const Error& error) {
      EXPECT_EQ(error.message().find(concat(row.name, " is not supported; ")), 0u)
          << row.example << "\n"
          << error.message();
      EXPECT_EQ(error.kind(), ErrorKind::kSqlUnsupported) << row.example;
    }
  }
}

TEST(PointAt, ShowsTheLineAndACaret) {
  EXPECT_EQ(point_at("SELECT carier FROM flights", 7),
            "line 1:8\n  SELECT carier FROM flights\n         ^");
  EXPECT_EQ(point_at("a\r\n\tb", 4), "line 2:2\n   b\n   ^");
  EXPECT_EQ(point_at("", 5), "line 1:1\n  \n  ^");
  // Two columns of the screen for one column of the text.
  EXPECT_EQ(point_at("\xE5\x9F\x8E x", 4), "line 1:3\n  \xE5\x9F\x8E x\n     ^");
  const std::string far = point_at(std::string(1000, 'x') + "y" + std::string(1000, 'z'), 1000);
  EXPECT_EQ(far.substr(0, 12), "line 1:1001\n");
  EXPECT_LT(far.size(), 300u);
  EXPECT_EQ(point_at("SELECT '\xFF'", 8), "line 1:9\n  SELECT '?'\n          ^");
}

}  // namespace
}  // namespace velaria::sql
