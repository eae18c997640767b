// The searches that LIKE patterns become must agree with the matcher that walks text and pattern.
#include <random>
#include <string>

#include "gtest/gtest.h"
#include "src/base/error.h"
#include "src/kernel/text_functions.h"

namespace velaria {
namespace {

std::string random_text(std::mt19937_64* random, const std::vector<std::string>& letters,
                        size_t most) {
  std::string out;
  for (size_t n = (*random)() % (most + 1); n > 0; --n)
    out += letters[(*random)() % letters.size()];
  return out;
}

TEST(LikePattern, AgreesWithTheMatcher) {
  std::mt19937_64 random(5);
  int matched = 0;
  for (int round = 0; round < 200000; ++round) {
    const std::string text =
        random_text(&random, {"a", "b", "é", "%", "_", "\\"}, round % 2 == 0 ? 8 : 20);
    const std::string pattern =
        random_text(&random, {"a", "b", "é", "%", "%", "_", "\\%", "\\\\", "\\_"}, 6);
    const bool expected = matches_like(text, pattern, '\\');
    matched += expected;
    for (const bool ignore_case : {false, true}) {  // no letter has another case
      const LikePattern like(pattern, '\\', ignore_case);
      EXPECT_EQ(like.matches(text), expected) << "'" << text << "' like '" << pattern << "'";
      EXPECT_EQ(like.matches(StringView(text)), expected)
          << "'" << text << "' like '" << pattern << "'";
    }
  }
  EXPECT_GT(matched, 10000);
}

TEST(LikePattern, PartsDoNotOverlap) {
  EXPECT_FALSE(LikePattern("ab%ba", '\\', false).matches("aba"));
  EXPECT_TRUE(LikePattern("ab%ba", '\\', false).matches("abba"));
  EXPECT_FALSE(LikePattern("%aa%aa%", '\\', false).matches("aaa"));
  EXPECT_TRUE(LikePattern("%aa%aa%", '\\', false).matches("xaaaax"));
  EXPECT_TRUE(LikePattern("%", '\\', false).matches(""));
  EXPECT_TRUE(LikePattern("", '\\', false).matches(""));
  EXPECT_FALSE(LikePattern("", '\\', false).matches("a"));
  EXPECT_TRUE(LikePattern("%%a", '\\', false).matches("ba"));
}

TEST(LikePattern, EscapesAreChecked) {
  EXPECT_THROW(LikePattern("a\\", '\\', false), Error);
  EXPECT_TRUE(LikePattern("a\\", '\0', false).matches("a\\"));
}

}  // namespace
}  // namespace velaria
