// Searches against brute force, over dimensions, SIMD levels, threads, table layouts and norms.
#include "src/similarity/exact_search.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "gtest/gtest.h"
#include "src/base/error.h"
#include "tests/similarity/vector_test_data.h"

namespace velaria {
namespace {

constexpr Metric kMetrics[] = {Metric::kCosine, Metric::kDot, Metric::kL2};

// All levels, no pool and pools of 1 and 2 threads, with and without cached norms: the same answer.
void check_everywhere(const Vectors& vectors, const VectorSearchRequest& request) {
  const std::vector<VectorMatch> expected = brute_force(vectors, request);
  const VectorTable table = sliced_table(vectors, static_cast<int32_t>(request.query.size()));
  ThreadPool one(1);
  ThreadPool two(2);
  for (bool norms : {false, true}) {
    for (SimdLevel level : available_simd_levels()) {
      const ForcedLevel forced(level);
      for (ThreadPool* pool : {static_cast<ThreadPool*>(nullptr), &one, &two}) {
        const VectorSearchResult result = search(table, request, {pool});
        ASSERT_EQ(result.matches.size(), expected.size());
        for (size_t i = 0; i < expected.size(); ++i) {
          ASSERT_EQ(result.matches[i].row_id, expected[i].row_id)
              << simd_level_name(level) << " " << metric_name(request.metric) << " at " << i
              << " norms=" << norms << " d=" << request.query.size();
          ASSERT_EQ(result.matches[i].score, expected[i].score);
        }
        ASSERT_EQ(result.candidate_rows + result.left_out_null,
                  static_cast<int64_t>(vectors.size()));
      }
    }
  }
}

TEST(ExactSearchTest, EveryDimension) {
  std::mt19937 random(test_seed());
  for (int32_t d = 1; d <= 67; ++d) {
    const Vectors vectors = random_vectors(&random, 211 + d, d);
    for (Metric metric : kMetrics) {
      check_everywhere(vectors, {metric, random_vector(&random, d), 1 + d % 13});
    }
  }
}

TEST(ExactSearchTest, LargeDimensionsOnSeveralThreads) {
  std::mt19937 random(test_seed() + 1);
  for (int32_t d : {128, 257, 768}) {
    // Above the size from which the pool's threads take part.
    const Vectors vectors = random_vectors(&random, (3 << 20) / 4 / d + 5, d);
    for (Metric metric : kMetrics) {
      check_everywhere(vectors, {metric, random_vector(&random, d), 10});
    }
  }
}

TEST(ExactSearchTest, ScoresMatchTheTextbook) {
  std::mt19937 random(test_seed() + 2);
  for (int32_t d : {1, 2, 5, 16, 33, 100, 768}) {
    const Vectors vectors = random_vectors(&random, 150, d);
    for (Metric metric : kMetrics) {
      const std::vector<float> query = random_vector(&random, d);
      const VectorSearchResult result = search(sliced_table(vectors, d), {metric, query, 20});
      std::set<int64_t> found;
      double worst = 0;
      for (const VectorMatch& match : result.matches) {
        const auto& row = *vectors[static_cast<size_t>(match.row_id)];
        EXPECT_NEAR(match.score, textbook_score(metric, query, row), 1e-12 * d);
        found.insert(match.row_id);
        worst = match.score;
      }
      EXPECT_EQ(found.size(), 20u);
      for (size_t row = 0; row < vectors.size(); ++row) {
        if (found.count(static_cast<int64_t>(row)) != 0) continue;
        const double score = textbook_score(metric, query, *vectors[row]);
        if (larger_is_nearer(metric)) {
          EXPECT_LE(score, worst + 1e-12 * d);
        } else {
          EXPECT_GE(score, worst - 1e-12 * d);
        }
      }
    }
  }
}

TEST(ExactSearchTest, ManyTopK) {
  std::mt19937 random(test_seed() + 3);
  const Vectors vectors = random_vectors(&random, 700, 24);
  for (int64_t top_k : {1, 2, 3, 64, 699, 700, 701, 100000}) {
    for (Metric metric : kMetrics) {
      check_everywhere(vectors, {metric, random_vector(&random, 24), top_k});
    }
  }
}

TEST(ExactSearchTest, DuplicatesComeInRowOrder) {
  std::mt19937 random(test_seed() + 4);
  const int32_t d = 48;
  const Vectors distinct = random_vectors(&random, 7, d);
  Vectors vectors;
  for (int i = 0; i < 20000; ++i) vectors.push_back(distinct[random() % distinct.size()]);
  for (Metric metric : kMetrics) {
    const VectorSearchRequest request{metric, random_vector(&random, d), 25};
    check_everywhere(vectors, request);
    const auto matches = search(sliced_table(vectors, d), request).matches;
    for (size_t i = 1; i < matches.size(); ++i) {
      EXPECT_EQ(matches[i].score, matches[0].score);
      EXPECT_LT(matches[i - 1].row_id, matches[i].row_id);
    }
  }
}

TEST(ExactSearchTest, DifferencesBelowFloatResolution) {
  std::mt19937 random(test_seed() + 5);
  const int32_t d = 96;
  const std::vector<float> base = random_vector(&random, d);
  Vectors vectors;
  for (int i = 0; i < 3000; ++i) {
    std::vector<float> row = base;
    for (float& x : row) {
      x = std::nextafter(x, (random() & 1) != 0 ? 100.0f : -100.0f);
    }
    vectors.emplace_back(row);
  }
  for (Metric metric : kMetrics) {
    check_everywhere(vectors, {metric, random_vector(&random, d), 50});
    check_everywhere(vectors, {metric, base, 50});
  }
}

TEST(ExactSearchTest, ScoresThatCancel) {
  // Large products of both signs and small sums: float32 loses all digits of the dot product.
  std::mt19937 random(test_seed() + 6);
  const int32_t d = 64;
  Vectors vectors;
  for (int i = 0; i < 2000; ++i) {
    std::vector<float> row = random_vector(&random, d);
    for (size_t j = 0; j < row.size() / 2; ++j) {
      row[j] *= 1e6f;
      row[j + row.size() / 2] = -row[j] * (1 + static_cast<float>(random() % 8) * 1e-7f);
    }
    vectors.emplace_back(row);
  }
  for (Metric metric : kMetrics) {
    check_everywhere(vectors, {metric, std::vector<float>(static_cast<size_t>(d), 1.0f), 30});
  }
}

TEST(ExactSearchTest, BestRowsLast) {
  // Every row beats all before it, so nothing is ever skipped.
  std::mt19937 random(test_seed() + 7);
  const int32_t d = 32;
  const std::vector<float> query = random_vector(&random, d);
  Vectors vectors;
  for (int i = 0; i < 3000; ++i) {
    std::vector<float> row = random_vector(&random, d);
    for (size_t j = 0; j < row.size(); ++j) {
      row[j] = query[j] + row[j] * static_cast<float>(3000 - i) * 1e-3f;
    }
    vectors.emplace_back(row);
  }
  for (Metric metric : kMetrics) check_everywhere(vectors, {metric, query, 10});
}

TEST(ExactSearchTest, RandomRowsAreSeldomScoredAgain) {
  std::mt19937 random(test_seed() + 8);
  const int32_t d = 64;
  const Vectors vectors = random_vectors(&random, 50000, d);
  VectorTable table(d);
  table.append(vector_column(vectors, d));
  for (Metric metric : kMetrics) {
    const auto result = search(table, {metric, random_vector(&random, d), 10});
    EXPECT_LT(result.rescored_rows, 500) << metric_name(metric);  // 1 %
  }
}

}  // namespace
}  // namespace velaria
