#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "src/base/text.h"
#include "src/io/csv/csv_careful.h"
#include "src/io/csv/csv_evidence.h"
#include "src/io/probe/probe_candidates.h"

namespace velaria {

namespace {

constexpr size_t kJudgedRows = 20000;  // of each part of a file
constexpr size_t kMostTitleRows = 50;

struct Delimiter {
  const char* text;
  const char* shown;
  double weight;  // how likely something that splits evenly at it is a table
};

constexpr Delimiter kDelimiters[] = {
    {",", "','", 0.99}, {"\t", "tabs", 0.99},    {";", "';'", 0.98},
    {"|", "'|'", 0.98}, {"\x01", "\\x01", 0.97}, {"\x1F", "\\x1F", 0.97},
    {"^", "'^'", 0.90}, {"~", "'~'", 0.90},      {":", "':'", 0.45},
};

using Row = std::vector<RawField>;

struct SampleRows {
  std::vector<Row> rows;
  std::vector<size_t> begins;      // where each row begins
  std::vector<bool> blank_before;  // a blank line stands above the row
  bool broken = false;             // there is text behind a closing quote, or none to close it
  bool breaks_off = false;         // a quote opens and never closes
};

SampleRows split_rows(std::string_view text, bool whole, const CsvDialect& dialect) {
  SampleRows out;
  CarefulTokenizer tokenizer(dialect, text);
  Row row;
  bool blank = false;
  try {
    while (out.rows.size() < kJudgedRows && tokenizer.next_row(&row)) {
      if (tokenizer.row_is_blank()) {
        blank = true;
        continue;
      }
      out.rows.push_back(row);
      out.begins.push_back(tokenizer.row_begin());
      out.blank_before.push_back(blank);
      blank = false;
    }
  } catch (const CsvDefect& defect) {
    // A field that the sample cuts off is no defect of the file.
    const bool cut =
        !whole && tokenizer.position() > 0 && defect.kind == CsvDefect::Kind::kOpenQuote;
    out.broken = !cut;
    out.breaks_off = out.broken && defect.kind == CsvDefect::Kind::kOpenQuote;
  }
  return out;
}

size_t most_common_width(const std::vector<Row>& rows, size_t* count) {
  std::map<size_t, size_t> widths;
  for (const Row& row : rows) ++widths[row.size()];
  size_t best = 0;
  *count = 0;
  for (const auto& [width, rows_of_it] : widths) {
    if (rows_of_it > *count) {
      best = width;
      *count = rows_of_it;
    }
  }
  return best;
}

// Rows of a title above the table: all of one field, or parted from it by a blank line, and
// everything below agrees. 0 when the table begins at once.
size_t count_title_rows(const SampleRows& split, size_t width) {
  if (width < 2) return 0;
  size_t first = 0;
  while (first < split.rows.size() && split.rows[first].size() != width) ++first;
  if (first == 0 || first > kMostTitleRows || first == split.rows.size()) return 0;
  const bool parted = split.blank_before[first];
  if (!parted && split.rows.size() - first < 3) return 0;
  for (size_t i = 0; i < first; ++i) {
    if (split.rows[i].size() != 1 && !parted) return 0;
  }
  const auto agrees = [&](const Row& row) { return row.size() == width; };
  return std::all_of(split.rows.begin() + static_cast<int64_t>(first), split.rows.end(), agrees)
             ? first
             : 0;
}

int64_t count_lines(std::string_view text) {
  int64_t lines = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool alone = text[i] == '\r' && (i + 1 == text.size() || text[i + 1] != '\n');
    if (text[i] == '\n' || alone) ++lines;
  }
  return lines;
}

// Rows of a later part that have `width` fields, and all of its rows. The part may begin inside
// quotes: it is read both ways, and the better one counts.
void count_later(std::string_view part, const CsvDialect& dialect, size_t width, size_t* agreeing,
                 size_t* rows) {
  const auto agreeing_in = [&](std::string_view text, size_t* all) {
    const SampleRows split = split_rows(text, false, dialect);
    *all = split.rows.size();
    size_t count = 0;
    for (const Row& row : split.rows) count += row.size() == width ? 1 : 0;
    // What stands behind a defect was not read; it counts as one row that does not agree.
    *all += split.broken ? 1 : 0;
    return count;
  };
  size_t best_all = 0;
  size_t best = agreeing_in(part, &best_all);
  if (dialect.quoting && best < best_all) {
    for (size_t at = part.find(dialect.quote); at < part.size() && at + 1 < part.size();
         at = part.find(dialect.quote, at + 1)) {
      if (part[at + 1] != '\n' && part[at + 1] != '\r') continue;
      const size_t next_row = part.find_first_not_of("\r\n", at + 1);
      if (next_row == std::string_view::npos) break;
      size_t all = 0;
      const size_t count = agreeing_in(part.substr(next_row), &all);
      if (count * best_all > best * all) {
        best = count;
        best_all = all;
      }
      break;
    }
  }
  *agreeing += best;
  *rows += best_all;
}

class HeaderJudge {
 public:
  HeaderJudge(const char* text, const CsvDialect& dialect, const std::vector<Row>& rows,
              size_t width)
      : text_(text), dialect_(dialect), rows_(rows), width_(width) {}

