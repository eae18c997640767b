// Starts of time windows, row by row: times that stand together and times that jump, before 1970,
// and at the ends of what a timestamp holds.
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

#include "gtest/gtest.h"
#include "src/base/error.h"
#include "src/column/builder.h"
#include "src/kernel/temporal.h"

namespace velaria {
namespace {

constexpr int64_t kLeast = std::numeric_limits<int64_t>::min();
constexpr int64_t kMost = std::numeric_limits<int64_t>::max();

ColumnPtr times(const std::vector<int64_t>& values) {
  FixedBuilder<int64_t> builder(DataType::timestamp(TimeUnit::kMicro));
  for (const int64_t value : values) builder.append(value);
  return builder.finish();
}

int64_t plain_start(int64_t value, int64_t step) {
  const __int128 rest = (static_cast<__int128>(value) % step + step) % step;
  return static_cast<int64_t>(value - rest);
}

TEST(WindowStart, IsTheFloorForAnyOrderOfTimes) {
  std::mt19937_64 random(7);
  for (const int64_t step_ms : {int64_t{1}, int64_t{7}, int64_t{1000}, int64_t{86'400'000}}) {
    const int64_t step = step_ms * 1000;
    std::vector<int64_t> values = {0,
                                   -1,
                                   1,
                                   step,
                                   step - 1,
                                   -step,
                                   -step - 1,
                                   kMost,
                                   kMost - step,
                                   kLeast + step,
                                   kMost,
                                   kLeast + 2 * step,
                                   0};
    for (int i = 0; i < 2000; ++i) {
      const bool near = random() % 4 != 0;
      const auto jump = static_cast<int64_t>(random() % static_cast<uint64_t>(4 * step)) - 2 * step;
      const int64_t last = values.back();
      const bool fits = last < kMost - 2 * step && last > kLeast + 4 * step;
      values.push_back(near && fits ? last + jump : static_cast<int64_t>(random() >> 2));
    }
    const ColumnPtr starts = window_start(times(values), step_ms);
    for (size_t i = 0; i < values.size(); ++i) {
      ASSERT_EQ(starts->values<int64_t>()[i], plain_start(values[i], step)) << values[i];
    }
  }
}

TEST(WindowStart, BeforeTheFirstTimestampIsAnError) {
  // The time before it must not lend its window.
  for (const std::vector<int64_t>& values :
       {std::vector<int64_t>{kLeast + 3}, std::vector<int64_t>{kMost, kLeast + 3}}) {
    EXPECT_THROW(window_start(times(values), 1000), Error);
  }
}

}  // namespace
}  // namespace velaria
