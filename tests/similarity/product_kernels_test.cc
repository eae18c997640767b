// Every level's product kernels against double sums: inside the error bound that the search of many
// queries relies on, and leaving out what it may.
#include "src/similarity/kernels/product_kernels.h"

#include <cmath>
#include <limits>

#include "gtest/gtest.h"
#include "src/base/buffer.h"
#include "src/base/error.h"
#include "src/similarity/exact_score.h"
#include "src/similarity/first_pass_bound.h"
#include "tests/similarity/vector_test_data.h"

namespace velaria {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

// Queries packed, rows prepared, limits: one call of select().
class Products {
 public:
  Products(const ProductKernels& kernels, int64_t dimension, const std::vector<float>& queries,
           const float* rows, int64_t row_count)
      : kernels_(kernels),
        dimension_(dimension),
        queries_(static_cast<int64_t>(queries.size()) / dimension),
        rows_(rows),
        row_count_(row_count),
        floors(static_cast<size_t>(kernels.padded_queries(queries_)), -kInfinity),
        norm_factors(floors.size(), 0.0f),
        norms(static_cast<size_t>(row_count), 1.0f),
        addends(static_cast<size_t>(row_count), 0.0f) {
    const size_t panel_bytes = kernels.panel_bytes(dimension);
    packed_ = Buffer::allocate(panel_bytes * static_cast<size_t>(kernels.panels(queries_)));
    for (int64_t q = 0; q < queries_; q += kernels.panel) {
      kernels.pack(queries.data() + q * dimension, std::min(kernels.panel, queries_ - q), dimension,
                   packed_->mutable_data() + panel_bytes * static_cast<size_t>(q / kernels.panel));
    }
  }

  // With one hit behind the last one that must stay as it was.
  std::vector<ProductHit> select() {
    std::vector<ProductHit> hits(static_cast<size_t>(row_count_ * queries_) + 1, {77, 77, 77.0f});
    const void* rows = rows_;
    std::shared_ptr<Buffer> prepared;
    if (const size_t bytes = kernels_.prepared_bytes(row_count_, dimension_); bytes > 0) {
      prepared = Buffer::allocate(bytes);
      kernels_.prepare(rows_, row_count_, dimension_, prepared->mutable_data());
      rows = prepared->data();
    }
    const ProductLimits limits{floors.data(), norm_factors.data(), norms.data(), addends.data()};
    const size_t count = kernels_.select(rows, row_count_, dimension_, packed_->data(), queries_,
                                         limits, hits.data());
    EXPECT_LE(count, static_cast<size_t>(row_count_ * queries_));
    EXPECT_EQ(hits[count].product, 77.0f);
    hits.resize(count);
    return hits;
  }

 private:
  const ProductKernels& kernels_;
  int64_t dimension_;
  int64_t queries_;
  const float* rows_;
  int64_t row_count_;
  std::shared_ptr<Buffer> packed_;