  void judge(CsvCandidate* out) {
    bool nameable = true;
    std::set<std::string> names;
    for (size_t column = 0; column < width_; ++column) {
      const FieldSpan name = span(rows_[0], column);
      const std::string text = text_of(dialect_, text_, name);
      nameable = nameable && !name.is_null() && names.insert(text).second && !is_typed(name);
      if (!name.is_null() && rows_.size() > 1) judge_column(column, name, text);
    }
    out->header = header_votes_ != data_votes_ ? header_votes_ > data_votes_ : nameable;
    const double lead =
        header_votes_ > data_votes_ ? header_votes_ - data_votes_ : data_votes_ - header_votes_;
    out->header_is_sure = lead >= 0.9;
  }

 private:
  FieldSpan span(const Row& row, size_t column) const {
    if (column >= row.size()) return {0, FieldSpan::kNull};
    return span_of(dialect_, text_, row[column], {});
  }

  bool is_typed(FieldSpan value) const {
    TypeEvidence evidence;
    evidence.observe(text_, value, dialect_);
    return evidence.type().id() != TypeId::kUtf8;
  }

  void judge_column(size_t column, FieldSpan name, const std::string& name_text) {
    TypeEvidence evidence(&usual_null_words());
    bool repeated = false;
    for (size_t i = 1; i < rows_.size(); ++i) {
      const FieldSpan value = span(rows_[i], column);
      if (value.is_null()) continue;
      evidence.observe(text_, value, dialect_);
      repeated = repeated || std::string_view(text_ + value.begin, value.length()) ==
                                 std::string_view(text_ + name.begin, name.length());
    }
    const bool typed = evidence.type().id() != TypeId::kUtf8;
    const std::vector<std::string>& words = usual_null_words();
    const bool null_word = std::find(words.begin(), words.end(), name_text) != words.end();
    if (null_word) {
      data_votes_ += 0.5;
    } else if (typed) {
      (is_typed(name) ? data_votes_ : header_votes_) += 1;
    } else if (is_typed(name) || repeated) {
      data_votes_ += 0.5;
    } else if (name_text.find_first_of(".@/\\") == std::string::npos && name_text.size() <= 40) {
      header_votes_ += 0.1;
    }
  }

