// Patterns that can be matched without ever going back, as those of logs mostly can: at every byte
// there is one way on. A table says it for each state, and which groups begin or end there, so a
// line costs one look-up a byte however many groups there are.
//
// Understood: ^ at the start and $ at the end (both needed), ASCII literals, classes, . \d \w \s
// and their opposites, groups with or without names, | * + ? {n,m}. For everything else, and for a
// pattern with two ways on somewhere, there is no OnePassPattern, and RE2 matches. Lines that are
// not ASCII are RE2's, too: its classes are of code points. What both match is the same.
//
// Immutable; any thread.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

namespace velaria {

class OnePassPattern {
 public:
  // Null when the pattern is none of this kind.
  static std::unique_ptr<const OnePassPattern> compile(std::string_view pattern);

  enum class Verdict { kMatch, kNoMatch, kNotAscii };
  // Sets groups[0, count), 0 being the whole line; a group that took no part has no data. `count`
  // is at most group_count() + 1.
  Verdict match(std::string_view line, std::string_view* groups, int count) const;
  int group_count() const { return groups_; }

 private:
  friend class OnePassCompiler;
  OnePassPattern() = default;

  struct Step {
    uint32_t next = 0;   // where the next state's steps begin; 0: there is no way on
    uint32_t marks = 0;  // which ends of groups are here: a place in marks_
  };

  int groups_ = 0;
  size_t classes_ = 0;                 // of bytes that no state tells apart
  std::array<uint8_t, 256> class_{};   // by byte; class 0: not ASCII
  std::vector<Step> steps_;            // state * classes_ + class
  std::vector<uint64_t> marks_;        // bits: 2 * group for its begin, 2 * group + 1 for its end
  std::vector<uint64_t> final_marks_;  // by state, when the line ends there
  std::vector<bool> is_final_;         // by state
};

}  // namespace velaria
