#include "src/base/text.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <memory>
#include <thread>

#include "src/base/error.h"
#include "src/base/memory_budget.h"

namespace velaria {
namespace {

TEST(TextTest, DoublesReadBackTheSame) {
  for (double value : {0.1, 1e300, 5e-324, -0.0, 123456789.125, 1.0 / 3}) {
    EXPECT_EQ(std::strtod(format_double(value).c_str(), nullptr), value) << format_double(value);
  }
  EXPECT_EQ(format_double(1), "1.0");
  EXPECT_EQ(format_double(std::numeric_limits<double>::infinity()), "inf");
  EXPECT_EQ(format_double(std::numeric_limits<double>::quiet_NaN()), "nan");
}

TEST(TextTest, ExcerptNeverCutsACodePoint) {
  const std::string text = "ab\xC3\xA4\xC3\xB6";  // abäö
  EXPECT_EQ(excerpt(text, 3), "ab...");
  EXPECT_EQ(excerpt(text, 4), "ab\xC3\xA4...");
  EXPECT_EQ(excerpt(text, 100), text);
  EXPECT_EQ(excerpt("a\n\x01"), "a\\n\\x01");
  // U+009B begins a command of terminals, as ESC does; U+00A0 is a blank.
  EXPECT_EQ(excerpt("a\xC2\x9B"
                    "b\xC2\xA0"),
            "a\\x9bb\xC2\xA0");
}

TEST(TextTest, SuggestsOnlyWhatIsClose) {
  EXPECT_EQ(did_you_mean("flight", {"flights", "digits"}), "; did you mean 'flights'?");
  EXPECT_EQ(did_you_mean("FLIGHTS", {"flights"}), "; did you mean 'flights'?");
  EXPECT_EQ(did_you_mean("weather", {"flights", "digits"}), "");
  EXPECT_EQ(did_you_mean("x", {}), "");
}

TEST(TextTest, JsonEscapes) { EXPECT_EQ(quote_json("a\"b\\c\n\x02"), "\"a\\\"b\\\\c\\n\\u0002\""); }

TEST(MemoryBudgetTest, RefusesAndGivesBack) {
  auto budget = std::make_shared<MemoryBudget>(1000);
  {
    MemoryReservation held(budget, "sort");
    held.resize(600);
    held.resize(400);
    MemoryReservation other(budget, "join");
    try {
      other.resize(700);
      FAIL() << "no error";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kResource);
      EXPECT_NE(std::string(error.what()).find("join"), std::string::npos);
      EXPECT_NE(std::string(error.what()).find("700 B"), std::string::npos);
    }
    EXPECT_EQ(budget->used_bytes(), 400u);
    other.resize(600);
  }
  EXPECT_EQ(budget->used_bytes(), 0u);
  EXPECT_EQ(budget->peak_bytes(), 1000u);
}

TEST(MemoryBudgetTest, APartOfABudgetTakesNothingThatIsRefused) {
  auto whole = std::make_shared<MemoryBudget>(1000);
  MemoryBudget part(600, whole);
  EXPECT_FALSE(part.try_reserve(601));
  EXPECT_FALSE(part.try_reserve(UINT64_MAX));
  EXPECT_EQ(whole->peak_bytes(), 0u);
  ASSERT_TRUE(whole->try_reserve(500));
  EXPECT_FALSE(part.try_reserve(501));
  EXPECT_THROW(part.reserve(501, "sort"), Error);
  EXPECT_EQ(part.used_bytes(), 0u);
  EXPECT_EQ(part.peak_bytes(), 0u);
  part.reserve(500, "sort");
  EXPECT_EQ(whole->used_bytes(), 1000u);
  part.release(500);
  EXPECT_EQ(whole->used_bytes(), 500u);
}

// What one thread is refused is never in another's way.
TEST(MemoryBudgetTest, RefusedBytesAreSeenByNobody) {
  MemoryBudget budget(1000);
  std::atomic<bool> done{false};
  std::thread refused([&] {
    while (!done) EXPECT_FALSE(budget.try_reserve(1001));
  });
  for (int i = 0; i < 200000; ++i) {
    budget.reserve(1000, "join");
    budget.release(1000);
  }
  done = true;
  refused.join();
  EXPECT_EQ(budget.peak_bytes(), 1000u);
}

}  // namespace
}  // namespace velaria
