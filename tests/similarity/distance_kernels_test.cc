// Every level's kernels against double sums: inside the error bound that the search relies on.
#include "src/similarity/kernels/distance_kernels.h"

#include <cmath>
#include <limits>

#include "gtest/gtest.h"
#include "src/base/error.h"
#include "src/similarity/exact_score.h"
#include "src/similarity/first_pass_bound.h"
#include "tests/similarity/vector_test_data.h"

namespace velaria {
namespace {

std::vector<int32_t> test_dimensions() {
  std::vector<int32_t> dimensions;
  for (int32_t d = 1; d <= 257; ++d) dimensions.push_back(d);
  for (int32_t d : {768, 1000}) dimensions.push_back(d);
  return dimensions;
}

struct Case {
  const DistanceKernels& kernels;
  int32_t dimension;
  double scale;  // of the elements
  bool same_sign;
};

// Rows start `offset` floats into their buffer.
void check_block(const Case& c, int64_t rows, size_t offset, std::mt19937* random) {
  SCOPED_TRACE(testing::Message() << simd_level_name(c.kernels.level) << " d=" << c.dimension
                                  << " rows=" << rows << " scale=" << c.scale);
  const size_t d = static_cast<size_t>(c.dimension);
  std::vector<float> query = random_vector(random, c.dimension);
  std::vector<float> data(offset + static_cast<size_t>(rows) * d);
  std::normal_distribution<double> normal;
  for (float& x : data) {
    const double value = normal(*random) * c.scale;
    x = static_cast<float>(c.same_sign ? std::abs(value) : value);
  }
  const float* first = data.data() + offset;
  // One more than needed: the kernels must not write past the last row.
  const size_t count = static_cast<size_t>(rows);
  std::vector<float> dots(count + 1, -7.0f);
  std::vector<float> dots_again(count + 1, -7.0f);
  std::vector<float> squares(count + 1, -7.0f);
  std::vector<float> distances(count + 1, -7.0f);
  c.kernels.dot(query.data(), first, rows, c.dimension, dots.data());
  c.kernels.dot_and_square(query.data(), first, rows, c.dimension, dots_again.data(),
                           squares.data());
  c.kernels.squared_l2(query.data(), first, rows, c.dimension, distances.data());

  const double steps = static_cast<double>(c.kernels.rounding_steps(c.dimension) + 2);
  const double gamma = steps * 0x1p-24 / (1 - steps * 0x1p-24);
  const double tiny = c.dimension * 0x1p-125;
  for (size_t r = 0; r < count; ++r) {
    double dot = 0;
    double absolute = 0;
    double square = 0;
    double distance = 0;
    for (size_t i = 0; i < d; ++i) {
      const double x = static_cast<double>(first[r * d + i]);
      const double q = static_cast<double>(query[i]);
      dot += x * q;
      absolute += std::abs(x * q);
      square += x * x;
      distance += (x - q) * (x - q);
    }
    ASSERT_LE(std::abs(static_cast<double>(dots[r]) - dot), gamma * absolute + tiny) << r;
    ASSERT_LE(std::abs(static_cast<double>(dots_again[r]) - dot), gamma * absolute + tiny) << r;
    ASSERT_LE(std::abs(static_cast<double>(squares[r]) - square), gamma * square + tiny) << r;
    ASSERT_LE(std::abs(static_cast<double>(distances[r]) - distance), gamma * distance + tiny) << r;
  }
  ASSERT_EQ(dots[count], -7.0f);
  ASSERT_EQ(dots_again[count], -7.0f);
  ASSERT_EQ(squares[count], -7.0f);
  ASSERT_EQ(distances[count], -7.0f);
}

TEST(DistanceKernelsTest, StayInsideTheErrorBound) {
  std::mt19937 random(test_seed());
  for (SimdLevel level : available_simd_levels()) {
    const DistanceKernels& kernels = kernels_for(level);
    EXPECT_EQ(kernels.level, level);
    for (int32_t dimension : test_dimensions()) {
      std::vector<int64_t> row_counts{1, 2, 3, 4, 5, 7, 8, 13};
      if (dimension > 67) row_counts = {row_counts[random() % row_counts.size()]};
      for (int64_t rows : row_counts) {
        for (double scale : {1.0, 1e-20, 1e-38, 1e12}) {
          check_block({kernels, dimension, scale, rows % 2 == 0}, rows,
                      static_cast<size_t>(rows % 5), &random);
        }
      }
    }
  }
}

TEST(DistanceKernelsTest, NoRowsWriteNothing) {
  const float query[3] = {1, 2, 3};
  float out = -7.0f;
  for (SimdLevel level : available_simd_levels()) {
    kernels_for(level).dot(query, query, 0, 3, &out);
    kernels_for(level).squared_l2(query, query, 0, 3, &out);
    EXPECT_EQ(out, -7.0f);
  }
}

TEST(DistanceKernelsTest, NanAnywhereReachesTheResult) {
  for (SimdLevel level : available_simd_levels()) {
    for (size_t d : {1u, 5u, 17u, 40u}) {
      for (size_t at = 0; at < d; ++at) {
        const std::vector<float> query(d, 1.0f);
        std::vector<float> row(d, 1.0f);
        row[at] = std::numeric_limits<float>::quiet_NaN();
        float out[3] = {};
        const int64_t dimension = static_cast<int64_t>(d);
        kernels_for(level).dot_and_square(query.data(), row.data(), 1, dimension, out, out + 1);
        kernels_for(level).squared_l2(query.data(), row.data(), 1, dimension, out + 2);
        for (float value : out) EXPECT_TRUE(std::isnan(value));
      }
    }
  }
}

TEST(DistanceKernelsTest, UnavailableLevelIsAnError) {
#if defined(__x86_64__)
  EXPECT_THROW(kernels_for(SimdLevel::kNeon), Error);
#else
  EXPECT_THROW(kernels_for(SimdLevel::kAvx2), Error);
#endif
}

// The promise of the first pass, row by row: what it skips scores strictly worse. Counts the skips.
int64_t check_skips(float query_scale, float row_scale, std::mt19937* random_bits) {
  std::mt19937& random = *random_bits;
  int64_t skipped = 0;
  for (SimdLevel level : available_simd_levels()) {
    const DistanceKernels& kernels = kernels_for(level);
    for (int32_t d : {1, 3, 17, 64, 257, 768}) {
      std::vector<float> query = random_vector(&random, d);
      std::vector<float> row = query;
      for (float& x : query) x *= query_scale;
      for (float& x : row) x *= row_scale;
      // Differences between rows near the resolution of floats: skipping is decided at the margin.
      for (int rows = 0; rows < 200; ++rows) {
        std::vector<float> first = row;
        std::vector<float> second = row;
        for (size_t i = 0; i < first.size(); ++i) {
          const uint32_t noise = random();
          const float sign = noise & 1 ? 1.0f : -1.0f;
          first[i] *= sign * (1 + static_cast<float>(noise >> 4 & 7) * 1e-6f);
          second[i] *= sign * (1 + static_cast<float>(noise >> 8 & 7) * 1e-6f);
        }
        float value[2];
        for (Metric metric : {Metric::kCosine, Metric::kDot, Metric::kL2}) {
          const ExactScorer scorer(metric, query);
          const double limit = scorer.score(first.data());
          const double score = scorer.score(second.data());
          const bool worse = larger_is_nearer(metric) ? score < limit : score > limit;
          if (metric == Metric::kL2) {
            const FirstPassBound bound(metric, kernels, d, scorer.query_norm());
            kernels.squared_l2(query.data(), second.data(), 1, d, value);
            if (!bound.distance_cutoff(limit).keeps(value[0])) {
              ++skipped;
              EXPECT_TRUE(worse) << d;
            }
            continue;
          }
          for (bool from_kernel : {false, true}) {
            const FirstPassBound bound(metric, kernels, d, scorer.query_norm());
            kernels.dot_and_square(query.data(), second.data(), 1, d, value, value + 1);
            const float norm = from_kernel ? std::sqrt(value[1])
                                           : static_cast<float>(exact_norm(second.data(), d));
            if (!bound.product_cutoff(limit).keeps(value[0], norm)) {
              ++skipped;
              EXPECT_TRUE(worse) << d;
            }
          }
        }
      }
    }
  }
  return skipped;
}

TEST(FirstPassBoundTest, SkipsOnlyRowsThatScoreWorse) {
  std::mt19937 random(test_seed() + 1);
  EXPECT_GT(check_skips(1, 1, &random), 100);
  EXPECT_GT(check_skips(1e8f, 1e-8f, &random), 100);
}

TEST(FirstPassBoundTest, SkipsOnlyRowsThatScoreWorseAtTheEndsOfTheRange) {
  std::mt19937 random(test_seed() + 2);
  const float scales[] = {1e-44f, 1e-38f, 1e-30f, 1e-22f, 1e-19f, 1e-11f,
                          1e-3f,  1e16f,  1e19f,  1e30f,  1e37f};
  for (float query_scale : scales) {
    for (float row_scale : scales) {
      SCOPED_TRACE(testing::Message() << query_scale << " " << row_scale);
      check_skips(query_scale, row_scale, &random);
    }
  }
}

}  // namespace
}  // namespace velaria
