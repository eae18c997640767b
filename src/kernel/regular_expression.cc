#include "src/kernel/regular_expression.h"

#include <algorithm>
#include <list>
#include <map>
#include <mutex>
#include <vector>

#include "re2/re2.h"
#include "src/base/code_point.h"
#include "src/base/error.h"
#include "src/base/text.h"

namespace velaria {

namespace {

constexpr size_t kMostPatterns = 256;
constexpr size_t kMostPatternBytes = 16384;
constexpr int64_t kMostProgramBytes = int64_t{8} << 20;

class Re2Expression : public RegularExpression {
 public:
  Re2Expression(std::string_view pattern, const RE2::Options& options)
      : expression_(re2::StringPiece(pattern.data(), pattern.size()), options) {
    if (expression_.ok()) return;
    throw Error(ErrorKind::kSqlSemantic,
                concat("the regular expression ", quote_sql_string(excerpt(pattern)),
                       " is wrong: ", excerpt(expression_.error(), 120),
                       expression_.error_arg().empty()
                           ? std::string()
                           : concat(" at ", quote_sql_string(excerpt(expression_.error_arg()))),
                       "; the syntax is RE2's, without back references and look-around"));
  }

  bool occurs_in(std::string_view text) const override {
    return expression_.Match(piece(text), 0, text.size(), RE2::UNANCHORED, nullptr, 0);
  }

  int64_t count_in(std::string_view text) const override {
    int64_t count = 0;
    visit_matches(text, 1, [&](const std::vector<re2::StringPiece>&) {
      ++count;
      return true;
    });
    return count;
  }

  int group_count() const override { return expression_.NumberOfCapturingGroups(); }

  std::optional<std::string_view> extract(std::string_view text, int group) const override {
    std::vector<re2::StringPiece> groups(static_cast<size_t>(group) + 1);
    if (!expression_.Match(piece(text), 0, text.size(), RE2::UNANCHORED, groups.data(),
                           group + 1)) {
      return std::nullopt;
    }
    const re2::StringPiece& found = groups[static_cast<size_t>(group)];
    if (found.data() == nullptr) return std::nullopt;
    return std::string_view(found.data(), found.size());
  }

  bool match(std::string_view text, std::string_view* groups, int count) const override {
    constexpr int kFew = 32;
    re2::StringPiece few[kFew];
    std::vector<re2::StringPiece> many;
    re2::StringPiece* found = few;
    if (count > kFew) {
      many.resize(static_cast<size_t>(count));
      found = many.data();
    }
    if (!expression_.Match(piece(text), 0, text.size(), RE2::UNANCHORED, found, count))
      return false;
    for (int i = 0; i < count; ++i) groups[i] = std::string_view(found[i].data(), found[i].size());
    return true;
  }

  std::map<std::string, int> group_numbers() const override {
    return expression_.NamedCapturingGroups();
  }

  std::string replace(std::string_view text, std::string_view with, bool all) const override {
    std::string out;
    size_t copied = 0;
    visit_matches(text, highest_group(with) + 1, [&](const std::vector<re2::StringPiece>& groups) {
      const auto begin = static_cast<size_t>(groups[0].data() - text.data());
      out += text.substr(copied, begin - copied);
      append_replacement(with, groups, &out);
      copied = begin + groups[0].size();
      return all;
    });
    out += text.substr(copied);
    return out;
  }

  void check_replacement(std::string_view with) const override {
    const int highest = highest_group(with);
    if (highest <= group_count()) return;
    throw Error(ErrorKind::kSqlSemantic,
                concat("the replacement ", quote_sql_string(excerpt(with)), " names group ",
                       highest, ", but the regular expression has ", group_count()));
  }

 private:
  static re2::StringPiece piece(std::string_view text) { return {text.data(), text.size()}; }

