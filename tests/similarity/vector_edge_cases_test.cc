// Special values, NULLs, odd tables, wrong requests, explain and cancellation.
#include <cmath>
#include <limits>
#include <ostream>

#include "gtest/gtest.h"
#include "src/base/error.h"
#include "src/similarity/exact_search.h"
#include "tests/similarity/vector_test_data.h"

namespace velaria {

// For gtest's messages.
void PrintTo(const VectorMatch& match, std::ostream* out) {
  *out << "row " << match.row_id << ": " << match.score;
}

namespace {

constexpr Metric kMetrics[] = {Metric::kCosine, Metric::kDot, Metric::kL2};
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

std::vector<int64_t> ids(const VectorSearchResult& result) {
  std::vector<int64_t> out;
  for (const VectorMatch& match : result.matches) out.push_back(match.row_id);
  return out;
}

// The same result everywhere, equal to brute force; returns it.
VectorSearchResult search_everywhere(const Vectors& vectors, const VectorSearchRequest& request) {
  VectorTable table = sliced_table(vectors, static_cast<int32_t>(request.query.size()));
  const std::vector<VectorMatch> expected = brute_force(vectors, request);
  VectorSearchResult first;
  bool have_first = false;
  // Norms are computed by the first search and then kept.
  for (bool norms : {false, true}) {
    for (SimdLevel level : available_simd_levels()) {
      const ForcedLevel forced(level);
      const VectorSearchResult result = search(table, request);
      EXPECT_EQ(result.matches, expected)
          << simd_level_name(level) << " norms=" << norms << " " << metric_name(request.metric);
      if (!have_first) first = result;
      have_first = true;
      EXPECT_EQ(result.left_out_nan, first.left_out_nan);
      EXPECT_EQ(result.left_out_null, first.left_out_null);
      EXPECT_EQ(result.candidate_rows, first.candidate_rows);
    }
  }
  return first;
}

void expect_error(ErrorKind kind, const std::string& part, const VectorTable& table,
                  const VectorSearchRequest& request) {
  try {
    search(table, request);
    ADD_FAILURE() << "no error; expected " << part;
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), kind);
    EXPECT_NE(error.message().find(part), std::string::npos) << error.message();
  }
}

TEST(VectorEdgeCasesTest, NullAndNanAreLeftOutAndCounted) {
  std::mt19937 random(test_seed());
  for (int32_t d : {1, 3, 16, 37}) {
    Vectors vectors = random_vectors(&random, 300, d);
    for (size_t i = 0; i < vectors.size(); i += 7) vectors[i].reset();
    for (size_t i = 3; i < vectors.size(); i += 7) {
      (*vectors[i])[random() % static_cast<uint32_t>(d)] = kNan;
    }
    for (Metric metric : kMetrics) {
      for (int64_t top_k : {5, 300}) {
        const auto result = search_everywhere(vectors, {metric, random_vector(&random, d), top_k});
        EXPECT_EQ(result.left_out_null, 43);
        EXPECT_EQ(result.left_out_nan, 43);
        EXPECT_EQ(result.candidate_rows, 257);
        EXPECT_EQ(result.matches.size(), top_k == 5 ? 5u : 214u);
      }
    }
  }
}

TEST(VectorEdgeCasesTest, NullRowsMayHoldAnything) {
  const Vectors vectors{std::vector<float>{kNan, 1}, std::vector<float>{1, 1},
                        std::vector<float>{1e30f, kInfinity}, std::vector<float>{2, 3}};
  ValidityBuilder validity;
  for (bool valid : {false, true, false, true}) validity.append(valid);
  VectorTable table(2);
  table.append(vector_column(vectors, 2)->with_validity(validity.finish()));
  for (Metric metric : kMetrics) {
    const auto result = search(table, {metric, {1, 1}, 4});
    EXPECT_EQ(result.matches.size(), 2u);
    EXPECT_EQ(result.left_out_null, 2);
    EXPECT_EQ(result.left_out_nan, 0);
  }
}

TEST(VectorEdgeCasesTest, ZeroVectors) {
  Vectors vectors(5, std::vector<float>{0, 0, 0});
  vectors[1] = std::vector<float>{1, 0, 0};
  vectors[3] = std::vector<float>{-1, 0, 0};
  auto result = search_everywhere(vectors, {Metric::kCosine, {2, 0, 0}, 5});
  EXPECT_EQ(ids(result), (std::vector<int64_t>{1, 0, 2, 4, 3}));
  EXPECT_EQ(result.matches[0].score, 0.0);
  EXPECT_EQ(result.matches[1].score, 1.0);
  EXPECT_EQ(result.matches[4].score, 2.0);
  // A query of norm zero scores 1 everywhere.
  result = search_everywhere(vectors, {Metric::kCosine, {0, -0.0f, 0}, 3});
  EXPECT_EQ(ids(result), (std::vector<int64_t>{0, 1, 2}));
  EXPECT_EQ(result.matches[2].score, 1.0);
}

