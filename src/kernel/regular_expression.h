// Regular expressions over text, by RE2: linear in the text, whatever the pattern.
//
// Syntax as RE2's (https://github.com/google/re2/wiki/Syntax): no back references, no look-around.
// Flags: 'i' ignores case, 's' lets . match a line end, 'm' lets ^ and $ match at line ends, 'c'
// and '' nothing, 'g' (replacing only) every match instead of the first.
//
// Compiled patterns are kept by the process, the least recently used of 256 are dropped; matching
// with one is safe from any thread.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace velaria {

class RegularExpression {
 public:
  virtual ~RegularExpression() = default;
  // Whether the pattern occurs somewhere in the text.
  virtual bool occurs_in(std::string_view text) const = 0;
  // How many matches there are that do not overlap.
  virtual int64_t count_in(std::string_view text) const = 0;
  virtual int group_count() const = 0;
  // The bytes of a group (0: all) of the first match; nothing when there is no match or the group
  // took no part in it.
  virtual std::optional<std::string_view> extract(std::string_view text, int group) const = 0;
  // The first match: sets groups[0, count), 0 being all of it; a group that took no part has no
  // data. False without a match.
  virtual bool match(std::string_view text, std::string_view* groups, int count) const = 0;
  virtual std::map<std::string, int> group_numbers() const = 0;  // of the groups with names
  // `with` may name groups as \1 to \9, and all as \0; \\ is a backslash.
  virtual std::string replace(std::string_view text, std::string_view with, bool all) const = 0;
  // Throws SqlSemanticError when `with` names a group that does not exist.
  virtual void check_replacement(std::string_view with) const = 0;
};

using RegularExpressionPtr = std::shared_ptr<const RegularExpression>;

// Throws SqlSemanticError with RE2's reason for a pattern that is wrong, or for unknown flags.
// 'g' is left to the caller.
RegularExpressionPtr compile_regular_expression(std::string_view pattern, std::string_view flags);

}  // namespace velaria
