// Vector search through a session: scores worked out by hand, order, ties, what is left out,
// explain.
#include <cmath>
#include <sstream>

#include "tests/session/session_testing.h"

namespace velaria {
namespace {

// Row ids 0 to 6.
constexpr char kVectors[] =
    "CREATE TABLE v AS SELECT CAST(t AS FLOAT[2]) AS e, t FROM (VALUES ('[3, 4]'), ('[0, 2]'), "
    "(NULL), ('[3 4]'), ('[nan, 1]'), ('[0, 0]'), ('[-3, -4]')) q(t)";

void expect_matches(const DataFrame& found, const std::vector<int64_t>& ids,
                    const std::vector<double>& scores) {
  EXPECT_EQ(found.schema().to_string(), "row_id int64, score float64");
  const QueryResult result = found.collect();
  ASSERT_EQ(result.rows, static_cast<int64_t>(ids.size()));
  size_t next = 0;
  for (const Chunk& chunk : result.chunks) {
    for (int64_t row = 0; row < chunk.rows; ++row, ++next) {
      EXPECT_EQ(chunk.columns[0]->value(row).as_int64(), ids[next]) << "match " << next;
      EXPECT_NEAR(chunk.columns[1]->value(row).as_double(), scores[next], 1e-12) << next;
    }
  }
}

class VectorRuntimeTest : public testing::Test {
 protected:
  VectorRuntimeTest() { session_.sql(kVectors); }
  DataflowSession session_;
};

// cos([3,4],[0,2]) = 8 / (5 * 2); a zero norm scores 1; the opposite direction 2.
TEST_F(VectorRuntimeTest, CosineIsOneMinusSimilarityAscending) {
  expect_matches(session_.vector_search("v", "e", {3, 4}, 10, "cosine"), {0, 3, 1, 5, 6},
                 {0, 0, 0.2, 1, 2});
}

TEST_F(VectorRuntimeTest, DotIsDescending) {
  expect_matches(session_.vector_search("v", "e", {3, 4}, 10, "dot"), {0, 3, 1, 5, 6},
                 {25, 25, 8, 0, -25});
}

TEST_F(VectorRuntimeTest, L2IsTheEuclideanDistance) {
  expect_matches(session_.vector_search("v", "e", {3, 4}, 10, "l2"), {0, 3, 1, 5, 6},
                 {0, 0, std::sqrt(13.0), 5, 10});
}

TEST_F(VectorRuntimeTest, TopKCutsAndTiesGoByRowId) {
  expect_matches(session_.vector_search("v", "e", {3, 4}, 1, "cosine"), {0}, {0});
  expect_matches(session_.vector_search("v", "e", {0, 0}, 3, "cosine"), {0, 1, 3}, {1, 1, 1});
}

TEST_F(VectorRuntimeTest, TheMetricIsCosineAndTenWhenNotSaid) {
  EXPECT_EQ(rows_of(session_.vector_search("v", "e", {3, 4})),
            rows_of(session_.vector_search("v", "e", {3, 4}, 10, "cosine")));
}

TEST_F(VectorRuntimeTest, TextVectorsInBothSpellings) {
  EXPECT_EQ(rows_of(session_.vector_search("v", "t", {3, 4}, 5, "l2")),
            rows_of(session_.vector_search("v", "e", {3, 4}, 5, "l2")));
}

TEST_F(VectorRuntimeTest, ATextFileOfVectors) {
  const std::string path =
      write_file("vectors.csv", "name,e\na,\"[1,0,0]\"\nb,[0 1 0]\nc,\"[0,0,1]\"\n");
  session_.sql("CREATE TABLE f OPTIONS(path: '" + path + "')");
  expect_matches(session_.vector_search("f", "e", {0, 1, 0}, 2, "dot"), {1, 0}, {1, 0});
}

TEST_F(VectorRuntimeTest, AFilterRunsFirst) {
  session_.sql("CREATE VIEW some AS SELECT e FROM v WHERE t <> '[3, 4]'");
  // Ids are those of the view's rows: NULL <> x is not true, so six rows less one.
  EXPECT_EQ(session_.table("some").count(), 5);
  expect_matches(session_.vector_search("some", "e", {3, 4}, 2, "cosine"), {1, 0}, {0, 0.2});
}

// Row ids stay those of the whole table.
TEST_F(VectorRuntimeTest, WhereRunsFirstAndKeepsRowIds) {
  VectorSearchOptions options{2, "cosine", "t <> '[3, 4]'"};
  expect_matches(session_.vector_search("v", "e", {3, 4}, options), {3, 1}, {0, 0.2});
  options.where = "t IS NOT NULL AND 1 > 2";
  expect_matches(session_.vector_search("v", "e", {3, 4}, options), {}, {});
  // Of a query, and over the texts.
  session_.sql("CREATE VIEW turned AS SELECT t, e FROM v WHERE t IS NULL OR t <> '[0, 2]'");
  options.where = "t <> '[nan, 1]'";
  expect_matches(session_.vector_search("turned", "e", {3, 4}, options), {0, 2}, {0, 0});
  expect_matches(session_.vector_search("turned", "t", {3, 4}, options), {0, 2}, {0, 0});
  options.where = "t";
  EXPECT_ERROR(session_.vector_search("v", "e", {3, 4}, options), "TypeMismatchError",
               "which is utf8; it must be one condition");
  options.where = "u > 1";
  EXPECT_ERROR(session_.vector_search("v", "e", {3, 4}, options), "SqlSemanticError", "u");
}

TEST_F(VectorRuntimeTest, AThresholdCutsTheResult) {
  VectorSearchOptions options{10, "cosine", "", 0.5};
  expect_matches(session_.vector_search("v", "e", {3, 4}, options), {0, 3, 1}, {0, 0, 0.2});
  options = {10, "dot", "", 8};
  expect_matches(session_.vector_search("v", "e", {3, 4}, options), {0, 3, 1}, {25, 25, 8});
  options = {2, "l2", "", 100};
  expect_matches(session_.vector_search("v", "e", {3, 4}, options), {0, 3}, {0, 0});
  options.score_threshold = std::nan("");
  EXPECT_ERROR(session_.vector_search("v", "e", {3, 4}, options), "InvalidArgumentError",
               "score_threshold");
}

TEST_F(VectorRuntimeTest, ColumnsOfTheRowsFound) {
  VectorSearchOptions options{3, "l2", "", std::nullopt, {"t", "e"}};
  const DataFrame found = session_.vector_search("v", "e", {0, 3}, options);
  EXPECT_EQ(found.schema().to_string(),
            "row_id int64, score float64, t utf8, e fixed_size_list<float32>[2]");
  const Rows rows = rows_of(found);
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows[0], "1|1.0|[0, 2]|[0.0, 2.0]");
  session_.sql("CREATE VIEW longer AS SELECT t || '!' AS name, t, e FROM v");
  options.columns = {"name", "T"};
  const Rows named = rows_of(session_.vector_search("longer", "t", {0, 3}, options));
  ASSERT_EQ(named.size(), 3u);
  EXPECT_EQ(named[0], "1|1.0|[0, 2]!|[0, 2]");
  options.columns = {"nobody"};
  EXPECT_ERROR(session_.vector_search("v", "e", {3, 4}, options), "SqlSemanticError", "nobody");
}

TEST_F(VectorRuntimeTest, ManyQueriesGiveWhatEachGivesAlone) {
  const std::vector<float> queries{3, 4, 0, 2, -1, 1, 0, 0, 5, 5};
  for (const char* metric : {"cosine", "dot", "l2"}) {
    VectorSearchOptions options{4, metric, "t IS NOT NULL", std::nullopt, {"t"}};
    const DataFrame found = session_.vector_search_many("v", "e", queries, 5, options);
    EXPECT_EQ(found.schema().to_string(), "query_id int64, row_id int64, score float64, t utf8");
    Rows expected;
    for (size_t q = 0; q < 5; ++q) {
      const std::vector<float> query{queries[2 * q], queries[2 * q + 1]};
      for (const std::string& row : rows_of(session_.vector_search("v", "e", query, options))) {
        expected.push_back(std::to_string(q) + "|" + row);
      }
    }
    EXPECT_EQ(rows_of(found), expected) << metric;
  }
  EXPECT_EQ(session_.vector_search_many("v", "e", {}, 0).count(), 0);
  EXPECT_ERROR(session_.vector_search_many("v", "e", {1, 2, 3}, 2), "InvalidArgumentError",
               "do not make 2 queries");
}

TEST_F(VectorRuntimeTest, ATableThatChangesIsSearchedAsItIsNow) {
  expect_matches(session_.vector_search("v", "e", {9, 9}, 1, "l2"), {0}, {std::sqrt(61.0)});
  session_.sql("INSERT INTO v VALUES (CAST('[9, 9]' AS FLOAT[2]), 'new')");
  expect_matches(session_.vector_search("v", "e", {9, 9}, 1, "l2"), {7}, {0});
  session_.sql("DELETE FROM v WHERE t = '[3, 4]'");
  expect_matches(session_.vector_search("v", "e", {9, 9}, 1, "l2"), {6}, {0});
}

TEST_F(VectorRuntimeTest, ExplainHasItsEightLines) {
  const std::string text = session_.explain_vector_search("v", "e", {3, 4}, 5, "l2");
  std::istringstream in(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  ASSERT_EQ(lines.size(), 8u) << text;
  EXPECT_EQ(lines[0], "mode=exact-scan");
  EXPECT_EQ(lines[1], "metric=l2");
  EXPECT_EQ(lines[2], "dimension=2");
  EXPECT_EQ(lines[3], "top_k=5");
  EXPECT_EQ(lines[4], "candidate_rows=6");  // all but the NULL
  EXPECT_EQ(lines[5].rfind("backend=", 0), 0u);
  EXPECT_GT(lines[5].size(), std::string("backend=").size());
  EXPECT_EQ(lines[6], "filter_pushdown=false");
  EXPECT_EQ(lines[7], "acceleration=flat-buffer+simd-topk");
  VectorSearchOptions options{5, "l2", "t = '[3 4]'"};
  EXPECT_NE(session_.explain_vector_search("v", "e", {3, 4}, 1, options).find("candidate_rows=1\n"),
            std::string::npos);
}

TEST_F(VectorRuntimeTest, WhatIsWrongIsNamed) {
  EXPECT_ERROR(session_.vector_search("v", "e", {1, 2}, 0), "InvalidArgumentError", "top_k");
  const std::string wrong = error_of([&] { session_.vector_search("v", "e", {1, 2, 3}); });
  EXPECT_EQ(wrong.rfind("TypeMismatchError", 0), 0u) << wrong;
  EXPECT_NE(wrong.find("2"), std::string::npos) << wrong;
  EXPECT_NE(wrong.find("3"), std::string::npos) << wrong;
  EXPECT_ERROR(session_.vector_search("v", "e", {1, 2}, 3, "cosin"), "InvalidArgumentError",
               "cosine");
  EXPECT_ERROR(session_.vector_search("w", "e", {1, 2}), "CatalogError", "'w' does not exist");
  EXPECT_ERROR(session_.vector_search("v", "f", {1, 2}), "SqlSemanticError", "'f' does not exist");
  session_.sql("CREATE TABLE n AS SELECT 1 AS a");
  EXPECT_ERROR(session_.vector_search("n", "a", {1}), "TypeMismatchError", "int64");
}

TEST_F(VectorRuntimeTest, ThreadsDoNotShow) {
  std::string sql = "CREATE TABLE many AS SELECT CAST(t AS FLOAT[3]) AS e FROM (VALUES ";
  for (int i = 0; i < 5000; ++i) {
    sql += std::string(i > 0 ? ", " : "") + "('[" + std::to_string(i % 7) + "," +
           std::to_string(i % 11) + "," + std::to_string(i % 13) + "]')";
  }
  sql += ") q(t)";
  Rows expected;
  for (const size_t threads : {1, 2, 4}) {
    SessionOptions options;
    options.threads = threads;
    DataflowSession session(options);
    session.sql(sql);
    const Rows got = rows_of(session.vector_search("many", "e", {1, 2, 3}, 50, "cosine"));
    EXPECT_EQ(got.size(), 50u);
    if (expected.empty()) expected = got;
    EXPECT_EQ(got, expected) << threads << " threads";
  }
}

}  // namespace
}  // namespace velaria