TEST(VectorEdgeCasesTest, AVectorIsAtDistanceZeroFromItself) {
  std::mt19937 random(test_seed() + 1);
  for (int32_t d : {1, 2, 3, 10, 100}) {
    const Vectors vectors = random_vectors(&random, 50, d);
    for (Metric metric : {Metric::kCosine, Metric::kL2}) {
      const auto result = search_everywhere(vectors, {metric, *vectors[31], 1});
      EXPECT_EQ(result.matches[0].score, 0.0);
      if (d > 1) {
        EXPECT_EQ(result.matches[0].row_id, 31);
      }
    }
  }
}

TEST(VectorEdgeCasesTest, HugeAndTinyElements) {
  std::mt19937 random(test_seed() + 2);
  for (float scale : {1e-44f, 1e-40f, 1e-30f, 1e-19f, 1e10f, 1e19f, 1e30f, 1e37f}) {
    for (float query_scale : {1e-44f, 1e-19f, 1.0f, 1e19f, 1e37f}) {
      Vectors vectors = random_vectors(&random, 200, 19);
      for (size_t i = 0; i < vectors.size(); ++i) {
        if (i % 3 == 0) continue;  // ordinary ones in between
        for (float& x : *vectors[i]) x *= scale;
      }
      std::vector<float> query = random_vector(&random, 19);
      for (float& x : query) x *= query_scale;
      for (Metric metric : kMetrics) search_everywhere(vectors, {metric, query, 12});
    }
  }
}

TEST(VectorEdgeCasesTest, FloatOverflowThatCancels) {
  // 1e60 - 1e60 + 1: minus infinity or NaN in float32, 1 in double.
  Vectors vectors(40, std::vector<float>{0.5f, 0.5f, 0.5f});
  vectors[33] = std::vector<float>{-1e30f, 1e30f, 1};
  const auto result = search_everywhere(vectors, {Metric::kDot, {1e30f, 1e30f, 1}, 40});
  EXPECT_EQ(result.matches.back().row_id, 33);
  const auto best = search_everywhere(vectors, {Metric::kDot, {-1e30f, -1e30f, 1}, 1});
  EXPECT_EQ(ids(best), std::vector<int64_t>{33});
}

TEST(VectorEdgeCasesTest, FloatOverflowInOneRunningSum) {
  // Elements 0 and 64 meet in one running sum on every level; fused, it is minus infinity, not NaN.
  std::vector<float> query(70, 0.0f);
  query[0] = query[64] = 1e30f;
  query[1] = 1;
  std::vector<float> low(70, 0.0f);
  low[1] = 0.5f;
  Vectors vectors(40, low);
  vectors[33] = low;
  (*vectors[33])[0] = -1e30f;
  (*vectors[33])[64] = 1e30f;
  (*vectors[33])[1] = 1;
  const auto result = search_everywhere(vectors, {Metric::kDot, query, 1});
  EXPECT_EQ(ids(result), std::vector<int64_t>{33});
  EXPECT_EQ(result.matches[0].score, 1.0);
}

TEST(VectorEdgeCasesTest, InfiniteElements) {
  const Vectors vectors{std::vector<float>{1, 1}, std::vector<float>{kInfinity, 1},
                        std::vector<float>{-kInfinity, 1}, std::vector<float>{1, kInfinity},
                        std::vector<float>{kInfinity, -kInfinity}};
  const auto dot = search_everywhere(vectors, {Metric::kDot, {1, 0}, 5});
  EXPECT_EQ(ids(dot), (std::vector<int64_t>{1, 0, 2}));
  EXPECT_EQ(dot.left_out_nan, 2);  // infinity * 0
  const auto l2 = search_everywhere(vectors, {Metric::kL2, {1, 0}, 5});
  EXPECT_EQ(ids(l2), (std::vector<int64_t>{0, 1, 2, 3, 4}));
  EXPECT_EQ(l2.left_out_nan, 0);
  const auto cosine = search_everywhere(vectors, {Metric::kCosine, {1, 1}, 5});
  EXPECT_EQ(ids(cosine), std::vector<int64_t>{0});
  EXPECT_EQ(cosine.left_out_nan, 4);
}

