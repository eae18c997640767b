#include <algorithm>

#include "src/base/text.h"
#include "src/io/json/json_source.h"
#include "src/io/json/json_walker.h"
#include "src/io/probe/probe_candidates.h"

namespace velaria {

namespace {

constexpr size_t kJudgedLines = 1000;

// A checker of JSON's grammar; keeps no values.
class JsonChecker {
 public:
  explicit JsonChecker(std::string_view text) : text_(text) {}

  enum class Verdict { kGood, kBad, kCut };

  // One value and nothing behind it.
  Verdict check() {
    Verdict verdict = value(0);
    if (verdict != Verdict::kGood) return verdict;
    skip_space();
    return done() ? Verdict::kGood : Verdict::kBad;
  }

  // Objects and nothing else; counts those that are whole.
  Verdict check_objects(size_t* objects) {
    *objects = 0;
    for (;;) {
      skip_space();
      if (done()) return *objects > 0 ? Verdict::kGood : Verdict::kCut;
      if (text_[position_] != '{') return Verdict::kBad;
      const Verdict verdict = value(0);
      if (verdict != Verdict::kGood) return verdict;
      ++*objects;
    }
  }

 private:
  void skip_space() {
    while (position_ < text_.size() &&
           std::string_view(" \t\r\n").find(text_[position_]) != std::string_view::npos) {
      ++position_;
    }
  }
  bool done() const { return position_ >= text_.size(); }
  bool take(char c) {
    if (done() || text_[position_] != c) return false;
    ++position_;
    return true;
  }

  Verdict value(int depth) {
    skip_space();
    if (done()) return Verdict::kCut;
    if (depth > kMaxJsonDepth) return Verdict::kBad;
    switch (text_[position_]) {
      case '{': return members(depth, '}', true);
      case '[': return members(depth, ']', false);
      case '"': return string();
      case 't': return word("true");
      case 'f': return word("false");
      case 'n': return word("null");
      default: return number();
    }
  }

  Verdict members(int depth, char close, bool keyed) {
    ++position_;
    skip_space();
    if (take(close)) return Verdict::kGood;
    for (;;) {
      skip_space();
      if (done()) return Verdict::kCut;
      if (keyed) {
        if (text_[position_] != '"') return Verdict::kBad;
        const Verdict key = string();
        if (key != Verdict::kGood) return key;
        skip_space();
        if (done()) return Verdict::kCut;
        if (!take(':')) return Verdict::kBad;
      }
      const Verdict member = value(depth + 1);
      if (member != Verdict::kGood) return member;
      skip_space();
      if (done()) return Verdict::kCut;
      if (take(close)) return Verdict::kGood;
      if (!take(',')) return Verdict::kBad;
    }
  }

  Verdict string() {
    ++position_;
    while (!done()) {
      const char c = text_[position_++];
      if (c == '"') return Verdict::kGood;
      if (static_cast<unsigned char>(c) < 0x20) return Verdict::kBad;
      if (c != '\\') continue;
      if (done()) return Verdict::kCut;
      const char escape = text_[position_++];
      if (escape == 'u') {
        for (int i = 0; i < 4; ++i, ++position_) {
          if (done()) return Verdict::kCut;
          const char digit = text_[position_];
          const bool hex = (digit >= '0' && digit <= '9') || (digit >= 'a' && digit <= 'f') ||
                           (digit >= 'A' && digit <= 'F');
          if (!hex) return Verdict::kBad;
        }
      } else if (std::string_view("\"\\/bfnrt").find(escape) == std::string_view::npos) {
        return Verdict::kBad;
      }
    }
    return Verdict::kCut;
  }

  Verdict word(std::string_view expected) {
    const std::string_view rest = text_.substr(position_, expected.size());
    if (rest == expected) {
      position_ += expected.size();
      return Verdict::kGood;
    }
    return rest == expected.substr(0, rest.size()) ? Verdict::kCut : Verdict::kBad;
  }

  bool digits() {
    const size_t begin = position_;
    while (!done() && text_[position_] >= '0' && text_[position_] <= '9') ++position_;
    return position_ > begin;
  }