  static int highest_group(std::string_view with) {
    int highest = 0;
    for (size_t i = 0; i + 1 < with.size(); ++i) {
      if (with[i] != '\\') continue;
      ++i;
      if (with[i] >= '0' && with[i] <= '9') highest = std::max(highest, with[i] - '0');
    }
    return highest;
  }

  static void append_replacement(std::string_view with, const std::vector<re2::StringPiece>& groups,
                                 std::string* out) {
    for (size_t i = 0; i < with.size(); ++i) {
      if (with[i] != '\\' || i + 1 == with.size()) {
        *out += with[i];
        continue;
      }
      ++i;
      if (with[i] >= '0' && with[i] <= '9') {
        const re2::StringPiece& group = groups[static_cast<size_t>(with[i] - '0')];
        if (group.data() != nullptr) out->append(group.data(), group.size());
      } else {
        *out += with[i];
      }
    }
  }

  // f(groups) for one match after the other, until it says false. An empty match right behind a
  // match does not count, and the search goes on one code point further.
  template <typename F>
  void visit_matches(std::string_view text, int groups, F f) const {
    std::vector<re2::StringPiece> found(static_cast<size_t>(groups));
    size_t position = 0;
    const char* last_end = nullptr;
    while (position <= text.size() && expression_.Match(piece(text), position, text.size(),
                                                        RE2::UNANCHORED, found.data(), groups)) {
      const auto begin = static_cast<size_t>(found[0].data() - text.data());
      const size_t end = begin + found[0].size();
      const bool counts = !found[0].empty() || found[0].data() != last_end;
      if (counts && !f(found)) return;
      last_end = found[0].data() + found[0].size();
      position = end;
      if (found[0].empty()) {
        if (position == text.size()) return;
        position += code_point_bytes(text, position);
      }
    }
  }

  RE2 expression_;
};

// Newest first.
class PatternCache {
 public:
  RegularExpressionPtr find(const std::string& key) {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto found = places_.find(key);
    if (found == places_.end()) return nullptr;
    entries_.splice(entries_.begin(), entries_, found->second);
    return found->second->second;
  }

  void add(const std::string& key, const RegularExpressionPtr& expression) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (places_.count(key) > 0) return;
    entries_.emplace_front(key, expression);
    places_[key] = entries_.begin();
    if (entries_.size() > kMostPatterns) {
      places_.erase(entries_.back().first);
      entries_.pop_back();
    }
  }

 private:
  using Entry = std::pair<std::string, RegularExpressionPtr>;
  std::mutex mutex_;
  std::list<Entry> entries_;
  std::map<std::string, std::list<Entry>::iterator> places_;
};

}  // namespace

RegularExpressionPtr compile_regular_expression(std::string_view pattern, std::string_view flags) {
  static auto* cache = new PatternCache();
  std::string key;
  RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(kMostProgramBytes);
  bool lines = false;
  for (const char flag : flags) {
    switch (flag) {
      case 'i': options.set_case_sensitive(false); break;
      case 's': options.set_dot_nl(true); break;
      case 'm': lines = true; break;
      case 'c': options.set_case_sensitive(true); break;
      case 'g': break;
      default:
        throw Error(ErrorKind::kSqlSemantic,
                    concat("the flags ", quote_sql_string(excerpt(flags)),
                           " of a regular expression are not known; there are i, c, s, m, and g "
                           "for replacing"));
    }
  }
  if (pattern.size() > kMostPatternBytes) {
    throw Error(ErrorKind::kSqlSemantic, concat("a regular expression of ", pattern.size(),
                                                " bytes is too long; at most ", kMostPatternBytes));
  }
  key += options.case_sensitive() ? 'c' : 'i';
  key += options.dot_nl() ? 's' : '-';
  key += lines ? 'm' : '-';
  key += pattern;
  if (RegularExpressionPtr known = cache->find(key)) return known;
  const std::string whole = (lines ? "(?m)" : "") + std::string(pattern);
  RegularExpressionPtr made = std::make_shared<Re2Expression>(whole, options);
  cache->add(key, made);
  return made;
}

}  // namespace velaria
