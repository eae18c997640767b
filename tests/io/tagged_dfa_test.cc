// The fast matcher says what RE2 says, group by group.
#include "src/io/line/tagged_dfa.h"

#include "gtest/gtest.h"
#include "src/base/text.h"
#include "src/io/line/line_presets.h"
#include "src/kernel/regular_expression.h"
#include "tests/io/io_testing.h"

namespace velaria {
namespace {

using Random = std::mt19937_64;

// Groups as texts; "<none>" for one that took no part.
std::vector<std::string> texts_of(const std::vector<std::string_view>& groups) {
  std::vector<std::string> out;
  for (std::string_view group : groups) {
    out.push_back(group.data() == nullptr ? "<none>" : std::string(group));
  }
  return out;
}

// Whether the fast matcher could tell; a failure when it disagrees with RE2.
bool agrees(const std::string& pattern, const TaggedDfa& fast, const std::string& line,
            size_t* matches) {
  const RegularExpressionPtr slow = compile_regular_expression(pattern, "");
  EXPECT_EQ(slow->group_count(), fast.group_count()) << pattern;
  std::vector<std::string_view> mine(static_cast<size_t>(fast.group_count()) + 1);
  std::vector<std::string_view> wanted(mine.size());
  const int count = static_cast<int>(mine.size());
  const auto verdict = fast.match(line, mine.data(), count);
  if (verdict == TaggedDfa::Verdict::kNotAscii) return false;
  const bool matched = slow->match(line, wanted.data(), count);
  EXPECT_EQ(verdict == TaggedDfa::Verdict::kMatch, matched) << pattern << " on " << line;
  if (matched && verdict == TaggedDfa::Verdict::kMatch) {
    EXPECT_EQ(texts_of(mine), texts_of(wanted)) << pattern << " on " << line;
    ++*matches;
  }
  return true;
}

std::string random_text(Random* random, std::string_view alphabet, size_t most) {
  std::string out;
  for (size_t i = (*random)() % (most + 1); i > 0; --i)
    out += alphabet[(*random)() % alphabet.size()];
  return out;
}

TEST(TaggedDfa, KnowsWhatItUnderstands) {
  for (const char* pattern :
       {R"(^$)", R"(^abc$)", R"(^(\S+) (\d+)$)", R"(^(?P<a>[^,]*),(?:(b)|c)?$)",
        R"re(^"((?:[^"\\]|\\.)*)"$)re", R"(^(a{2,3})(b{2})$)", R"(^([a-z_\-\]]+):\t(.*)$)",
        R"(^x(?:,(\d+))*$)", R"(^(.*),(.*)$)", R"(^(a+)(a*)$)", "^(?:a|ab)$",
        R"re(^"(\S+) (\S+)" (\d+)$)re", R"(^(.*?) (\d+)(?: (.*))?$)"}) {
    EXPECT_NE(TaggedDfa::compile(pattern), nullptr) << pattern;
  }
  for (const char* pattern :
       {"abc", "^abc", "abc$", "^a|b$", R"(^\ba$)", R"(^(?i)a$)", R"(^(a*)*$)", "^\xC3\xA9$",
        R"(^[[:alpha:]]+$)", R"(^a$b$)", R"(^(?:a|b)*a(?:a|b){12}$)"}) {
    EXPECT_EQ(TaggedDfa::compile(pattern), nullptr) << pattern;
  }
}

TEST(TaggedDfa, PresetsAreFast) {
  size_t fast = 0;
  for (const LinePreset& preset : line_presets()) {
    fast += TaggedDfa::compile(preset.pattern) != nullptr ? 1 : 0;
  }
  EXPECT_NE(TaggedDfa::compile(line_preset("apache_combined").pattern), nullptr);
  EXPECT_NE(TaggedDfa::compile(line_preset("apache_common").pattern), nullptr);
  EXPECT_GE(fast, 3u);
}

TEST(TaggedDfa, AgreesWithRe2OnRandomPatterns) {
  Random random(test_seed());
  SCOPED_TRACE(concat("seed ", test_seed()));
  const std::vector<std::string> pieces = {"a",
                                           "b",
                                           "(a)",
                                           "(b*)",
                                           "([^a]*)",
                                           "(\\d+)",
                                           "(?P<n>a+)",
                                           ",",
                                           " ",
                                           "(\\S+) ",
                                           "(?:a|b)",
                                           "(?:,(a|b+))?",
                                           "(?:(a)|(b))*",
                                           "[ab]{1,3}",
                                           "(.*)",
                                           "(a?b)",
                                           "(\\w+)=",
                                           "\"",
                                           "(?:x(\\d)y)*",
                                           "([a-c]+)",
                                           "(,|;)",
                                           "\\.",
                                           "(a?"
                                           "?)",
                                           "(?:\\d\\d)+",
                                           "(?:a(b)?)+",
                                           "((a)|,)*",
                                           "(?:[^,\\\\]|\\\\.)*",
                                           "(.*?)",
                                           "(a+?)",
                                           "(\\S+)\"",
                                           "(?:a|(ab))",
                                           "(?:(a|b)(c)?)*?",
                                           "(a{1,2}?)",
                                           "((?:ab?)+)"};
  size_t compiled = 0;
  size_t matches = 0;
  for (int round = 0; round < 6000; ++round) {
    std::string pattern = "^";
    for (size_t i = 1 + random() % 5; i > 0; --i) pattern += pieces[random() % pieces.size()];
    pattern += "$";
    // One name may stand only once.
    if (pattern.find("(?P<n>") != pattern.rfind("(?P<n>")) continue;
    const auto fast = TaggedDfa::compile(pattern);
    if (!fast) continue;
    ++compiled;
    for (int i = 0; i < 30; ++i) {
      agrees(pattern, *fast, random_text(&random, "aabb,; 01xy=\".\\c", 8), &matches);
    }
    if (HasFailure()) return;
  }
  EXPECT_GT(compiled, 500u);
  EXPECT_GT(matches, 1000u);
}

TEST(TaggedDfa, AgreesWithRe2OnDamagedLogs) {
  Random random(test_seed() + 1);
  SCOPED_TRACE(concat("seed ", test_seed()));
  const std::vector<std::string> lines = {
      R"(10.0.0.1 - bob [29/Nov/2026:10:00:00 +0000] "GET /a?b=\"c\" HTTP/1.1" 302 5 "http://x/" "curl \"8\"")",
      R"(::1 - - [10/Oct/2000:13:55:36 +0000] "-" 408 -)",
      "2026-11-29 10:00:00,123 [ERROR] it broke: 5",
      "Jan  5 12:34:56 host sshd[123]: Accepted key",
      R"(<34>1 2003-10-11T22:14:15.003Z h su - ID47 [x@1 a="]\]"] 'su root' failed)",
      "2026/11/29 10:00:00 [error] 12#34: *5 open() failed",
      "[Wed Oct 11 14:32:52.123456 2000] [core:error] [pid 35:tid 47] [client 1.2.3.4:5] File"};
  size_t matches = 0;
  for (const LinePreset& preset : line_presets()) {
    const auto fast = TaggedDfa::compile(preset.pattern);
    if (!fast) continue;
    for (int round = 0; round < 4000; ++round) {
      std::string line = lines[random() % lines.size()];
      for (size_t i = random() % 3; i > 0 && !line.empty(); --i) {
        const size_t at = random() % line.size();
        switch (random() % 3) {
          case 0: line[at] = " \"[]\\-:a5"[random() % 9]; break;
          case 1: line.erase(at, 1 + random() % 3); break;
          default: line.insert(at, random() % 20 == 0 ? "\xC3\xA9" : "\""); break;
        }
      }
      agrees(preset.pattern, *fast, line, &matches);
    }
    if (HasFailure()) return;
  }
  EXPECT_GT(matches, 500u);
}

}  // namespace
}  // namespace velaria
