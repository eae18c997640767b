#include <algorithm>
#include <map>

#include "src/base/text.h"
#include "src/io/csv/csv_evidence.h"
#include "src/io/line/line_layout.h"
#include "src/io/line/line_presets.h"
#include "src/io/probe/probe_candidates.h"
#include "src/kernel/regular_expression.h"

namespace velaria {

namespace {

constexpr size_t kJudgedLines = 1000;

size_t count_words(std::string_view line) {
  size_t words = 0;
  bool inside = false;
  for (char c : line) {
    const bool space = c == ' ' || c == '\t';
    if (!space && !inside) ++words;
    inside = !space;
  }
  return words;
}

// How sure a format is when every line matches. Below what CSV with several columns reaches where
// tables may look alike: they begin with dates, too.
double weight_of(std::string_view preset) {
  if (preset == "apache_combined" || preset == "apache_common") return 0.995;
  if (preset == "stamped") return 0.9;
  return 0.97;
}

struct PresetMatches {
  size_t lines = 0;
  size_t with_level = 0;
};

PresetMatches count_matches(const LinePreset& preset, const std::vector<std::string_view>& lines) {
  const RegularExpressionPtr pattern = compile_regular_expression(preset.pattern, "");
  const std::map<std::string, int> groups = pattern->group_numbers();
  const auto level = groups.find("level");
  std::vector<std::string_view> found(static_cast<size_t>(pattern->group_count()) + 1);
  PresetMatches out;
  for (std::string_view line : lines) {
    if (!pattern->match(line, found.data(), static_cast<int>(found.size()))) continue;
    ++out.lines;
    if (level != groups.end() && !found[static_cast<size_t>(level->second)].empty()) {
      ++out.with_level;
    }
  }
  return out;
}

bool is_typed(std::string_view word) {
  std::string padded(word);
  padded.append(kCsvPaddingBytes, '\0');
  TypeEvidence evidence;
  evidence.observe(padded.data(), {0, static_cast<uint32_t>(word.size())}, plain_text_dialect());
  return evidence.type().id() != TypeId::kUtf8;
}

// Whether some word of the first line is a name above nothing but values.
bool begins_with_header(const LineOptions& options, const std::vector<std::string_view>& lines) {
  if (lines.size() < 3) return false;
  std::vector<std::string_view> names;
  split_line(options, lines[0], &names);
  std::vector<bool> values(names.size(), true);
  std::vector<std::string_view> words;
  for (size_t i = 1; i < std::min<size_t>(lines.size(), 100); ++i) {
    split_line(options, lines[i], &words);
    for (size_t k = 0; k < names.size(); ++k) {
      values[k] = values[k] && k < words.size() && is_typed(words[k]);
    }
  }
  for (size_t k = 0; k < names.size(); ++k) {
    if (is_typed(names[k])) return false;
  }
  return std::find(values.begin(), values.end(), true) != values.end();
}

}  // namespace

std::vector<std::string_view> lines_of(std::string_view text, size_t limit) {
  std::vector<std::string_view> lines;
  while (!text.empty() && lines.size() < limit) {
    const size_t end = text.find_first_of("\r\n");
    lines.push_back(text.substr(0, end));
    if (end == std::string_view::npos) break;
    const bool pair = text[end] == '\r' && end + 1 < text.size() && text[end + 1] == '\n';
    text.remove_prefix(end + (pair ? 2 : 1));
  }
  return lines;
}

std::vector<LineCandidate> judge_lines(const ProbeSample& sample) {
  std::vector<LineCandidate> out;
  std::vector<std::string_view> lines;
  std::map<size_t, size_t> word_counts;
  for (std::string_view line : lines_of(sample.text, kJudgedLines)) {
    if (line.find_first_not_of(" \t") == std::string_view::npos) continue;
    lines.push_back(line);
    ++word_counts[count_words(line)];
  }
  if (lines.empty()) return out;
  const auto share = [&](size_t count) {
    return static_cast<double>(count) / static_cast<double>(lines.size());
  };
  const char* const line_word = lines.size() == 1 ? " line" : " lines";

  size_t best_lines = 0;
  LineCandidate log;
  for (const LinePreset& preset : line_presets()) {
    const PresetMatches matches = count_matches(preset, lines);
    if (matches.lines <= best_lines || 2 * matches.lines < lines.size()) continue;
    best_lines = matches.lines;
    double score = weight_of(preset.name) * share(matches.lines);
    // A date and time alone is little.
    if (preset.name == std::string_view("stamped")) {
      score *= 2.0 / 3 + share(matches.with_level) / 3;
    }
    log.candidate = {
        "line_regex", "line", score,
        concat(matches.lines, " of ", lines.size(), line_word, " match ", preset.title)};
    log.options = preset.options();
    log.preset = preset.name;
  }
  if (best_lines > 0) out.push_back(std::move(log));

  const auto most =
      std::max_element(word_counts.begin(), word_counts.end(),
                       [](const auto& a, const auto& b) { return a.second < b.second; });
  const double agreement = share(most->second);
  LineCandidate split;
  split.candidate = {
      "line_split", "line",
      most->first < 2 ? 0.1 : (most->second < lines.size() ? 0.2 : 0.55) * agreement,
      concat(most->second, " of ", lines.size(), line_word, lines.size() == 1 ? " has " : " have ",
             most->first, most->first == 1 ? " word" : " words between spaces")};
  split.options.split_delimiter = "whitespace";
  split.has_header = most->first > 1 && begins_with_header(split.options, lines);
  out.push_back(std::move(split));

  LineCandidate whole;
  whole.candidate = {"line_regex", "line", 0.25, "every line is a text"};
  whole.options.mode = LineMode::kRegex;
  whole.options.regex_pattern = "^(?P<line>.*)$";
  whole.options.types["line"] = DataType(TypeId::kUtf8);
  whole.whole_lines = true;
  out.push_back(std::move(whole));
  return out;
}

}  // namespace velaria
