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
