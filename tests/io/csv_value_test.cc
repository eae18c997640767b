#include "src/io/csv/csv_value.h"

#include <charconv>
#include <cmath>
#include <cstring>
#include <random>
#include <string>
#include <utility>

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
  const std::string behind = "99999999";  // readable, and without any matter
  const auto date = [&](const std::string& text) {
    return dates.parse_date((text + behind).data(), text.size(), &days) ? days : -1;
  };
  EXPECT_EQ(date("1970-01-02"), 1);
  EXPECT_EQ(date("1970-01-02"), 1);  // from memory
  EXPECT_EQ(date("1970-01-32"), -1);
  EXPECT_EQ(date("1970-01-03"), 2);
  EXPECT_EQ(date("1970-1-3"), -1);
  int64_t value = 0;
  const auto time = [&](const std::string& text, bool offset) {
    return dates.parse_timestamp((text + behind).data(), text.size(), TimeUnit::kMicro, offset,
                                 &value)
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
    const bool is_integer = parse_int64_strict(data, text.size(), &integer);
    const size_t digits = text.size() - (text.substr(0, 1) == "-" ? 1 : 0);
    ASSERT_EQ(is_long_integer(data, text.size()), is_integer && digits >= 16 && digits <= 18)
        << text;
    size_t point = 0;
    if (is_short_decimal(data, text.size(), &point)) {
      ++decimals;
      ASSERT_EQ(text[point], '.') << text;
      ASSERT_TRUE(parse_float64_strict(data, text.size(), &number)) << text;
      ASSERT_TRUE(parse_float64_exact(data, text.size(), &number)) << text;
      ASSERT_TRUE(parse_short_decimal(data, text.size(), &number)) << text;
    }
    if (text.size() >= 3 && parse_short_decimal(data, text.size(), &number)) {
      ASSERT_TRUE(is_short_decimal(data, text.size(), &point)) << text;
      ASSERT_EQ(number, std::strtod(text.c_str(), nullptr)) << text;
    }
    // Of two grammars each is the other: what has a form of a number, and what is parsed as one.
    NumberText form;
    const bool exact = parse_float64_exact(data, text.size(), &number);
    const bool is_number = parse_number_text(data, text.size(), &form);
    ASSERT_TRUE(is_number || !exact) << text;
    if (!is_number) continue;
    const uint8_t fits = fits_of_number(form, data, text.size(), true);
    ASSERT_EQ((fits & kFitsInt) != 0, parse_int64_strict(data, text.size(), &integer)) << text;
    ASSERT_EQ((fits & kFitsFloat) != 0, exact) << text;
  }
  EXPECT_GT(integers, 1000);
  EXPECT_GT(decimals, 1000);
}

// The quick looks at dates say yes for all but a few days of what the parser takes.
TEST(CsvValue, QuickLooksAgreeWithTheParserOfDates) {
  std::mt19937_64 random(20261130);
  DateParser parser;
  int dates = 0;
  int timestamps = 0;
  for (int round = 0; round < 400000; ++round) {
    char made[40];
    const auto below = [&](unsigned limit) { return static_cast<unsigned>(random() % limit); };
    std::snprintf(made, sizeof(made), "%04u-%02u-%02u%c%02u:%02u:%02u", below(10000), below(14),
                  below(33), below(2) == 0 ? ' ' : 'T', below(26), below(62), below(62));
    std::string text = made;
    if (round % 3 == 0) text[random() % text.size()] = static_cast<char>(random());
    const std::string padded = text + std::string(8, static_cast<char>(random()));
    int32_t days = 0;
    int64_t time = 0;
    const bool is_date = parser.parse_date(padded.data(), 10, &days);
    if (is_plain_date(padded.data())) {
      ++dates;
      ASSERT_TRUE(is_date) << text;
    } else if (is_date) {
      ASSERT_TRUE(text[0] == '0' || text.substr(8, 2) > "28") << text;
    }
    const bool is_timestamp =
        parser.parse_timestamp(padded.data(), 19, TimeUnit::kMicro, false, &time);
    if (is_plain_timestamp(padded.data())) {
      ++timestamps;
      ASSERT_TRUE(is_timestamp) << text;
    } else if (is_timestamp) {
      ASSERT_TRUE(text[0] == '0' || text.substr(8, 2) > "28") << text;
    }
  }
  EXPECT_GT(dates, 50000);
  EXPECT_GT(timestamps, 40000);
}

