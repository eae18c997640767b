#include <gtest/gtest.h>

#include "src/base/error.h"
#include "src/sql/parser.h"
#include "src/sql/script.h"
#include "tests/sql/tree_dump.h"

namespace velaria::sql {
namespace {

struct Case {
  const char* sql;
  const char* tree;
};

class Statements : public testing::TestWithParam<Case> {};

TEST_P(Statements, AreAsWritten) {
  EXPECT_EQ(dump(parse_statement(GetParam().sql)), GetParam().tree);
}

INSTANTIATE_TEST_SUITE_P(
    Clauses, Statements,
    testing::Values(
        Case{"select a, b as c, d e, * , t.* from t;", "(select [a b:c d:e * t.*] (from t))"},
        Case{"SELECT DISTINCT a FROM t", "(select-distinct [a] (from t))"},
        Case{"SELECT DISTINCT ON (a, b) c FROM t", "(select-distinct (on a b) [c] (from t))"},
        Case{"SELECT a FROM t WHERE b GROUP BY c, 2 HAVING d ORDER BY e DESC, 2 NULLS FIRST "
             "LIMIT 10 OFFSET 5",
             "(select [a] (from t) (where b) (group c 2) (having d) (order e-desc 2-nulls-first) "
             "(limit 10) (offset 5))"},
        Case{"SELECT a FROM t GROUP BY ALL OFFSET 5 ROWS FETCH FIRST 3 ROWS ONLY",
             "(select [a] (from t) group-all (limit 3) (offset 5))"},
        Case{"SELECT a FROM t LIMIT ALL", "(select [a] (from t))"},
        Case{"SELECT rank() OVER w FROM t WINDOW w AS (ORDER BY a), v AS (w) QUALIFY r < 3",
             "(select [(rank (over w))] (from t) (window w (over (order a))) (window v (over w)) "
             "(qualify (< r 3)))"},
        Case{"SELECT w, k, sum(v) FROM s WHERE k > 1 WINDOW BY ts EVERY 60000 AS w GROUP BY w, k",
             "(select [w k (sum v)] (from s) (where (> k 1)) (window-by ts 60000 60000 w) "
             "(group w k))"},
        Case{"SELECT w FROM s WINDOW BY s.time EVERY INTERVAL '1 day' SLIDE INTERVAL 1 HOUR AS w",
             "(select [w] (from s) (window-by s.time 86400000 3600000 w))"},
        Case{"SELECT id FROM v WHERE a = 1 HYBRID SEARCH emb QUERY '[1 2]' METRIC L2 TOP_K 5 "
             "SCORE_THRESHOLD 0.5 ORDER BY id",
             "(select [id] (from v) (where (= a 1)) (hybrid emb '[1 2]' l2 5 0.5) (order id))"},
        Case{"SELECT id FROM v HYBRID SEARCH emb QUERY [1, 2] TOP_K 5",
             "(select [id] (from v) (hybrid emb '[1,2]' cosine 5))"},
        Case{"SELECT date, time, year, query, source, every, hybrid FROM value metric",
             "(select [date time year query source every hybrid] (from value:metric))"},
        Case{"SELECT a AS order, b AS \"select\" FROM t", "(select [a:order b:select] (from t))"},
        Case{"SELECT 1", "(select [1])"}));

INSTANTIATE_TEST_SUITE_P(
    From, Statements,
    testing::Values(
        Case{"SELECT * FROM a, b x JOIN c ON x.i = c.i",
             "(select [*] (from (cross a (inner b:x c (= x.i c.i)))))"},
        Case{"SELECT * FROM a LEFT OUTER JOIN b USING (i, j) CROSS JOIN c NATURAL JOIN d",
             "(select [*] (from (natural-inner (cross (left a b (using i j)) c) d)))"},
        Case{"SELECT * FROM a FULL JOIN b ON true RIGHT JOIN c ON false",
             "(select [*] (from (right (full a b true) c false)))"},
        Case{"SELECT * FROM a SEMI JOIN b USING (i) ANTI JOIN c USING (i)",
             "(select [*] (from (anti (semi a b (using i)) c (using i))))"},
        Case{"SELECT * FROM a LEFT SEMI JOIN b ON x", "(select [*] (from (semi a b x)))"},
        Case{"SELECT * FROM (a JOIN b ON x) JOIN c ON y",
             "(select [*] (from (inner (inner a b x) c y)))"},
        Case{"SELECT * FROM (SELECT 1) AS t(x), (VALUES (1, 'a'), (2, 'b')) v(i, s)",
             "(select [*] (from (cross (select [1]):t(x) (values [ 1 'a' ] [ 2 'b' ]):v(i s))))"},
        Case{"SELECT * FROM 'dir/file.csv' f", "(select [*] (from 'dir/file.csv':f))"},
        Case{"SELECT * FROM read_csv('x.csv', delimiter => ';', header = true)",
             "(select [*] (from (table-function read_csv 'x.csv' delimiter:';' header:true)))"},
        Case{"SELECT * FROM s.t, LATERAL (SELECT t.a) l, generate_series(1, 3) g(i)",
             "(select [*] (from (cross (cross s.t lateral (select [t.a]):l) (table-function "
             "generate_series 1 3):g(i))))"}));

INSTANTIATE_TEST_SUITE_P(
    Sets, Statements,
    testing::Values(
        Case{"SELECT 1 UNION SELECT 2 INTERSECT SELECT 3",
             "(union (select [1]) (intersect (select [2]) (select [3])))"},
        Case{"SELECT 1 EXCEPT ALL SELECT 2 UNION ALL SELECT 3 ORDER BY 1 LIMIT 2",
             "(union-all (except-all (select [1]) (select [2])) (select [3]) (order 1) (limit 2))"},
        Case{"(SELECT 1 UNION SELECT 2) INTERSECT ALL (SELECT 3 ORDER BY 1)",
             "(intersect-all (union (select [1]) (select [2])) (select [3] (order 1)))"},
        Case{"(SELECT a FROM t LIMIT 3) ORDER BY a",
             "(select [*] (from (select [a] (from t) (limit 3))) (order a))"},
        Case{"(SELECT a FROM t) ORDER BY a", "(select [a] (from t) (order a))"},
        Case{"((SELECT 1))", "(select [1])"},
        Case{"VALUES (1, 2), (3, 4) ORDER BY 1", "(values [ 1 2 ] [ 3 4 ] (order 1))"},
        Case{"WITH a AS (SELECT 1), b(x) AS MATERIALIZED (SELECT 2) SELECT * FROM a, b",
             "(with a=(select [1]) with b(x)=(select [2]) select [*] (from (cross a b)))"},
        Case{"WITH RECURSIVE r(n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM r) SELECT n FROM r",
             "(with-recursive r(n)=(union-all (values [ 1 ]) (select [(+ n 1)] (from r))) select "
             "[n] "
             "(from r))"}));

INSTANTIATE_TEST_SUITE_P(
    Others, Statements,
    testing::Values(
        Case{"CREATE TABLE t (a INT, date DATE, \"Big\" DECIMAL(10, 2) NULL)",
             "(create-table t a:int32 date:date32 Big:decimal128(10, 2))"},
        Case{"CREATE OR REPLACE TEMP TABLE t AS SELECT 1",
             "(create-table or-replace temporary t (select [1]))"},
        Case{"CREATE TABLE IF NOT EXISTS t OPTIONS(path: 'x.csv', header: true, skip: -1, n: NULL)",
             "(create-table if-not-exists t { path:'x.csv' header:true skip:-1 n:NULL })"},
        Case{"CREATE SOURCE TABLE s (ts TIMESTAMP, v DOUBLE) USING csv OPTIONS('my key': 'x', a.b: "
             "1)",
             "(create-source-table s ts:timestamp[us] v:float64 using-csv { my key:'x' a.b:1 })"},
        Case{"CREATE SINK TABLE s USING json OPTIONS()", "(create-sink-table s using-json { })"},
        Case{"CREATE OR REPLACE VIEW v(a) AS WITH x AS (SELECT 1) SELECT * FROM x",
             "(create-view or-replace v(a) (with x=(select [1]) select [*] (from x)))"},
        Case{"DROP TABLE IF EXISTS s.t", "(drop-table if-exists s.t)"},
        Case{"DROP VIEW v", "(drop-view v)"},
        Case{"INSERT INTO t VALUES (1, 'a'), (2, NULL)",
             "(insert t (values [ 1 'a' ] [ 2 NULL ]))"},
        Case{"INSERT INTO t (a, date) SELECT 1, 2", "(insert t(a date) (select [1 2]))"},
        Case{"INSERT INTO t (SELECT 1)", "(insert t (select [1]))"},
        Case{"UPDATE t SET a = a + 1, b = NULL WHERE c", "(update t a:(+ a 1) b:NULL (where c))"},
        Case{"DELETE FROM t", "(delete t)"},
        Case{"DELETE FROM t WHERE a = 1", "(delete t (where (= a 1)))"},
        Case{"EXPLAIN ANALYZE SELECT 1", "(explain analyze (select [1]))"},
        Case{"DESCRIBE t", "(describe t)"}, Case{"DESC SELECT 1", "(describe (select [1]))"},
        Case{"SHOW TABLES", "(show-tables)"},
        Case{"COPY t TO 'x.csv' (HEADER, DELIMITER ';', format csv)",
             "(copy t 'x.csv' { HEADER:true DELIMITER:';' format:'csv' })"},
        Case{"COPY (SELECT 1) TO 'x.csv'", "(copy (select [1]) 'x.csv')"}));

TEST(Script, SplitsAtSemicolons) {
  const std::vector<Statement> script = parse_script(";; SELECT 1;\n-- nothing\n SELECT ';' ;");
  ASSERT_EQ(script.size(), 2u);
  EXPECT_EQ(script[1].position, 25);
  EXPECT_TRUE(parse_script(" -- only a comment").empty());
}

TEST(Script, TextsOfStatements) {
  const std::vector<std::string> expected = {"SELECT ';' AS \";\"", "not /* ; */ SQL"};
  EXPECT_TRUE(split_statements(" ; -- only; a comment\n;").empty());
  EXPECT_EQ(split_statements("; SELECT ';' AS \";\" ;;\n-- a; b\n not /* ; */ SQL -- end\n"),
            expected);
  for (const char* open : {"SELECT 'a;", "SELECT \"a;", "SELECT 1 /* ;"}) {
    try {
      split_statements(open);
      ADD_FAILURE() << open;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kSqlSyntax) << open;
    }
  }
}

}  // namespace
}  // namespace velaria::sql
