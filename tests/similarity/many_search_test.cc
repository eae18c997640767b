// Many queries at once give what each query gives alone: over levels, threads, layouts and masks.
#include <cmath>
#include <limits>

#include "gtest/gtest.h"
#include "src/base/error.h"
#include "src/similarity/exact_search.h"
#include "src/similarity/kernels/product_kernels.h"
#include "tests/similarity/vector_test_data.h"

namespace velaria {
namespace {

constexpr Metric kMetrics[] = {Metric::kCosine, Metric::kDot, Metric::kL2};
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

ManySearchRequest request_of(Metric metric, const std::vector<std::vector<float>>& queries,
                             int64_t top_k) {
  ManySearchRequest request;
  request.metric = metric;
  for (const auto& query : queries) {
    request.queries.insert(request.queries.end(), query.begin(), query.end());
  }
  request.count = static_cast<int64_t>(queries.size());
  request.top_k = top_k;
  return request;
}

VectorSearchRequest one_of(const ManySearchRequest& many, int64_t query) {
  const int64_t d = static_cast<int64_t>(many.queries.size()) / many.count;
  const float* first = many.queries.data() + query * d;
  return {many.metric, std::vector<float>(first, first + d), many.top_k, many.score_threshold,
          many.rows};
}

// Every level, no pool and two threads, norms missing and kept.
void check_everywhere(const Vectors& vectors, const ManySearchRequest& request) {
  const auto d = static_cast<int32_t>(request.queries.size()) / static_cast<int32_t>(request.count);
  const VectorTable table = sliced_table(vectors, d);
  ThreadPool two(2);
  std::vector<VectorSearchResult> expected;
  for (int64_t q = 0; q < request.count; ++q) expected.push_back(search(table, one_of(request, q)));
  for (const ProductKernels* kernels : available_product_kernels()) {
    const ForcedLevel forced(kernels->name);
    const VectorTable fresh = sliced_table(vectors, d);
    for (const VectorTable* searched : {&fresh, &fresh, &table}) {
      for (ThreadPool* pool : {static_cast<ThreadPool*>(nullptr), &two}) {
        const auto results = search_many(*searched, request, {pool});
        ASSERT_EQ(results.size(), expected.size());
        for (size_t q = 0; q < results.size(); ++q) {
          SCOPED_TRACE(testing::Message()
                       << kernels->name << " " << metric_name(request.metric) << " d=" << d
                       << " query " << q << " of " << request.count);
          ASSERT_EQ(results[q].matches.size(), expected[q].matches.size());
          for (size_t i = 0; i < expected[q].matches.size(); ++i) {
            ASSERT_EQ(results[q].matches[i].row_id, expected[q].matches[i].row_id) << i;
            ASSERT_EQ(results[q].matches[i].score, expected[q].matches[i].score) << i;
          }
          ASSERT_EQ(results[q].left_out_nan, expected[q].left_out_nan);
          ASSERT_EQ(results[q].left_out_null, expected[q].left_out_null);
          ASSERT_EQ(results[q].candidate_rows, expected[q].candidate_rows);
        }
      }
    }
  }
}

std::vector<std::vector<float>> random_queries(std::mt19937* random, int64_t count, int32_t d) {
  std::vector<std::vector<float>> out;
  for (int64_t q = 0; q < count; ++q) out.push_back(random_vector(random, d));
  return out;
}

TEST(ManySearchTest, EqualsOneQueryAfterTheOther) {
  std::mt19937 random(test_seed());
  for (int32_t d : {1, 7, 31, 32, 33, 257}) {
    for (int64_t count : {1, 3, 5, 33, 70}) {
      const Vectors vectors = random_vectors(&random, 150 + 4 * count, d);
      for (Metric metric : kMetrics) {
        check_everywhere(vectors, request_of(metric, random_queries(&random, count, d),
                                             1 + static_cast<int64_t>(random() % 20)));
      }
    }
  }
}

TEST(ManySearchTest, MoreQueriesThanATileHas) {
  std::mt19937 random(test_seed() + 1);
  const Vectors vectors = random_vectors(&random, 120, 9);
  check_everywhere(vectors, request_of(Metric::kL2, random_queries(&random, 1100, 9), 3));
}

TEST(ManySearchTest, SpecialRowsAndQueries) {
  std::mt19937 random(test_seed() + 2);
  for (int32_t d : {3, 40}) {
    Vectors vectors = random_vectors(&random, 400, d);
    for (size_t i = 0; i < vectors.size(); i += 9) vectors[i].reset();
    for (size_t i = 1; i < vectors.size(); i += 9) (*vectors[i])[random() % 3] = kNan;
    for (size_t i = 2; i < vectors.size(); i += 9) (*vectors[i])[random() % 3] = kInfinity;
    for (size_t i = 3; i < vectors.size(); i += 9) {
      for (float& x : *vectors[i]) x = 0;
    }
    const float scales[] = {1e-44f, 1e-38f, 1e-20f, 1e18f, 1e37f};
    for (size_t i = 4; i < vectors.size(); i += 9) {
      for (float& x : *vectors[i]) x *= scales[i % 5];
    }
    std::vector<std::vector<float>> queries = random_queries(&random, 12, d);
    for (size_t q = 0; q < 5; ++q) {
      for (float& x : queries[q]) x *= scales[q];
    }
    for (float& x : queries[5]) x = 0;
    queries[6] = *vectors[5];
    for (Metric metric : kMetrics) {
      for (int64_t top_k : {1, 30, 1000}) {
        check_everywhere(vectors, request_of(metric, queries, top_k));
      }
    }
  }
}

TEST(ManySearchTest, NearRowsFarFromTheOrigin) {
  // Where products of bfloat16, and even of float32, tell nothing: everything is looked at again.
  std::mt19937 random(test_seed() + 3);
  const int32_t d = 48;
  Vectors vectors = random_vectors(&random, 900, d);
  for (auto& vector : vectors) {
    for (float& x : *vector) x = 1000 + x * 1e-3f;
  }
  std::vector<std::vector<float>> queries;
  for (size_t q = 0; q < 8; ++q) queries.push_back(*vectors[q * 100]);
  for (Metric metric : kMetrics) check_everywhere(vectors, request_of(metric, queries, 7));
}

TEST(ManySearchTest, DuplicatesComeInRowOrder) {
  std::mt19937 random(test_seed() + 4);
  const Vectors distinct = random_vectors(&random, 7, 20);
  Vectors vectors;
  for (int i = 0; i < 3000; ++i) vectors.push_back(distinct[random() % distinct.size()]);
  for (Metric metric : kMetrics) {
    check_everywhere(vectors, request_of(metric, random_queries(&random, 6, 20), 25));
  }
}

TEST(ManySearchTest, MasksAndThresholds) {
  std::mt19937 random(test_seed() + 5);
  for (int percent : {0, 1, 30, 95}) {
    const int32_t d = 24;
    Vectors vectors = random_vectors(&random, 1500, d);
    for (size_t i = 0; i < vectors.size(); i += 11) vectors[i].reset();
    for (size_t i = 6; i < vectors.size(); i += 55) (*vectors[i])[0] = kNan;  // none of the NULLs
    RowMask mask(1500);
    Vectors survivors = vectors;
    for (int64_t row = 0; row < 1500; ++row) {
      if (static_cast<int>(random() % 100) < percent) {
        mask.insert(row);
      } else {
        survivors[static_cast<size_t>(row)].reset();
      }
    }
    for (Metric metric : kMetrics) {
      ManySearchRequest request = request_of(metric, random_queries(&random, 5, d), 40);
      request.rows = &mask;
      check_everywhere(vectors, request);
      // The mask is the same as rows that are not there; ids still count all rows.
      const auto results = search_many(sliced_table(vectors, d), request);
      for (int64_t q = 0; q < request.count; ++q) {
        VectorSearchRequest one = one_of(request, q);
        one.rows = nullptr;
        EXPECT_EQ(results[static_cast<size_t>(q)].matches, brute_force(survivors, one));
        EXPECT_LE(results[static_cast<size_t>(q)].candidate_rows, mask.count());
      }
      const auto& first = results[0].matches;
      if (first.size() < 3) continue;
      request.score_threshold = first[2].score;
      check_everywhere(vectors, request);
      EXPECT_EQ(search_many(sliced_table(vectors, d), request)[0].matches.size(), 3u);
    }
  }
}

TEST(ManySearchTest, BlocksThatAreConvertedWhileTheyAreScanned) {
  std::mt19937 random(test_seed() + 6);
  const int32_t d = 1000;  // several morsels
  Vectors vectors = random_vectors(&random, 500, d);
  vectors[77].reset();
  const ColumnPtr column = vector_column(vectors, d);
  VectorTable table(d);
  table.append_converted(500, [&](int64_t begin, int64_t count) {
    EXPECT_LT(count, 500);
    return column->slice(begin, count);
  });
  ThreadPool two(2);
  for (Metric metric : kMetrics) {
    const ManySearchRequest request = request_of(metric, random_queries(&random, 4, d), 9);
    for (int pass = 0; pass < 2; ++pass) {
      const auto many = search_many(table, request, {&two});
      for (int64_t q = 0; q < 4; ++q) {
        const auto expected = brute_force(vectors, one_of(request, q));
        EXPECT_EQ(many[static_cast<size_t>(q)].matches, expected);
        EXPECT_EQ(many[static_cast<size_t>(q)].left_out_null, 1);
        EXPECT_EQ(search(table, one_of(request, q), {&two}).matches, expected);
      }
    }
  }
  VectorTable failing(3);
  failing.append_converted(10, [](int64_t, int64_t) -> ColumnPtr {
    throw Error(ErrorKind::kTypeMismatch, "row 4 is no vector");
  });
  EXPECT_THROW(search(failing, {Metric::kL2, {1, 2, 3}, 1}, {&two}), Error);
}

TEST(ManySearchTest, AnInterruptEndsTheSearchAndNothingElse) {
  std::mt19937 random(test_seed() + 7);
  const int32_t d = 64;
  VectorTable table(d);
  const ColumnPtr column = vector_column(random_vectors(&random, 20000, d), d);
  for (int i = 0; i < 10; ++i) table.append(column);
  ThreadPool two(2);
  // More work than the 20 ms after which the first interrupt is asked for.
  const ManySearchRequest request =
      request_of(Metric::kCosine, random_queries(&random, 3000, d), 10);
  struct Interrupt {};
  SearchControl control;
  control.pool = &two;
  control.interrupt_check = [] { throw Interrupt(); };
  EXPECT_THROW(search_many(table, request, control), Interrupt);
  CancellationToken token;
  token.cancel();
  EXPECT_THROW(search_many(table, request, {&two, &token}), Error);
  EXPECT_EQ(search(table, one_of(request, 0), {&two}).matches.size(), 10u);
}

TEST(ManySearchTest, WrongRequests) {
  VectorTable table(3);
  table.append(vector_column({std::vector<float>{1, 2, 3}}, 3));
  EXPECT_TRUE(search_many(table, {}).empty());
  const auto error_of = [&](const ManySearchRequest& request) -> std::string {
    try {
      search_many(table, request);
    } catch (const Error& error) {
      return error.message();
    }
    return "no error";
  };
  EXPECT_NE(error_of({Metric::kDot, {1, 2, 3, 4}, 2, 1}).find("dimension 2"), std::string::npos);
  // Numbers that no count of whole vectors has are not cut to those that fit.
  for (const int64_t count : {2, 0, -1}) {
    EXPECT_NE(error_of({Metric::kDot, {1, 2, 3, 4, 5, 6, 7}, count, 1}).find("7 numbers are not"),
              std::string::npos);
  }
  EXPECT_NE(
      error_of({Metric::kDot, {1, 2, 3, 4, kNan, 6}, 2, 1}).find("element 1 of query 1 is nan"),
      std::string::npos);
  EXPECT_NE(error_of({Metric::kDot, {1, 2, 3}, 1, 0}).find("top_k is 0"), std::string::npos);
  ManySearchRequest no_number{Metric::kDot, {1, 2, 3}, 1, 1};
  no_number.score_threshold = std::numeric_limits<double>::quiet_NaN();
  EXPECT_NE(error_of(no_number).find("score_threshold"), std::string::npos);
}

TEST(ManySearchTest, ExplainNamesTheKernelsThatRun) {
  VectorTable table(2);
  table.append(vector_column({std::vector<float>{1, 2}}, 2));
  for (const ProductKernels* kernels : available_product_kernels()) {
    const ForcedLevel forced(kernels->name);
    const std::string name(kernels->name);
    const std::string alone = name == "amx" ? "avx512" : name;
    EXPECT_EQ(explain_search(table, {Metric::kL2, {1, 2}, 1, 5})[5], "backend=" + alone);
    const std::vector<float> many(64, 1.0f);
    EXPECT_EQ(explain_search(table, {Metric::kL2, many, 32, 5})[5], "backend=" + name);
  }
}

}  // namespace
}  // namespace velaria