// The digits of a number without zeros at either end, and the power of ten of the last.
std::pair<std::string, int> digits_of(std::string text) {
  int exponent = 0;
  if (const size_t mark = text.find_first_of("eE"); mark != std::string::npos) {
    exponent = std::stoi(text.substr(mark + 1));
    text.resize(mark);
  }
  if (text[0] == '-') text.erase(0, 1);
  if (const size_t point = text.find('.'); point != std::string::npos) {
    exponent -= static_cast<int>(text.size() - point) - 1;
    text.erase(point, 1);
  }
  text.erase(0, std::min(text.find_first_not_of('0'), text.size()));
  if (text.empty()) return {"", 0};
  for (; text.back() == '0'; ++exponent) text.pop_back();
  return {text, exponent};
}

// Against the definition: the shortest text of the nearest double is the same number.
TEST(CsvEvidence, FloatsGiveTheirTextBack) {
  std::mt19937_64 random(20261129);
  int given_back = 0;
  int lost = 0;
  int quickly = 0;
  for (int round = 0; round < 200000; ++round) {
    std::string text = std::to_string(random() % 9 + 1);
    const size_t size = 13 + random() % 7;
    while (text.size() < size) text += static_cast<char>('0' + random() % 10);
    text.insert(random() % text.size() + 1, ".");
    if (text.back() == '.') text += "0";
    if (round % 5 == 0) text = concat("-", text);
    if (round % 3 == 0) text += concat("e", static_cast<int>(random() % 660) - 330);
    if (round % 4 == 0) {
      // What programs print of a double.
      double value = 0;
      const uint64_t bits = random();
      std::memcpy(&value, &bits, sizeof(value));
      if (!std::isfinite(value)) continue;
      if (round % 8 == 0)
        value = static_cast<double>(bits >> 11) / 9007199254740992.0 * std::pow(8, bits % 10);
      text = format_double(value);
      if (text.find_first_of(".e") == std::string::npos) text += ".0";
    }
    const std::string padded = text + std::string(8, 'x');
    double number = 0;
    const bool exact = parse_float64_exact(padded.data(), text.size(), &number);
    const double nearest = std::strtod(text.c_str(), nullptr);
    char shortest[40];
    *std::to_chars(shortest, shortest + 39, nearest, std::chars_format::scientific).ptr = '\0';
    // Also with as many digits as were written, in scientific notation.
    const size_t mantissa = text.find('e');
    const auto written = std::count_if(
        text.begin(),
        text.end() -
            static_cast<std::ptrdiff_t>(mantissa == std::string::npos ? 0 : text.size() - mantissa),
        [](char c) { return c >= '0' && c <= '9'; });
    std::string as_written;
    if (mantissa != std::string::npos && written >= 17 && written <= 19) {
      char printed[40];
      std::snprintf(printed, sizeof(printed), "%.*e", static_cast<int>(written) - 1, nearest);
      as_written = printed;
    }
    const bool same = std::isfinite(nearest) &&
                      (digits_of(shortest) == digits_of(text) ||
                       digits_of(format_double(nearest)) == digits_of(text) ||
                       (!as_written.empty() && digits_of(as_written) == digits_of(text)));
    ASSERT_EQ(exact, same) << text;
    (exact ? given_back : lost) += 1;
    size_t whole = 0;
    size_t places = 0;
    if (is_printed_fraction(padded.data(), text.size(), &whole, &places)) {
      ++quickly;
      ASSERT_TRUE(exact) << text;
      NumberText form;
      ASSERT_TRUE(parse_number_text(padded.data(), text.size(), &form)) << text;
      ASSERT_EQ(static_cast<int>(whole), form.whole) << text;
      ASSERT_EQ(static_cast<int>(places), form.places) << text;
      ASSERT_EQ(form.places, form.exact_places) << text;
    }
    if (exact) {
      ASSERT_EQ(number, nearest) << text;
    }
    if (round % 4 == 0) {
      ASSERT_TRUE(exact) << text;
    }
  }
  EXPECT_GT(given_back, 50000);
  EXPECT_GT(lost, 20000);
  EXPECT_GT(quickly, 15000);
}