 public:
  std::vector<float> floors;
  std::vector<float> norm_factors;
  std::vector<float> norms;
  std::vector<float> addends;
};

std::vector<float> random_floats(std::mt19937* random, int64_t count, double scale) {
  std::normal_distribution<double> normal;
  std::vector<float> out(static_cast<size_t>(count));
  for (float& x : out) x = static_cast<float>(normal(*random) * scale);
  return out;
}

TEST(ProductKernelsTest, StayInsideTheErrorBound) {
  std::mt19937 random(test_seed());
  for (const ProductKernels* available : available_product_kernels()) {
    const ProductKernels& kernels = *available;
    for (int32_t d = 1; d <= 257; ++d) {
      // Around the tiles of every level; rows start at any float.
      const int64_t row_count = std::vector<int64_t>{1, 11, 13, 32, 33, 97}[random() % 6];
      const int64_t query_count = std::vector<int64_t>{1, 7, 16, 17, 32, 33, 70}[random() % 7];
      const int64_t offset = static_cast<int64_t>(random() % 5);
      const double scale = std::vector<double>{1, 1e-9, 1e12}[random() % 3];
      SCOPED_TRACE(testing::Message() << kernels.name << " d=" << d << " rows=" << row_count
                                      << " queries=" << query_count << " scale=" << scale);
      const std::vector<float> queries = random_floats(&random, query_count * d, 1);
      const std::vector<float> data = random_floats(&random, offset + row_count * d, scale);
      const float* rows = data.data() + offset;
      Products products(kernels, d, queries, rows, row_count);
      const std::vector<ProductHit> hits = products.select();
      ASSERT_EQ(hits.size(), static_cast<size_t>(row_count * query_count));
      const double steps = kernels.steps_per_element * d + static_cast<double>(kernels.extra_steps);
      const double error = kernels.split_error + steps * 0x1p-24 / (1 - steps * 0x1p-24);
      std::vector<bool> seen(hits.size());
      for (const ProductHit& hit : hits) {
        const float* row = rows + static_cast<int64_t>(hit.row) * d;
        const float* query = queries.data() + static_cast<int64_t>(hit.query) * d;
        const double exact = exact_score(Metric::kDot, row, query, d);
        const double limit = error * exact_norm(row, d) * exact_norm(query, d);
        ASSERT_LE(std::abs(static_cast<double>(hit.product) - exact), limit);
        seen[static_cast<size_t>(hit.row * query_count + hit.query)] = true;
      }
      for (bool pair : seen) ASSERT_TRUE(pair);
    }
  }
}

TEST(ProductKernelsTest, LeavesOutWhatIsBelowTheLimit) {
  std::mt19937 random(test_seed() + 1);
  for (const ProductKernels* available : available_product_kernels()) {
    const ProductKernels& kernels = *available;
    for (int32_t d : {1, 31, 64, 100}) {
      const int64_t row_count = 61;
      const int64_t query_count = 45;
      const std::vector<float> queries = random_floats(&random, query_count * d, 1);
      std::vector<float> rows = random_floats(&random, row_count * d, 1);
      rows[static_cast<size_t>(5 * d)] = kNan;
      Products products(kernels, d, queries, rows.data(), row_count);
      const std::vector<ProductHit> all = products.select();
      products.floors = random_floats(&random, static_cast<int64_t>(products.floors.size()), 1);
      products.norm_factors =
          random_floats(&random, static_cast<int64_t>(products.floors.size()), 1);
      products.norms = random_floats(&random, row_count, 1);
      products.addends = random_floats(&random, row_count, 1);
      products.addends[7] = kInfinity;   // nothing of this row
      products.addends[9] = -kInfinity;  // everything
      std::vector<ProductHit> kept = products.select();
      size_t next = 0;
      size_t of_row_9 = 0;
      for (const ProductHit& hit : all) {
        const double floor = static_cast<double>(products.floors[hit.query]) +
                             static_cast<double>(products.norm_factors[hit.query]) *
                                 static_cast<double>(products.norms[hit.row]) +
                             static_cast<double>(products.addends[hit.row]);
        const double above = static_cast<double>(hit.product) - floor;
        const bool found =
            next < kept.size() && kept[next].row == hit.row && kept[next].query == hit.query;
        if (std::abs(above) > 1e-5) {
          ASSERT_EQ(found, !(above < 0)) << kernels.name << " " << hit.row << " " << hit.query;
        }
        if (found) ++next;
        if (found && hit.row == 9) ++of_row_9;
        if (hit.row == 5) {
          ASSERT_TRUE(found);  // NaN
        }
        if (hit.row == 7) {
          ASSERT_FALSE(found);
        }
      }
      EXPECT_EQ(next, kept.size());
      EXPECT_EQ(of_row_9, static_cast<size_t>(query_count));
    }
  }
}

TEST(ProductKernelsTest, TheActiveOnesAreThoseThatAreForced) {
  const auto available = available_product_kernels();
  EXPECT_EQ(&active_product_kernels(), available.back());
  for (const ProductKernels* kernels : available) {
    const ForcedLevel forced(kernels->name);
    EXPECT_EQ(&active_product_kernels(), kernels);
  }
  const ForcedLevel forced("abacus");
  EXPECT_THROW(active_product_kernels(), Error);
}

// The promise of the bound, pair by pair: what it leaves out scores strictly worse.
TEST(ProductBoundTest, LeavesOutOnlyPairsThatScoreWorse) {
  std::mt19937 random(test_seed() + 2);
  int64_t left_out = 0;
  for (const ProductKernels* available : available_product_kernels()) {
    const ProductKernels& kernels = *available;
    for (Metric metric : {Metric::kCosine, Metric::kDot, Metric::kL2}) {
      for (int32_t d : {1, 3, 17, 64, 257}) {
        for (float scale : {1e-42f, 1e-20f, 1e-9f, 1e-3f, 1.0f, 1e4f, 1e15f, 1e30f}) {
          const std::vector<float> query = random_vector(&random, d);
          // Rows near the query, far from it, and of other lengths.
          std::vector<float> rows;
          const int64_t row_count = 40;
          for (int64_t r = 0; r < row_count; ++r) {
            const std::vector<float> noise = random_vector(&random, d);
            const float spread = std::pow(10.0f, -static_cast<float>(r % 8));
            const float length = r % 5 == 0 ? scale : 1.0f;
            for (size_t i = 0; i < query.size(); ++i) {
              rows.push_back((query[i] + noise[i] * spread) * length);
            }
          }
          const ExactScorer scorer(metric, query);
          const ProductBound bound(metric, kernels, d, scorer.query_norm());
          std::vector<double> scores;
          Products products(kernels, d, query, rows.data(), row_count);
          for (int64_t r = 0; r < row_count; ++r) {
            const float* row = rows.data() + r * d;
            scores.push_back(scorer.score(row));
            products.norms[static_cast<size_t>(r)] = static_cast<float>(exact_norm(row, d));
            products.addends[static_cast<size_t>(r)] =
                bound.addend(products.norms[static_cast<size_t>(r)]);
          }
          for (double limit : scores) {
            const ProductBound::Terms terms = bound.terms(limit);
            std::fill(products.floors.begin(), products.floors.end(), terms.floor);
            std::fill(products.norm_factors.begin(), products.norm_factors.end(),
                      terms.norm_factor);
            std::vector<bool> kept(static_cast<size_t>(row_count));
            for (const ProductHit& hit : products.select()) kept[hit.row] = true;
            for (size_t r = 0; r < scores.size(); ++r) {
              if (kept[r]) continue;
              ++left_out;
              const bool worse = larger_is_nearer(metric) ? scores[r] < limit : scores[r] > limit;
              ASSERT_TRUE(worse) << kernels.name << " " << metric_name(metric) << " d=" << d
                                 << " scale=" << scale << " row " << r;
            }
          }
        }
      }
    }
  }
  EXPECT_GT(left_out, 100000);
}

}  // namespace
}  // namespace velaria
