#include <algorithm>
#include <map>

#include "src/base/text.h"
#include "src/io/probe/probe_candidates.h"

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

// host ident user [date] "request" status size: what web servers write.
bool is_access_log(std::string_view line) {
  const size_t open = line.find(" [");
  if (open == std::string_view::npos || count_words(line.substr(0, open)) != 3) return false;
  const size_t close = line.find("] \"", open);
  if (close == std::string_view::npos) return false;
  const size_t end = line.find("\" ", close + 3);
  if (end == std::string_view::npos) return false;
  const std::string_view status = line.substr(end + 2, 3);
  return status.size() == 3 &&
         std::all_of(status.begin(), status.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// "Jan  5 12:34:56 host program: text", or an ISO date and time before the text.
bool is_stamped_line(std::string_view line) {
  const auto shaped = [&](std::string_view shape) {
    if (line.size() < shape.size()) return false;
    for (size_t i = 0; i < shape.size(); ++i) {
      const char c = line[i];
      switch (shape[i]) {
        case '9':
          if (c < '0' || c > '9') return false;
          break;
        case 'A':
          if ((c | 32) < 'a' || (c | 32) > 'z') return false;
          break;
        case '_':
          if (c != ' ' && (c < '0' || c > '9')) return false;
          break;
        case 'T':
          if (c != ' ' && c != 'T') return false;
          break;
        default:
          if (c != shape[i]) return false;
      }
    }
    return true;
  };
  return shaped("AAA _9 99:99:99 ") || shaped("9999-99-99T99:99:99") ||
         shaped("[9999-99-99T99:99:99");
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

std::vector<ProbeCandidate> judge_lines(const ProbeSample& sample) {
  std::vector<ProbeCandidate> out;
  std::map<size_t, size_t> word_counts;
  size_t lines = 0;
  size_t access = 0;
  size_t stamped = 0;
  for (std::string_view line : lines_of(sample.text, kJudgedLines)) {
    if (line.find_first_not_of(" \t") == std::string_view::npos) continue;
    ++lines;
    ++word_counts[count_words(line)];
    access += is_access_log(line) ? 1 : 0;
    stamped += is_stamped_line(line) ? 1 : 0;
  }
  if (lines == 0) return out;
  const auto share = [&](size_t count) {
    return static_cast<double>(count) / static_cast<double>(lines);
  };
  if (access > 0) {
    // Above what CSV can reach: requests may hold the same number of commas by chance.
    out.push_back({"line_regex", "line", 0.995 * share(access),
                   concat(access, " of ", lines, " lines look like a web server's access log")});
  } else if (stamped > 0) {
    // Below CSV with several columns: tables begin with dates, too.
    out.push_back(
        {"line_regex", "line", 0.6 * share(stamped),
         concat(stamped, " of ", lines, " lines begin with a date and time, as logs do")});
  }
  const auto most =
      std::max_element(word_counts.begin(), word_counts.end(),
                       [](const auto& a, const auto& b) { return a.second < b.second; });
  const double agreement = share(most->second);
  const double score = most->first < 2 ? 0.1 : (agreement < 0.8 ? 0.2 : 0.55) * agreement;
  out.push_back({"line_split", "line", score,
                 concat(most->second, " of ", lines, lines == 1 ? " line has " : " lines have ",
                        most->first, most->first == 1 ? " word" : " words between spaces")});
  return out;
}

}  // namespace velaria