TEST(CsvEvidence, NumbersKeepTheirDigits) {
  EXPECT_EQ(inferred({"0.1", "3.14159265358979"}), "float64");
  EXPECT_EQ(inferred({"0.30000000000000004", "0.1"}), "float64");  // repr of 0.1 + 0.2
  EXPECT_EQ(inferred({"1.7976931348623157e308", "5e-324"}), "float64");
  EXPECT_EQ(inferred({"0.10000000000000000000", "1.50"}), "float64");  // zeros are no digits
  EXPECT_EQ(inferred({"3.1415926535897932384"}), "decimal128(20, 19)");
  EXPECT_EQ(inferred({"0.12345678901234567890"}), "decimal128(20, 20)");
  EXPECT_EQ(inferred({"-3.1415926535897932384", "100", "2.5"}), "decimal128(22, 19)");
  EXPECT_EQ(inferred({"0.10000000000000001"}), "decimal128(17, 17)");
  EXPECT_EQ(inferred({"9007199254740993", "2.5"}), "decimal128(17, 1)");
  EXPECT_EQ(inferred({"12345678901234567890", "0.5"}), "decimal128(21, 1)");
  EXPECT_EQ(inferred({"12345678901234567890", "5"}), "utf8");  // no amount has such digits
  EXPECT_EQ(inferred({"1.2345678901234567891e-5", "1.5e3"}), "decimal128(28, 24)");
  // Written places go first, where they fit; else those that are not zero.
  EXPECT_EQ(inferred({"1234567890123456789.10", "2.000"}), "decimal128(22, 3)");
  EXPECT_EQ(inferred({"12345678901234567890123.5", "0.1234567890123400000"}), "decimal128(37, 14)");
  EXPECT_EQ(inferred({"12345678901234567890123.5", "0.12345678901234567"}), "utf8");
  EXPECT_EQ(inferred({"1.000000000000000056e-101"}), "utf8");
  // A double with more digits than it needs, as %.18e and %.16e print it; no other number so long.
  EXPECT_EQ(inferred({"1.000000000000000056e-01", "2.500000000000000000e+00"}), "float64");
  EXPECT_EQ(inferred({"-1.234567799999999988e+04", "9.999999999999999547e-08"}), "float64");
  EXPECT_EQ(inferred({"1.0000000000000001e-01", "3.3333333333333331e-01"}), "float64");
  EXPECT_EQ(inferred({"1.000000000000000057e-01"}), "decimal128(19, 19)");
  EXPECT_EQ(inferred({"3.333333333333333149e-01"}), "decimal128(19, 19)");
  EXPECT_EQ(inferred({"1e400", "0.5"}), "utf8");
}

TEST(CsvEvidence, NullWords) {
  const auto type = [](const std::vector<std::string>& values, bool quoted = false) {
    const CsvDialect dialect;
    TypeEvidence evidence(&usual_null_words());
    for (const std::string& value : values) {
      const std::string padded = value + std::string(kCsvPaddingBytes, '\0');
      const auto size = static_cast<uint32_t>(value.size());
      evidence.observe(padded.data(), {0, size | (quoted ? FieldSpan::kQuoted : 0)}, dialect);
    }
    return evidence.type().to_string();
  };
  EXPECT_EQ(type({"1", "NA", "-", "n/a"}), "int64");
  EXPECT_EQ(type({"NA", "2013-01-01"}), "date32");
  EXPECT_EQ(type({"true", "Null"}), "bool");
  EXPECT_EQ(type({"NA", "-"}), "utf8");
  EXPECT_EQ(type({"NA", "x", "1"}), "utf8");
  EXPECT_EQ(type({"1", "NA"}, true), "utf8");
}

TEST(CsvEvidence, Types) {
  EXPECT_EQ(inferred({}), "utf8");
  EXPECT_EQ(inferred({"1", "-2"}), "int64");
  EXPECT_EQ(inferred({"1", "02134"}), "utf8");
  EXPECT_EQ(inferred({"1", "2.5"}), "float64");
  EXPECT_EQ(inferred({"0.5", "0"}), "float64");
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