  const char* text_;
  const CsvDialect& dialect_;
  const std::vector<Row>& rows_;
  const size_t width_;
  double header_votes_ = 0;
  double data_votes_ = 0;
};

struct Judged {
  CsvCandidate candidate;
  CsvDialect dialect;
  std::vector<Row> rows;  // of the table, without a title
  bool breaks_off = false;
};

// How well the sample is a table in the dialect; nothing when nothing is split.
bool judge_dialect(const ProbeSample& sample, const Delimiter& delimiter, const CsvDialect& dialect,
                   Judged* out) {
  SampleRows split = split_rows(sample.text, sample.whole_file, dialect);
  if (split.rows.empty()) return false;
  size_t agreeing = 0;
  const size_t width = most_common_width(split.rows, &agreeing);
  const bool comma = dialect.delimiter == ",";
  if (width == 1 && (!comma || agreeing < split.rows.size())) return false;
  CsvCandidate& candidate = out->candidate;
  const size_t title = count_title_rows(split, width);
  if (title > 0) {
    const std::string_view above = sample.text.substr(0, split.begins[title]);
    candidate.skip_lines = count_lines(above);
    std::string_view shown = above.substr(0, above.find_last_not_of(" \t\r\n") + 1);
    candidate.warnings.push_back(concat("the first ", candidate.skip_lines,
                                        candidate.skip_lines == 1 ? " line is" : " lines are",
                                        " taken as a title and not read: '", excerpt(shown),
                                        "'; say skip_lines=0 if ", "rows are among them"));
    split.rows.erase(split.rows.begin(), split.rows.begin() + static_cast<int64_t>(title));
  }
  size_t judged = split.rows.size();
  for (const std::string_view part : sample.later) {
    count_later(part, dialect, width, &agreeing, &judged);
  }
  candidate.share = static_cast<double>(agreeing) / static_cast<double>(judged);
  candidate.width = width;
  candidate.broken = split.broken;
  candidate.delimiter = delimiter.text;
  candidate.quote = dialect.quoting ? dialect.quote : '\0';
  candidate.escape = dialect.escape;
  ProbeCandidate& shown = candidate.candidate;
  shown.format = dialect.delimiter == "\t" ? "tsv" : "csv";
  shown.kind = "csv";
  const double share = candidate.share;
  shown.score = width == 1 ? 0.4 : delimiter.weight * share * share;
  // Two rows that agree may do so by chance; the more columns, the less.
  if (width > 1 && split.rows.size() < 3) shown.score -= width == 2 ? 0.2 : 0.05;
  if (split.rows[0].size() != width) shown.score *= 0.7;
  if (split.broken) shown.score *= 0.5;
  if (title > 0) shown.score *= 0.95;
  shown.score = std::max(shown.score, 0.0);
  shown.reason = concat(agreeing, " of ", judged, judged == 1 ? " row has " : " rows have ", width,
                        width == 1 ? " field at " : " fields at ", delimiter.shown);
  if (!sample.later.empty()) shown.reason += " in samples of the file";
  if (dialect.quote != '"' || !dialect.quoting) {
    shown.reason += dialect.quoting ? concat(", quoted by ", dialect.quote) : ", without quotes";
  }
  if (dialect.escape != '\0') shown.reason += concat(", escaped by ", dialect.escape);
  if (title > 0) shown.reason += concat(", below ", candidate.skip_lines, " lines of title");
  if (split.broken) shown.reason += "; quotes do not fit";
  out->dialect = dialect;
  out->breaks_off = split.breaks_off;
  out->rows = std::move(split.rows);
  return true;
}

// Fields in single quotes: enough of them, each closed before its delimiter.
bool has_single_quotes(const Judged& judged, const char* text) {
  size_t quoted = 0;
  size_t opened = 0;
  for (const Row& row : judged.rows) {
    for (const RawField& field : row) {
      if (field.end - field.begin < 2 || text[field.begin] != '\'') continue;
      ++opened;
      quoted += text[field.end - 1] == '\'' ? 1 : 0;
    }
  }
  return quoted >= 2 && quoted * 10 >= opened * 8;
}

// The best way to quote at one delimiter.
bool judge_delimiter(const ProbeSample& sample, const Delimiter& delimiter, Judged* best) {
  CsvDialect dialect;
  dialect.delimiter = delimiter.text;
  if (!judge_dialect(sample, delimiter, dialect, best)) return false;
  const auto try_instead = [&](const CsvDialect& other, const char* warning, bool if_equal) {
    Judged judged;
    if (!judge_dialect(sample, delimiter, other, &judged) || judged.candidate.broken) return false;
    const double gain = judged.candidate.candidate.score - best->candidate.candidate.score;
    if (gain < 0 || (gain == 0 && !if_equal)) return false;
    if (warning != nullptr) judged.candidate.warnings.emplace_back(warning);
    *best = std::move(judged);
    return true;
  };
  if (sample.text.find('"') == std::string_view::npos) {
    if (sample.text.find('\'') != std::string_view::npos) {
      CsvDialect single = dialect;
      single.quote = '\'';
      try_instead(single, nullptr, has_single_quotes(*best, sample.text.data()));
    }
    return true;
  }
  if (!best->candidate.broken) return true;
  CsvDialect escaped = dialect;
  escaped.escape = '\\';
  if (sample.text.find("\\\"") != std::string_view::npos && try_instead(escaped, nullptr, true)) {
    return true;
  }
  // A file that was cut off is no file without quotes.
  if (best->breaks_off) return true;
  CsvDialect plain = dialect;
  plain.quoting = false;
  plain.quote = '\0';
  try_instead(plain,
              "quotes do not enclose whole fields, so they are read as ordinary characters; say "
              "quote='\"' to have them checked",
              true);
  return true;
}

}  // namespace

std::string why_lost(const CsvCandidate& candidate, const CsvCandidate& best) {
  const auto percent = [](double share) { return concat(std::floor(share * 1000) / 10, " %"); };
  if (candidate.broken && !best.broken) return "; lost: its quotes do not fit";
  if (candidate.share < best.share) {
    return concat("; lost: ", percent(candidate.share), " of its rows agree, of the best's ",
                  percent(best.share));
  }
  if (candidate.width == 1) return "; lost: another delimiter splits the rows";
  if (candidate.width < best.width) {
    return concat("; lost: the best splits into ", best.width, " fields");
  }
  return "; lost: the best's delimiter is the more usual one";
}

std::vector<CsvCandidate> judge_csv(const ProbeSample& sample) {
  std::vector<Judged> judged;
  bool one_column = false;
  for (const Delimiter& delimiter : kDelimiters) {
    const bool comma = delimiter.text[0] == ',';
    if (!comma && sample.text.find(delimiter.text) == std::string_view::npos) continue;
    Judged one;
    if (!judge_delimiter(sample, delimiter, &one)) continue;
    if (one.candidate.width == 1) one_column = true;
    judged.push_back(std::move(one));
  }
  // A column of its own is only believed when nothing splits it.
  const bool several = std::any_of(judged.begin(), judged.end(), [](const Judged& one) {
    return one.candidate.candidate.score > 0.4;
  });
  for (Judged& one : judged) {
    if (one_column && several && one.candidate.delimiter == ",") {
      one.candidate.candidate.score = 0.05;
    }
  }
  std::stable_sort(judged.begin(), judged.end(), [](const Judged& a, const Judged& b) {
    return a.candidate.candidate.score > b.candidate.candidate.score;
  });
  std::vector<CsvCandidate> out;
  for (Judged& one : judged) {
    if (out.empty()) {
      HeaderJudge(sample.text.data(), one.dialect, one.rows, one.candidate.width)
          .judge(&one.candidate);
    } else {
      one.candidate.candidate.reason += why_lost(one.candidate, out[0]);
    }
    out.push_back(std::move(one.candidate));
  }
  return out;
}

}  // namespace velaria