TEST(VectorEdgeCasesTest, EmptyTables) {
  VectorTable table(4);
  EXPECT_TRUE(search(table, {Metric::kL2, {1, 2, 3, 4}, 3}).matches.empty());
  table.append(vector_column({}, 4));
  EXPECT_EQ(table.rows(), 0);
  EXPECT_TRUE(table.blocks().empty());
  table.append(Column::nulls(DataType::vector(4), 6));
  const auto result = search(table, {Metric::kDot, {1, 2, 3, 4}, 3});
  EXPECT_TRUE(result.matches.empty());
  EXPECT_EQ(result.left_out_null, 6);
  EXPECT_EQ(result.candidate_rows, 0);
}

TEST(VectorEdgeCasesTest, OtherEncodingsAndElementNulls) {
  VectorTable table(2);
  table.append(Column::constant(Value::vector({3, 4}), 2));
  const ColumnPtr values = vector_column({std::vector<float>{1, 0}, std::vector<float>{0, 1}}, 2);
  auto indices = Buffer::allocate(3 * sizeof(uint32_t));
  const uint32_t positions[] = {1, 0, 1};
  std::memcpy(indices->mutable_data(), positions, sizeof(positions));
  table.append(Column::dictionary(values, 3, indices, 0, Validity()));
  ValidityBuilder elements;
  for (bool valid : {true, true, true, false}) elements.append(valid);
  table.append(Column::vectors(DataType::vector(2), 2,
                               values->child()->with_validity(elements.finish()), Validity()));
  const auto result = search(table, {Metric::kDot, {1, 2}, 9});
  EXPECT_EQ(ids(result), (std::vector<int64_t>{0, 1, 2, 4, 3, 5}));
  EXPECT_EQ(result.left_out_null, 1);
}

TEST(VectorEdgeCasesTest, WrongRequestsAndColumns) {
  VectorTable table(3);
  table.append(vector_column({std::vector<float>{1, 2, 3}}, 3));
  expect_error(ErrorKind::kTypeMismatch, "dimension 2, but the vectors have dimension 3", table,
               {Metric::kDot, {1, 2}, 1});
  expect_error(ErrorKind::kInvalidArgument, "top_k is 0", table, {Metric::kDot, {1, 2, 3}, 0});
  expect_error(ErrorKind::kInvalidArgument, "element 1 of the query is nan", table,
               {Metric::kDot, {1, kNan, 3}, 1});
  expect_error(ErrorKind::kInvalidArgument, "element 2 of the query is inf", table,
               {Metric::kDot, {1, 1, kInfinity}, 1});
  EXPECT_THROW(explain_search(table, {Metric::kDot, {1}, 1, 1}), Error);
  EXPECT_THROW(VectorTable(0), Error);
  EXPECT_THROW(table.append(vector_column({}, 4)), Error);
  EXPECT_THROW(table.append(Column::nulls(DataType(TypeId::kFloat32), 3)), Error);
}

TEST(VectorEdgeCasesTest, Explain) {
  VectorTable table(3);
  table.append(vector_column({std::vector<float>{1, 2, 3}, std::nullopt}, 3));
  const ForcedLevel forced(SimdLevel::kPortable);
  EXPECT_EQ(
      explain_search(table, {Metric::kCosine, {1, 2, 3}, 1, 7}),
      (std::vector<std::string>{"mode=exact-scan", "metric=cosine", "dimension=3", "top_k=7",
                                "candidate_rows=1", "backend=portable", "filter_pushdown=false",
                                "acceleration=flat-buffer+simd-topk"}));
}

TEST(VectorEdgeCasesTest, Cancellation) {
  VectorTable table(3);
  table.append(vector_column({std::vector<float>{1, 2, 3}}, 3));
  CancellationToken token;
  EXPECT_EQ(search(table, {Metric::kDot, {1, 2, 3}, 1}, {nullptr, &token}).matches.size(), 1u);
  token.cancel();
  EXPECT_THROW(search(table, {Metric::kDot, {1, 2, 3}, 1}, {nullptr, &token}), Error);
}

TEST(MetricTest, NamesAndDirections) {
  for (Metric metric : kMetrics) EXPECT_EQ(metric_from_name(metric_name(metric)), metric);
  EXPECT_EQ(metric_from_name("COSINE"), Metric::kCosine);
  EXPECT_TRUE(larger_is_nearer(Metric::kDot));
  EXPECT_FALSE(larger_is_nearer(Metric::kL2));
  try {
    metric_from_name("cosin");
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kInvalidArgument);
    EXPECT_NE(error.message().find("did you mean 'cosine'?"), std::string::npos) << error.message();
  }
}

}  // namespace
}  // namespace velaria
