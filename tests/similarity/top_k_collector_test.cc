#include "src/similarity/top_k_collector.h"

#include <algorithm>
#include <limits>
#include <stdexcept>

#include "gtest/gtest.h"
#include "src/similarity/parallel_tasks.h"
#include "tests/similarity/vector_test_data.h"

namespace velaria {
namespace {

TEST(TopKCollectorTest, KeepsTheBestAsSortingDoes) {
  std::mt19937 random(test_seed());
  for (int64_t k : {1, 2, 3, 10, 100}) {
    for (int64_t rows : {0, 1, 2, 9, 10, 11, 1000}) {
      for (uint32_t distinct : {1u, 5u, 1000000u}) {
        TopKCollector collector(k);
        std::vector<RankedRow> all;
        for (int64_t i = 0; i < rows; ++i) {
          // Row ids descend: ties must not depend on the order of arrival.
          all.push_back({static_cast<double>(random() % distinct), rows - i});
          collector.offer(all.back());
        }
        std::sort(all.begin(), all.end());
        if (rows >= k) {
          EXPECT_GE(collector.key_limit(), all[static_cast<size_t>(k - 1)].key);
        } else {
          EXPECT_EQ(collector.key_limit(), std::numeric_limits<double>::infinity());
        }
        all.resize(static_cast<size_t>(std::min(k, rows)));
        const auto best = best_rows(collector.rows(), k);
        ASSERT_EQ(best.size(), all.size());
        for (size_t i = 0; i < all.size(); ++i) {
          ASSERT_EQ(best[i].row_id, all[i].row_id);
          ASSERT_EQ(best[i].key, all[i].key);
        }
      }
    }
  }
}

TEST(ParallelTasksTest, RunsEachOnceAndThrowsTheFirstError) {
  ThreadPool pool(2);
  for (ThreadPool* where : {static_cast<ThreadPool*>(nullptr), &pool}) {
    std::vector<int> runs(9, 0);
    run_tasks(where, runs.size(), [&runs](size_t i) { ++runs[i]; });
    EXPECT_EQ(runs, std::vector<int>(9, 1));
    run_tasks(where, 0, [](size_t) { ADD_FAILURE(); });
    EXPECT_THROW(run_tasks(where, 4,
                           [](size_t i) {
                             if (i == 2) throw std::runtime_error("two");
                           }),
                 std::runtime_error);
  }
}

}  // namespace
}  // namespace velaria