  Verdict number() {
    const auto miss = [&] { return done() ? Verdict::kCut : Verdict::kBad; };
    take('-');
    if (!take('0') && !digits()) return miss();
    if (take('.') && !digits()) return miss();
    if (!done() && (text_[position_] == 'e' || text_[position_] == 'E')) {
      ++position_;
      if (!take('+')) take('-');
      if (!digits()) return miss();
    }
    return Verdict::kGood;
  }

  std::string_view text_;
  size_t position_ = 0;
};

}  // namespace

bool is_json(std::string_view text, bool may_be_cut) {
  const auto verdict = JsonChecker(text).check();
  return verdict == JsonChecker::Verdict::kGood ||
         (may_be_cut && verdict == JsonChecker::Verdict::kCut);
}

bool begins_like_json(std::string_view text) {
  const auto skip_space = [&text] {
    text.remove_prefix(std::min(text.size(), text.find_first_not_of(" \t\r\n")));
  };
  const auto take = [&text, &skip_space](char c) {
    skip_space();
    if (text.empty() || text[0] != c) return false;
    text.remove_prefix(1);
    return true;
  };
  if (take('[') && take(']')) {
    skip_space();
    return text.empty();
  }
  if (!take('{')) return false;
  if (take('}')) return true;
  if (!take('"')) return false;
  const size_t end = text.find('"');
  if (end == std::string_view::npos) return false;
  text.remove_prefix(end + 1);
  return take(':');
}

std::vector<JsonCandidate> judge_json(const ProbeSample& sample) {
  using Verdict = JsonChecker::Verdict;
  std::vector<JsonCandidate> out;
  const size_t first = sample.text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return out;
  if (sample.text[first] == '[' && is_json(sample.text, !sample.whole_file)) {
    // An array of anything but objects may as well be a line of something else.
    const size_t member = sample.text.find_first_not_of(" \t\r\n", first + 1);
    const bool objects = member != std::string_view::npos && sample.text[member] == '{';
    JsonCandidate array;
    array.candidate = {"json_array", "json", objects ? 0.99 : 0.3,
                       objects ? "the text is one JSON array of objects"
                               : "the text is a JSON array, but its elements are no objects"};
    array.options.format = JsonFormat::kArray;
    out.push_back(std::move(array));
  }
  if (sample.text[first] == '{' && json_objects_span_lines(sample.text)) {
    size_t objects = 0;
    const Verdict verdict = JsonChecker(sample.text).check_objects(&objects);
    if (verdict == Verdict::kGood || (!sample.whole_file && verdict == Verdict::kCut)) {
      JsonCandidate behind;
      behind.candidate = {
          "json_lines", "json", 0.99,
          concat("the text is ", objects, objects == 1 ? " JSON object" : " JSON objects",
                 " behind each other, not one on each line")};
      behind.options.multiline = true;
      out.push_back(std::move(behind));
      return out;
    }
  }
  size_t lines = 0;
  size_t good = 0;
  for (std::string_view line : lines_of(sample.text, kJudgedLines)) {
    if (line.find_first_not_of(" \t") == std::string_view::npos) continue;
    ++lines;
    size_t objects = 0;
    if (JsonChecker(line).check_objects(&objects) == Verdict::kGood) ++good;
  }
  if (good > 0 && good < lines && sample.text[first] == '{') {
    size_t objects = 0;
    if (JsonChecker(sample.text).check_objects(&objects) == Verdict::kGood) {
      JsonCandidate behind;
      behind.candidate = {
          "json_lines", "json", 0.99,
          concat("the text is ", objects,
                 " JSON objects behind each other, some of them over several lines")};
      behind.options.multiline = true;
      out.push_back(std::move(behind));
      return out;
    }
  }
  if (good > 0) {
    const double share = static_cast<double>(good) / static_cast<double>(lines);
    JsonCandidate candidate;
    candidate.candidate = {
        "json_lines", "json", 0.99 * share,
        concat(good, " of ", lines,
               lines == 1 ? " line is a JSON object" : " lines are JSON objects")};
    candidate.options.multiline = false;
    out.push_back(std::move(candidate));
  }
  return out;
}

}  // namespace velaria
