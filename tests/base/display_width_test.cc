#include "src/base/display_width.h"

#include <gtest/gtest.h>

namespace velaria {
namespace {

TEST(DisplayWidth, CountsColumnsOfATerminal) {
  EXPECT_EQ(display_width(""), 0u);
  EXPECT_EQ(display_width("abc"), 3u);
  EXPECT_EQ(display_width("\u00e4\u00df\u20ac\u0416"), 4u);       // Latin, the euro, Cyrillic
  EXPECT_EQ(display_width("\u6771\u4eac\ud55c\uff21"), 8u);       // Chinese, Korean, full width
  EXPECT_EQ(display_width("\U0001F600\U00020000"), 4u);           // an emoji, a rare character
  EXPECT_EQ(display_width("e\u0301"), 1u);                        // an accent behind its letter
  EXPECT_EQ(display_width("\u0e01\u0e34\u0e49"), 1u);             // two marks above one of Thai
  EXPECT_EQ(display_width("\ufeff\u200b"), 0u);                   // neither is seen
  EXPECT_EQ(display_width("a\xffz"), 3u);                         // no UTF-8
  EXPECT_EQ(display_width(std::string_view("\xe6\x9d", 2)), 1u);  // cut within a character
}

}  // namespace
}  // namespace velaria
