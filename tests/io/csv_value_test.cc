#include "src/io/csv/csv_value.h"

#include <cmath>
#include <random>
#include <string>

#include "gtest/gtest.h"
#include "src/base/text.h"
#include "src/io/csv/csv_evidence.h"

namespace velaria {
namespace {

template <typename T, typename Parser>
std::string parsed(Parser parser, std::string text) {
  const size_t size = text.size();
  text += "99999999";  // what stands behind a field must not matter
  T value{};
  if (!parser(text.data(), size, &value)) return "no";
  return concat(value);
}

TEST(CsvValue, StrictIntegers) {
  const auto strict = [](const char* text) { return parsed<int64_t>(parse_int64_strict, text); };
  EXPECT_EQ(strict("0"), "0");
  EXPECT_EQ(strict("-7"), "-7");
  EXPECT_EQ(strict("12345678"), "12345678");
  EXPECT_EQ(strict("123456789"), "123456789");
  EXPECT_EQ(strict("9223372036854775807"), "9223372036854775807");
  EXPECT_EQ(strict("-9223372036854775808"), "-9223372036854775808");
  for (const char* text :
       {"", "-", "+1", "007", "02134", "-0", "00", "1.0", "1e3", " 1", "1 ", "9223372036854775808",
        "-9223372036854775809", "12345678901234567890", "1a", "a1", "12/4", "12:4",
        "1\xFF"
        "2"}) {
    EXPECT_EQ(strict(text), "no") << text;
  }
}

TEST(CsvValue, StrictIntegersAgreeWithStoll) {
  std::mt19937_64 random(7);
  for (int i = 0; i < 20000; ++i) {
    const auto value = static_cast<int64_t>(random()) >> (random() % 64);
    EXPECT_EQ(parsed<int64_t>(parse_int64_strict, std::to_string(value)), std::to_string(value));
  }
}

TEST(CsvValue, LenientNumbers) {
  EXPECT_EQ(parsed<int64_t>(parse_int64_lenient, "+007"), "7");
  EXPECT_EQ(parsed<int64_t>(parse_int64_lenient, "-0"), "0");
  EXPECT_EQ(parsed<int64_t>(parse_int64_lenient, "9223372036854775808"), "no");
  EXPECT_EQ(parsed<int64_t>(parse_int64_lenient, "+"), "no");
  EXPECT_EQ(parsed<uint64_t>(parse_uint64_lenient, "18446744073709551615"), "18446744073709551615");
  EXPECT_EQ(parsed<uint64_t>(parse_uint64_lenient, "18446744073709551616"), "no");
  EXPECT_EQ(parsed<uint64_t>(parse_uint64_lenient, "-1"), "no");
  EXPECT_EQ(parsed<double>(parse_float64_lenient, "+1.5"), "1.5");
  EXPECT_EQ(parsed<double>(parse_float64_lenient, "NaN"), "nan");
  EXPECT_EQ(parsed<double>(parse_float64_lenient, "-Infinity"), "-inf");
  EXPECT_EQ(parsed<double>(parse_float64_lenient, "+-1"), "no");
  EXPECT_EQ(parsed<double>(parse_float64_lenient, ""), "no");
}

TEST(CsvValue, StrictFloats) {
  const auto strict = [](const char* text) { return parsed<double>(parse_float64_strict, text); };
  EXPECT_EQ(strict("0.5"), "0.5");
  EXPECT_EQ(strict("-1e3"), "-1000");
  EXPECT_EQ(strict(".25"), "0.25");
  EXPECT_EQ(strict("-0"), "-0");
  EXPECT_EQ(strict("9007199254740992"), "9.0072e+15");
  for (const char* text : {"", "-", ".", "nan", "inf", "+1.5", "00.5", "1.5x", "1e", "1e999",
                           "9007199254740993", "12345678901234567890", "0x1p3", "1,5"}) {
    EXPECT_EQ(strict(text), "no") << text;
  }
}

TEST(CsvValue, DatesAndTimestamps) {
  DateParser dates;
  int32_t days = 0;
  const auto date = [&](const std::string& text) {
    return dates.parse_date(text.data(), text.size(), &days) ? days : -1;
  };
  EXPECT_EQ(date("1970-01-02"), 1);
  EXPECT_EQ(date("1970-01-02"), 1);  // from memory
  EXPECT_EQ(date("1970-01-32"), -1);
  EXPECT_EQ(date("1970-01-03"), 2);
  EXPECT_EQ(date("1970-1-3"), -1);
  int64_t value = 0;
  const auto time = [&](const std::string& text, bool offset) {
    return dates.parse_timestamp(text.data(), text.size(), TimeUnit::kMicro, offset, &value)
               ? concat(value)
               : std::string("no");
  };
  EXPECT_EQ(time("1970-01-01 00:00:01", false), "1000000");
  EXPECT_EQ(time("1970-01-01T00:00:01.5", false), "1500000");
  EXPECT_EQ(time("1970-01-01 00:01", false), "60000000");
  EXPECT_EQ(time("1970-01-01T00:00:01Z", true), "1000000");
  EXPECT_EQ(time("1970-01-01 01:00:00+01", true), "0");
  EXPECT_EQ(time("1970-01-01T00:00:01Z", false), "no");
  EXPECT_EQ(time("1970-01-01 00:00:01", true), "no");
  EXPECT_EQ(time("1970-01-01 24:00:00", false), "no");
  EXPECT_EQ(time("1970-01-01 00:00:0x", false), "no");
  EXPECT_EQ(time("1970-01-01 00:00:01.1234567", false), "no");
}

std::string inferred(const std::vector<std::string>& values) {
  const CsvDialect dialect;
  TypeEvidence forward;
  std::vector<TypeEvidence> parts;
  for (const std::string& value : values) {
    const std::string padded = value + std::string(kCsvPaddingBytes, '\0');
    const FieldSpan span{0, static_cast<uint32_t>(value.size())};
    forward.observe(padded.data(), span, dialect);
    parts.emplace_back();
    parts.back().observe(padded.data(), span, dialect);
  }
  TypeEvidence merged;
  for (auto part = parts.rbegin(); part != parts.rend(); ++part) merged.merge(*part);
  EXPECT_EQ(merged.type().to_string(), forward.type().to_string());
  return forward.type().to_string();
}

// The quick looks say yes only where the parsers do, with the same value.
TEST(CsvValue, QuickLooksAgreeWithTheParsers) {
  std::mt19937_64 random(20261129);
  const std::string characters = "0123456789012345678901234567890123456789..-+eE:/ ";
  int integers = 0;
  int decimals = 0;
  for (int round = 0; round < 400000; ++round) {
    std::string text;
    for (size_t size = random() % 21; text.size() < size;) {
      text += characters[random() % (round % 2 == 0 ? 40 : characters.size())];
    }
    if (round % 3 == 0) text.insert(0, 1, '-');
    if (round % 4 == 0 && text.size() > 2) text[1 + random() % (text.size() - 1)] = '.';
    const std::string padded = text + std::string(8, static_cast<char>(random()));
    const char* data = padded.data();
    int64_t integer = 0;
    double number = 0;
    if (is_short_integer(data, text.size())) {
      ++integers;
      ASSERT_TRUE(parse_int64_strict(data, text.size(), &integer)) << text;
      ASSERT_TRUE(is_exact_double(integer)) << text;
    } else if (text.size() <= 15 && parse_int64_strict(data, text.size(), &integer)) {
      FAIL() << text << " is a short integer";
    }
    if (is_plain_decimal(data, text.size())) {
      ++decimals;
      ASSERT_TRUE(parse_float64_strict(data, text.size(), &number)) << text;
    }
    if (text.size() >= 3 && parse_short_decimal(data, text.size(), &number)) {
      ASSERT_TRUE(is_plain_decimal(data, text.size())) << text;
      ASSERT_EQ(number, std::strtod(text.c_str(), nullptr)) << text;
    }
  }
  EXPECT_GT(integers, 1000);
  EXPECT_GT(decimals, 1000);
}

TEST(CsvEvidence, Types) {
  EXPECT_EQ(inferred({}), "utf8");
  EXPECT_EQ(inferred({"1", "-2"}), "int64");
  EXPECT_EQ(inferred({"1", "02134"}), "utf8");
  EXPECT_EQ(inferred({"1", "2.5"}), "float64");
  EXPECT_EQ(inferred({"0.5", "0"}), "float64");
  EXPECT_EQ(inferred({"9007199254740993", "2.5"}), "utf8");  // a double would change it
  EXPECT_EQ(inferred({"9007199254740993"}), "int64");
  EXPECT_EQ(inferred({"9223372036854775808"}), "utf8");  // beyond int64, never double
  EXPECT_EQ(inferred({"true", "FALSE"}), "bool");
  EXPECT_EQ(inferred({"true", "1"}), "utf8");
  EXPECT_EQ(inferred({"2013-01-01"}), "date32");
  EXPECT_EQ(inferred({"2013-01-01", "2013-01-01 05:00"}), "timestamp[us]");
  EXPECT_EQ(inferred({"2013-01-01", "5"}), "utf8");
  EXPECT_EQ(inferred({"2013-01-01T10:00:00Z"}), "timestamp[us, UTC]");
  EXPECT_EQ(inferred({"2013-01-01T10:00:00Z", "2013-01-01T10:00:00"}), "utf8");
  EXPECT_EQ(inferred({"1", "NA"}), "utf8");
  EXPECT_EQ(inferred({"1.5", "nan"}), "utf8");
  EXPECT_EQ(inferred({"+1"}), "utf8");
  EXPECT_EQ(inferred({"1", ""}), "utf8");  // a quoted empty one: NULLs are not observed
}

}  // namespace
}  // namespace velaria
