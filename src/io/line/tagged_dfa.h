// A pattern as a table that says for each state and byte which state comes next, and which groups
// begin or end there: a line costs one look-up a byte, however many groups there are. Where the
// pattern has several ways on, as in "(\\S+)", a state stands for all of them, the one that RE2
// would prefer first; each remembers its own ends of groups, so that nothing is ever read twice.
// (V. Laurikari, "NFAs with Tagged Transitions", 2000.)
//
// Understood: ^ at the start and $ at the end (both needed), ASCII literals, classes, . \d \w \s
// and their opposites, groups with or without names, | * + ? {n,m} and their lazy forms. For
// everything else, and for a pattern that would need many states, there is no TaggedDfa, and RE2
// matches. Lines that are not ASCII are RE2's, too: its classes are of code points. What both match
// is the same.
//
// Immutable; any thread.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

namespace velaria {

class TaggedDfa {
 public:
  // Null when the pattern is none of this kind.
  static std::unique_ptr<const TaggedDfa> compile(std::string_view pattern);

  enum class Verdict { kMatch, kNoMatch, kNotAscii };
  // Sets groups[0, count), 0 being the whole line; a group that took no part has no data. `count`
  // is at most group_count() + 1.
  Verdict match(std::string_view line, std::string_view* groups, int count) const;
  int group_count() const { return groups_; }

 private:
  friend class TaggedDfaCompiler;
  TaggedDfa() = default;

  // Where a way through the pattern came from, and the ends of groups that it passes here. Bits of
  // marks: 2 * group for its begin, 2 * group + 1 for its end.
  struct Move {
    uint32_t from = 0;  // the number of the way in the state before
    uint64_t marks = 0;
  };
  struct Step {
    uint32_t next = 0;   // where the next state's steps begin; 0: there is no way on
    uint32_t moves = 0;  // a place in moves_; 0: every way goes on as it is
  };
  class Histories;

  int groups_ = 0;
  size_t classes_ = 0;                    // of bytes that no state tells apart
  std::array<uint8_t, 256> class_{};      // by byte; class 0: not ASCII
  std::vector<Step> steps_;               // state * classes_ + class
  std::vector<std::vector<Move>> moves_;  // by way of the next state
  std::vector<Move> final_moves_;         // by state, when the line ends there
  std::vector<bool> is_final_;            // by state
};

}  // namespace velaria
