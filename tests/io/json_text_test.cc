#include "src/io/json/json_text.h"

#include "gtest/gtest.h"
#include "src/io/json/json_evidence.h"

namespace velaria {
namespace {

std::string unescaped(std::string text) {
  text.resize(unescape_json(text, text.data()));
  return text;
}

TEST(JsonText, NumbersAreThoseOfTheGrammar) {
  for (const char* good : {"0", "-0", "10", "-1.5", "1e5", "1E+5", "1.0e-07", "0.0"}) {
    EXPECT_TRUE(is_json_number(good)) << good;
  }
  for (const char* bad :
       {"", "-", "01", "+1", ".5", "1.", "1e", "1e+", "0x1", "1.5.2", "NaN", "1 "}) {
    EXPECT_FALSE(is_json_number(bad)) << bad;
  }
}

TEST(JsonText, EscapesInPlace) {
  EXPECT_EQ(unescaped("plain"), "plain");
  EXPECT_EQ(unescaped(R"(\"\\\/\b\f\n\r\t)"), "\"\\/\b\f\n\r\t");
  EXPECT_EQ(unescaped(R"(\u0041\u00e9\u4e2d\ud83d\ude00!)"),
            "A\xC3\xA9\xE4\xB8\xAD\xF0\x9F\x98\x80!");
  EXPECT_EQ(unescaped(R"(a\u0000b)"), std::string("a\0b", 3));
}

TEST(JsonText, BadEscapesSayWhere) {
  const auto defect = [](const char* text) {
    try {
      unescape_json(text, nullptr);
    } catch (const TextDefect& found) {
      return found;
    }
    ADD_FAILURE() << text;
    return TextDefect();
  };
  EXPECT_EQ(defect(R"(ab\q)").offset, 2u);
  EXPECT_EQ(defect(R"(\u12g4)").offset, 0u);
  for (const char* half : {R"(x\ud83d)", R"(x\ud83dy)", R"(x\ude00)", R"(x\ud83d\u0041)"}) {
    EXPECT_EQ(defect(half).offset, 1u) << half;
    EXPECT_NE(defect(half).what.find("surrogate"), std::string::npos) << half;
  }
}

TEST(JsonText, DefectsOfStructureAreFound) {
  EXPECT_EQ(locate_defect("{\"a\": \"b\n\"}", "line").offset, 6u);
  EXPECT_EQ(locate_defect("{\"a\": \"b", "file").offset, 6u);
  EXPECT_EQ(locate_defect("{\"a\": \"b\x01\"}", "line").offset, 8u);
  EXPECT_EQ(locate_defect("{\"a\": \"\xff\"}", "line").offset, 7u);
}

DataType type_of(const std::vector<std::string>& numbers) {
  JsonEvidence evidence;
  for (std::string number : numbers) {
    const size_t size = number.size();
    number.append(8, '\0');
    EXPECT_TRUE(evidence.number(number.data(), size)) << number;
  }
  return evidence.type();
}

TEST(JsonEvidence, NumbersKeepTheirDigits) {
  const DataType int64(TypeId::kInt64);
  const DataType float64(TypeId::kFloat64);
  const DataType text(TypeId::kUtf8);
  EXPECT_EQ(type_of({"0", "-1", "9223372036854775807", "-9223372036854775808"}), int64);
  EXPECT_EQ(type_of({"9007199254740993"}), int64);
  EXPECT_EQ(type_of({"9223372036854775808"}), text);
  EXPECT_EQ(type_of({"1", "0.5"}), float64);
  EXPECT_EQ(type_of({"9007199254740992", "0.5"}), float64);
  EXPECT_EQ(type_of({"9007199254740993", "0.5"}), DataType::decimal(17, 1));
  EXPECT_EQ(type_of({"1", "2", "0.12345678901234567890"}), DataType::decimal(21, 20));
  EXPECT_EQ(type_of({"0.30000000000000004", "3.14159265358979"}), float64);
  EXPECT_EQ(type_of({"1.000000000000000056e-01", "9.999999999999999547e-08"}), float64);
  EXPECT_EQ(type_of({"1e400"}), text);
  EXPECT_EQ(type_of({"-0"}), float64);
  EXPECT_EQ(type_of({"0.0000001", "123456789012345.25"}), float64);
  EXPECT_EQ(type_of({"0.0000001", "123456789012345678.25"}), DataType::decimal(25, 7));
  EXPECT_EQ(type_of({"1.5e-100", "123456789012345678.25"}), text);
  EXPECT_EQ(type_of({}), text);
}

}  // namespace
}  // namespace velaria
