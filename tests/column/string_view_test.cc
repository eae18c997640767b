#include "src/column/string_view.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "src/base/error.h"
#include "src/column/string_heap.h"

namespace velaria {
namespace {

TEST(StringView, InlineUpToTwelveBytes) {
  std::string text;
  for (uint32_t size = 0; size < 40; ++size) {
    const StringView view(text);
    EXPECT_EQ(view.size(), size);
    EXPECT_EQ(view.is_inline(), size <= 12);
    EXPECT_EQ(view.text(), text);
    EXPECT_EQ(view.data() == text.data(), size > 12);
    text += static_cast<char>('a' + size % 26);
  }
}

TEST(StringView, UnusedInlineBytesAreZero) {
  const StringView one("abcdefghijkl", 12);
  const StringView two("ab", 2);
  EXPECT_EQ(two.tail(), 0u);
  EXPECT_NE(one.head(), two.head());
  EXPECT_EQ(StringView("ab", 2).head(), two.head());
  EXPECT_EQ(StringView().head(), StringView("", 0).head());
}

TEST(StringView, EqualityAndOrderAreThoseOfTheTexts) {
  std::mt19937 random(3);
  std::vector<std::string> texts = {"", std::string("\0", 1), "a", "ab", "\xff", "abcdefghijklm"};
  for (int i = 0; i < 60; ++i) {
    std::string text;
    // Two letters only, so that long common prefixes happen.
    for (auto size = random() % 20; size > 0; --size) text += random() % 8 == 0 ? 'b' : 'a';
    texts.push_back(text);
  }
  for (const std::string& a : texts) {
    for (const std::string& b : texts) {
      EXPECT_EQ(StringView(a) == StringView(b), a == b);
      EXPECT_EQ(StringView(a) < StringView(b), a < b);
      EXPECT_EQ(StringView(a).compare(StringView(b)) == 0, a == b);
    }
  }
}

TEST(StringHeap, TextsStayWhereTheyAre) {
  StringHeap heap;
  std::vector<std::string> texts;
  std::vector<StringView> views;
  std::mt19937 random(4);
  for (int i = 0; i < 3000; ++i) {
    const size_t size = random() % (i % 50 == 0 ? 9000 : 40);
    texts.push_back(std::string(size, static_cast<char>('a' + i % 26)));
    views.push_back(heap.add(texts.back()));
  }
  for (size_t i = 0; i < texts.size(); ++i) EXPECT_EQ(views[i].text(), texts[i]);
  StringHeap other;
  const StringView copy = other.add(views[7]);
  EXPECT_EQ(copy, views[7]);
}

TEST(StringHeap, ShortTextsNeedNoMemory) {
  StringHeap heap;
  heap.add("twelve bytes");
  EXPECT_EQ(heap.size_bytes(), 0u);
}

TEST(StringHeap, TextsFromFourGibibytesOnAreRefused) {
  StringHeap heap;
  // Never read: the size alone decides.
  EXPECT_THROW(heap.add(std::string_view("x", size_t{1} << 32)), Error);
}

}  // namespace
}  // namespace velaria
