#include "src/column/calendar.h"

#include <gtest/gtest.h>

#include <limits>

namespace velaria {
namespace {

TEST(Calendar, EveryDayOfFourCenturiesCountsUp) {
  CivilDate date{1799, 12, 31};
  int64_t days = days_from_civil(date);
  EXPECT_EQ(days_from_civil({1970, 1, 1}), 0);
  EXPECT_EQ(days_from_civil({2000, 2, 29}), 11016);
  for (int i = 0; i < 146097 + 2; ++i) {
    ++days;
    if (++date.day > days_in_month(date.year, date.month)) {
      date.day = 1;
      if (++date.month > 12) {
        date.month = 1;
        ++date.year;
      }
    }
    ASSERT_EQ(days_from_civil(date), days);
    const CivilDate back = civil_from_days(days);
    ASSERT_EQ(back.year, date.year);
    ASSERT_EQ(back.month, date.month);
    ASSERT_EQ(back.day, date.day);
  }
}

TEST(Calendar, FarDatesComeBack) {
  for (const int64_t days : {int64_t{-719468}, int64_t{-800000}, int64_t{2932896},
                             int64_t{std::numeric_limits<int32_t>::max()},
                             int64_t{std::numeric_limits<int32_t>::min()}}) {
    EXPECT_EQ(days_from_civil(civil_from_days(days)), days);
  }
}

TEST(Calendar, LeapYearsAndRealDates) {
  EXPECT_TRUE(is_leap_year(2000));
  EXPECT_FALSE(is_leap_year(1900));
  EXPECT_TRUE(is_leap_year(2024));
  EXPECT_TRUE(is_real_date({2024, 2, 29}));
  EXPECT_FALSE(is_real_date({2023, 2, 29}));
  EXPECT_FALSE(is_real_date({2023, 13, 1}));
  EXPECT_FALSE(is_real_date({2023, 0, 1}));
  EXPECT_FALSE(is_real_date({2023, 1, 0}));
}

TEST(Calendar, FloorDivision) {
  EXPECT_EQ(floor_div(-1, 10), -1);
  EXPECT_EQ(floor_div(-10, 10), -1);
  EXPECT_EQ(floor_div(9, 10), 0);
  EXPECT_EQ(floor_mod(-1, 10), 9);
  EXPECT_EQ(floor_mod(-10, 10), 0);
  EXPECT_EQ(floor_mod(19, 10), 9);
}

TEST(Calendar, Dates) {
  EXPECT_EQ(format_date(15706), "2013-01-01");
  EXPECT_EQ(format_date(-1), "1969-12-31");
  EXPECT_EQ(parse_date("2013-01-01"), 15706);
  for (const char* bad : {"", "2013-1-1", "2013-02-29", "2013-01-01 ", "2013/01/01", "13-01-01"}) {
    EXPECT_FALSE(parse_date(bad)) << bad;
  }
}

TEST(Calendar, Times) {
  EXPECT_EQ(format_time(0), "00:00:00");
  EXPECT_EQ(format_time(18000250000), "05:00:00.25");
  EXPECT_EQ(parse_time("05:00"), 18000000000);
  EXPECT_EQ(parse_time("05:00:00.25"), 18000250000);
  EXPECT_EQ(parse_time("00:00:00.000001"), 1);
  EXPECT_EQ(parse_time("00:00:00.000001000"), 1);
  for (const char* bad : {"24:00:00", "00:60", "00:00:60", "5:00", "00:00:00.", "00:00:00.0000001",
                          "00:00:00.1234567890"}) {
    EXPECT_FALSE(parse_time(bad)) << bad;
  }
}

TEST(Calendar, Timestamps) {
  bool offset = true;
  EXPECT_EQ(parse_timestamp("2013-01-01T05:00:00", TimeUnit::kSecond, &offset), 1357016400);
  EXPECT_FALSE(offset);
  EXPECT_EQ(parse_timestamp("2013-01-01", TimeUnit::kSecond, &offset), 1356998400);
  EXPECT_EQ(parse_timestamp("1970-01-01 00:00:00.5", TimeUnit::kMilli, &offset), 500);
  EXPECT_EQ(parse_timestamp("1969-12-31 23:59:59.5", TimeUnit::kMilli, &offset), -500);
  EXPECT_FALSE(parse_timestamp("1970-01-01 00:00:00.5", TimeUnit::kSecond, &offset));
  EXPECT_EQ(parse_timestamp("1970-01-01 08:00:00+08", TimeUnit::kSecond, &offset), 0);
  EXPECT_TRUE(offset);
  EXPECT_EQ(parse_timestamp("1970-01-01 00:00:00-05:30", TimeUnit::kSecond, &offset), 19800);
  EXPECT_EQ(parse_timestamp("1970-01-01T00:00:00Z", TimeUnit::kNano, &offset), 0);
  EXPECT_TRUE(offset);
  // 2262-04-11 is as far as 64 bits of nanoseconds reach.
  EXPECT_FALSE(parse_timestamp("2300-01-01 00:00:00", TimeUnit::kNano, &offset));
  for (const char* bad : {"2013-01-01T", "2013-01-01x05:00", "2013-01-01 05:00:00+", "x"}) {
    EXPECT_FALSE(parse_timestamp(bad, TimeUnit::kMicro, &offset)) << bad;
  }
  const DataType micro = DataType::timestamp(TimeUnit::kMicro);
  EXPECT_EQ(format_timestamp(-1, micro), "1969-12-31 23:59:59.999999");
  EXPECT_EQ(format_timestamp(0, DataType::timestamp(TimeUnit::kNano, "UTC")),
            "1970-01-01 00:00:00+00");
  for (const int64_t value :
       {int64_t{-62135596800000000}, int64_t{1357016400123456}, int64_t{-7}}) {
    EXPECT_EQ(parse_timestamp(format_timestamp(value, micro), TimeUnit::kMicro, &offset), value);
  }
  // The ends of the range only must not crash.
  for (const int64_t value :
       {std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max()}) {
    EXPECT_FALSE(format_timestamp(value, DataType::timestamp(TimeUnit::kSecond)).empty());
  }
}

TEST(Calendar, Intervals) {
  EXPECT_EQ(format_interval({0, 0, 0}), "00:00:00");
  EXPECT_EQ(format_interval({14, 1, -1500000}), "1 year 2 months 1 day -00:00:01.5");
  EXPECT_EQ(parse_interval("1 day"), (Interval{0, 1, 0}));
  EXPECT_EQ(parse_interval("2 months 3 days"), (Interval{2, 3, 0}));
  EXPECT_EQ(parse_interval("-1 day"), (Interval{0, -1, 0}));
  EXPECT_EQ(parse_interval("90 seconds"), (Interval{0, 0, 90000000}));
  EXPECT_EQ(parse_interval("01:30:00"), (Interval{0, 0, 5400000000}));
  EXPECT_EQ(parse_interval("1day"), (Interval{0, 1, 0}));
  EXPECT_EQ(parse_interval("5 ms"), (Interval{0, 0, 5000}));
  EXPECT_EQ(parse_interval("2 Weeks"), (Interval{0, 14, 0}));
  EXPECT_EQ(parse_interval("1.5 days"), (Interval{0, 1, 43200000000}));
  for (const char* bad : {"", "  ", "1", "day", ":", "-:", "1:", "01:60", "x:00", "1 fortnight",
                          "1.5.5 days", "9999999999999 years", "1 day x"}) {
    EXPECT_FALSE(parse_interval(bad)) << bad;
  }
  for (const Interval& interval :
       {Interval{14, -3, 5}, Interval{-14, 3, -86400000000 + 1}, Interval{0, 0, -1}}) {
    EXPECT_EQ(parse_interval(format_interval(interval)), interval) << format_interval(interval);
  }
  // What is shown can be read back, also beyond a day and at the ends of the range.
  for (const int64_t micros : {int64_t{90000000000}, std::numeric_limits<int64_t>::min(),
                               std::numeric_limits<int64_t>::max()}) {
    const Interval interval{0, 0, micros};
    EXPECT_EQ(parse_interval(format_interval(interval)), interval) << format_interval(interval);
  }
  EXPECT_FALSE(parse_interval("9999999999:00:00"));
  EXPECT_FALSE(parse_interval("2562047788:00:00 1 hour"));
}

}  // namespace
}  // namespace velaria
