// Every level of the loops against a value-by-value reckoning.
#include "src/kernel/array_loops.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

namespace velaria {
namespace {

const std::vector<int64_t> kLengths{1, 2, 3, 15, 16, 17, 31, 63, 64, 65, 127, 128, 200, 1000, 2048};

template <typename T>
std::vector<T> some_values(int64_t count, std::mt19937_64* random) {
  using Limits = std::numeric_limits<T>;
  std::vector<T> out;
  // Of numbers of 128 bits, half of the arrays hold only such as fit into 64.
  const bool wide = (*random)() % 2 == 0;
  for (int64_t i = 0; i < count; ++i) {
    if constexpr (std::is_same_v<T, Int128>) {
      if (!wide || (*random)() % 100 != 0) {
        out.push_back(some_values<int64_t>(1, random)[0]);
        continue;
      }
    }
    switch ((*random)() % 6) {
      case 0: out.push_back(Limits::max()); break;
      case 1: out.push_back(Limits::lowest()); break;
      case 2: out.push_back(T(0)); break;
      case 3: out.push_back(static_cast<T>((*random)())); break;
      default: out.push_back(static_cast<T>((*random)() % 100)); break;
    }
  }
  return out;
}

template <typename T>
class IntegerLoopsTest : public testing::Test {};
using Integers =
    testing::Types<int8_t, int16_t, int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t>;
TYPED_TEST_SUITE(IntegerLoopsTest, Integers);

TYPED_TEST(IntegerLoopsTest, SumAndRangeAreThoseOfTheValues) {
  using T = TypeParam;
  std::mt19937_64 random(7);
  for (SimdLevel level : available_simd_levels()) {
    for (int64_t count : kLengths) {
      const std::vector<T> values = some_values<T>(count, &random);
      Int128 sum = 0;
      T low = values[0];
      T high = values[0];
      for (T value : values) {
        sum += value;
        low = std::min(low, value);
        high = std::max(high, value);
      }
      EXPECT_TRUE(integer_loops<T>(level).sum(values.data(), count) == sum) << count;
      T smallest;
      T largest;
      integer_loops<T>(level).range(values.data(), count, &smallest, &largest);
      EXPECT_EQ(smallest, low);
      EXPECT_EQ(largest, high);
    }
    // All at one end, where halves add up to the most.
    for (T extreme : {std::numeric_limits<T>::lowest(), std::numeric_limits<T>::max()}) {
      const std::vector<T> values(4096, extreme);
      EXPECT_TRUE(integer_loops<T>(level).sum(values.data(), 4096) ==
                  static_cast<Int128>(extreme) * 4096);
    }
  }
}

template <typename T>
class FloatLoopsTest : public testing::Test {};
using Floats = testing::Types<float, double>;
TYPED_TEST_SUITE(FloatLoopsTest, Floats);

TYPED_TEST(FloatLoopsTest, SumLosesNothing) {
  using T = TypeParam;
  for (SimdLevel level : available_simd_levels()) {
    for (int64_t count : kLengths) {
      std::vector<T> values;
      for (int64_t i = 0; i < count; ++i) {
        values.push_back(static_cast<T>(i % 3 == 0 ? 1e16 : (i % 3 == 1 ? -1e16 : 0.5)));
      }
      ExactPair expected{3, 0};
      for (T value : values) expected.add(static_cast<double>(value));
      ExactPair sum{3, 0};
      ASSERT_TRUE(float_loops<T>(level).sum(values.data(), count, &sum));
      EXPECT_EQ(sum.high + sum.low, expected.high + expected.low) << count;
    }
  }
}

TYPED_TEST(FloatLoopsTest, SumRefusesWhatCouldOverflowOnTheWay) {
  using T = TypeParam;
  using Limits = std::numeric_limits<T>;
  std::vector<T> refused{Limits::infinity(), -Limits::infinity(), Limits::quiet_NaN()};
  if (sizeof(T) == 8) refused.push_back(static_cast<T>(-0x1p+960));
  for (SimdLevel level : available_simd_levels()) {
    for (int64_t count : kLengths) {
      for (T value : refused) {
        for (int64_t at : {int64_t{0}, count / 2, count - 1}) {
          std::vector<T> values(static_cast<size_t>(count), T(1));
          values[static_cast<size_t>(at)] = value;
          ExactPair sum{5, 0};
          EXPECT_FALSE(float_loops<T>(level).sum(values.data(), count, &sum));
          EXPECT_EQ(sum.high, 5);
        }
      }
    }
  }
}

TYPED_TEST(FloatLoopsTest, RangeLeavesOutNaN) {
  using T = TypeParam;
  using Limits = std::numeric_limits<T>;
  for (SimdLevel level : available_simd_levels()) {
    for (int64_t count : kLengths) {
      for (int64_t nan_at : {int64_t{-1}, int64_t{0}, count - 1}) {
        std::vector<T> values;
        T low = Limits::infinity();
        T high = -Limits::infinity();
        for (int64_t i = 0; i < count; ++i) {
          const auto value = static_cast<T>((i * 37) % 101 - 50);
          values.push_back(i == nan_at ? Limits::quiet_NaN() : value);
          if (i == nan_at) continue;
          low = std::min(low, value);
          high = std::max(high, value);
        }
        T smallest;
        T largest;
        bool any_nan = false;
        float_loops<T>(level).range(values.data(), count, &smallest, &largest, &any_nan);
        EXPECT_EQ(smallest, low);
        EXPECT_EQ(largest, high);
        EXPECT_EQ(any_nan, nan_at >= 0);
      }
    }
  }
}

template <typename T>
class CompareLoopsTest : public testing::Test {};
using Compared = testing::Types<int32_t, uint32_t, int64_t, uint64_t, float, double, Int128>;
TYPED_TEST_SUITE(CompareLoopsTest, Compared);

bool holds(CompareOp op, int order) {
  switch (op) {
    case CompareOp::kEqual: return order == 0;
    case CompareOp::kNotEqual: return order != 0;
    case CompareOp::kLess: return order < 0;
    case CompareOp::kLessEqual: return order <= 0;
    case CompareOp::kGreater: return order > 0;
    case CompareOp::kGreaterEqual: return order >= 0;
  }
  return false;
}

TYPED_TEST(CompareLoopsTest, MaskTellsWhatCompareValuesTells) {
  using T = TypeParam;
  std::mt19937_64 random(11);
  const auto with_nans = [&](std::vector<T> values) {
    if (!std::is_floating_point_v<T>) return values;
    for (size_t i = 0; i < values.size(); i += 3) values[i] = std::numeric_limits<T>::quiet_NaN();
    for (size_t i = 1; i < values.size(); i += 5) values[i] = -T(0);
    return values;
  };
  for (SimdLevel level : available_simd_levels()) {
    for (int64_t count : kLengths) {
      const std::vector<T> x = with_nans(some_values<T>(count, &random));
      std::vector<T> y = with_nans(some_values<T>(count, &random));
      for (size_t i = 0; i < y.size(); i += 2) y[i] = x[i];
      for (int op_number = 0; op_number < 6; ++op_number) {
        const auto op = static_cast<CompareOp>(op_number);
        for (int form = 0; form < 3; ++form) {
          // Two arrays, then two constants.
          const T constant = form == 1 ? T(0) : static_cast<T>(50);
          std::vector<uint64_t> mask(static_cast<size_t>(mask_words(count)), 0xABCDEF);
          if (form == 0) {
            compare_loops<T>(level).arrays(op, x.data(), y.data(), count, mask.data());
          } else {
            compare_loops<T>(level).constant(op, x.data(), &constant, count, mask.data());
          }
          for (int64_t i = 0; i < mask_words(count) * 64; ++i) {
            const auto at = static_cast<size_t>(i);
            const bool wanted =
                i < count && holds(op, compare_values(x[at], form == 0 ? y[at] : constant));
            ASSERT_EQ((mask[at / 64] >> (i % 64)) & 1, wanted ? 1u : 0u)
                << count << " " << op_number << " " << form << " " << i;
          }
        }
      }
    }
  }
}

TEST(PairLoops, MaskTellsWhichPairsAreEqual) {
  std::mt19937_64 random(29);
  for (SimdLevel level : available_simd_levels()) {
    for (int64_t count : kLengths) {
      std::vector<uint64_t> pairs;
      for (int64_t i = 0; i < 2 * count; ++i) pairs.push_back(random() % 2 + (random() % 2 << 40));
      const uint64_t wanted[2] = {1, uint64_t{1} << 40};
      std::vector<uint64_t> equal(static_cast<size_t>(mask_words(count)), 0xABCDEF);
      std::vector<uint64_t> equal_first = equal;
      pair_loops(level).equal(pairs.data(), wanted, count, equal.data());
      pair_loops(level).equal_first(pairs.data(), wanted, count, equal_first.data());
      for (int64_t i = 0; i < mask_words(count) * 64; ++i) {
        const auto at = static_cast<size_t>(i);
        const bool first = i < count && pairs[2 * at] == wanted[0];
        const bool both = first && pairs[2 * at + 1] == wanted[1];
        ASSERT_EQ((equal[at / 64] >> (i % 64)) & 1, both ? 1u : 0u) << count << " " << i;
        ASSERT_EQ((equal_first[at / 64] >> (i % 64)) & 1, first ? 1u : 0u) << count << " " << i;
      }
    }
  }
}

}  // namespace
}  // namespace velaria
