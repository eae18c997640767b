#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>

#include "src/base/text.h"
#include "src/io/csv/csv_careful.h"
#include "src/io/probe/probe_candidates.h"
#include "src/io/probe/probe_rows.h"

namespace velaria {

namespace {

constexpr size_t kMostTitleRows = 50;
// A sample that ends inside of quotes is too short with fewer rows.
constexpr size_t kEnoughRows = 20;
// Of a table by its name alone: above what lines of any kind have.
constexpr double kNamedTableScore = 0.56;
constexpr double kRaggedScore = 0.3;

struct Delimiter {
  const char* text;
  const char* shown;
  double weight;  // how likely something that splits evenly at it is a table
};

constexpr Delimiter kDelimiters[] = {
    {",", "','", 0.99},      {"\t", "tabs", 0.99}, {";", "';'", 0.98},
    {"||", "'||'", 0.985},   {"|", "'|'", 0.98},   {"\x01", "\\x01", 0.97},
    {"\x1F", "\\x1F", 0.97}, {"^", "'^'", 0.90},   {"~", "'~'", 0.90},
    {"::", "'::'", 0.90},    {":", "':'", 0.45},   {" ", "single spaces", 0.60},
};

constexpr const char* kComments[] = {"#", "%", "//"};

size_t most_common_width(const std::vector<SampleRow>& rows, size_t* count) {
  std::map<size_t, size_t> widths;
  for (const SampleRow& row : rows) ++widths[row.size()];
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

// A line of a title begins with words; one of values may be a row.
bool looks_like_title(std::string_view text, const CsvDialect& dialect, const SampleRow& row) {
  for (const RawField& field : row) {
    if (field.begin == field.end) continue;
    return !is_typed_field(text, dialect, field);
  }
  return true;
}

// A row of a title as spreadsheets write it, ";" for each empty cell beside it: of the table's
// width, with words in one field, or none.
bool is_padded_title(std::string_view text, const CsvDialect& dialect, const SampleRow& row,
                     size_t width) {
  const auto filled = std::count_if(row.begin(), row.end(),
                                    [](const RawField& field) { return field.begin != field.end; });
  return width > 2 && row.size() == width && filled <= 1 && looks_like_title(text, dialect, row);
}

// Those above a header that names every column and below which there is no doubt.
size_t count_padded_title_rows(std::string_view text, const CsvDialect& dialect,
                               const std::vector<SampleRow>& rows, size_t width) {
  size_t first = 0;
  while (first < rows.size() && is_padded_title(text, dialect, rows[first], width)) ++first;
  if (first == 0 || first > kMostTitleRows || rows.size() - first < 3) return 0;
  const std::vector<SampleRow> table(rows.begin() + static_cast<int64_t>(first), rows.end());
  const bool all_named = std::all_of(table[0].begin(), table[0].end(), [](const RawField& field) {
    return field.begin != field.end;
  });
  if (table[0].size() != width || !all_named) return 0;
  const HeaderVerdict header = judge_header(text, dialect, table, width);
  return header.header && header.is_sure ? first : 0;
}

// Rows of a title above the table: all of one field, or parted from it by a blank line, and
// everything below agrees. 0 when the table begins at once.
size_t count_title_rows(std::string_view text, const CsvDialect& dialect, const SampleRows& split,
                        size_t width) {
  if (width < 2) return 0;
  size_t first = 0;
  while (first < split.rows.size() && split.rows[first].size() != width) ++first;
  if (first == 0) return count_padded_title_rows(text, dialect, split.rows, width);
  if (first > kMostTitleRows || first == split.rows.size()) return 0;
  const bool parted = split.blank_before[first];
  if (!parted && split.rows.size() - first < 3) return 0;
  std::map<size_t, size_t> wide;
  for (size_t i = 0; i < first; ++i) {
    const SampleRow& row = split.rows[i];
    if (row.size() != 1 && !parted) return 0;
    if (!looks_like_title(text, dialect, row)) return 0;
    // Two lines that are split alike are a table of their own.
    if (row.size() > 1 && ++wide[row.size()] > 1) return 0;
  }
  const auto agrees = [&](const SampleRow& row) { return row.size() == width; };
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

struct Agreement {
  size_t agreeing = 0;
  size_t rows = 0;
  bool better_than(const Agreement& other) const {
    return agreeing * std::max<size_t>(other.rows, 1) > other.agreeing * std::max<size_t>(rows, 1);
  }
};

// Rows of a later part that have `width` fields, and all of its rows. The part may begin inside
// quotes (`may_be_inside`): it is read both ways, and the better one counts. A part without a whole
// row says nothing.
Agreement count_later(std::string_view part, const CsvDialect& dialect, size_t width,
                      bool may_be_inside) {
  const auto agreement_of = [&](std::string_view text, size_t left_out) {
    const SampleRows split = split_rows(text, false, dialect);
    Agreement out;
    for (size_t i = left_out; i < split.rows.size(); ++i) {
      ++out.rows;
      out.agreeing += split.rows[i].size() == width ? 1 : 0;
    }
    // What stands behind a defect was not read; it counts as one row that does not agree.
    out.rows += split.broken ? 1 : 0;
    return out;
  };
  const Agreement outside = agreement_of(part, 0);
  if (!may_be_inside || outside.agreeing == outside.rows) return outside;
  // The first row is the end of one.
  const Agreement inside = agreement_of(concat(dialect.quote, part), 1);
  const bool no_rows = inside.rows == 0 && outside.agreeing == 0;
  return no_rows || inside.better_than(outside) ? inside : outside;
}

bool has_lines_in_quotes(std::string_view text, const SampleRows& split) {
  if (split.is_cut) return true;
  for (const SampleRow& row : split.rows) {
    for (const RawField& field : row) {
      if (text.substr(field.begin, field.end - field.begin).find('\n') != std::string_view::npos) {
        return true;
      }
    }
  }
  return false;
}

struct Judged {
  CsvCandidate candidate;
  CsvDialect dialect;
  std::vector<SampleRow> rows;  // of the table, without a title
  bool breaks_off = false;
  size_t title_rows = 0;
};

void leave_out_title(const ProbeSample& sample, size_t title, SampleRows* split, Judged* out) {
  CsvCandidate& candidate = out->candidate;
  const std::string_view above = sample.text.substr(0, split->begins[title]);
  candidate.skip_lines = count_lines(above);
  const std::string_view shown = above.substr(0, above.find_last_not_of(" \t\r\n") + 1);
  candidate.warnings.push_back(concat("the first ", candidate.skip_lines,
                                      candidate.skip_lines == 1 ? " line is" : " lines are",
                                      " taken as a title and not read: '", excerpt(shown),
                                      "'; say skip_lines=0 if rows are among them"));
  for (size_t i = 0; i < title; ++i) {
    candidate.doubtful = candidate.doubtful || split->rows[i].size() > 1;
  }
  out->title_rows = title;
  split->rows.erase(split->rows.begin(), split->rows.begin() + static_cast<int64_t>(title));
}

// How well the sample is a table in the dialect; nothing when nothing is split.
bool judge_dialect(const ProbeSample& sample, const Delimiter& delimiter, const CsvDialect& dialect,
                   Judged* out, bool* wants_more) {
  SampleRows split = split_rows(sample.text, sample.whole_file, dialect);
  if (split.is_cut && split.rows.size() < kEnoughRows && wants_more != nullptr) *wants_more = true;
  if (split.rows.empty()) return false;
  size_t agreeing = 0;
  const size_t width = most_common_width(split.rows, &agreeing);
  const bool comma = dialect.delimiter == ",";
  if (width == 1 && (!comma || agreeing < split.rows.size())) return false;
  const bool may_be_inside = dialect.quoting && has_lines_in_quotes(sample.text, split);
  CsvCandidate& candidate = out->candidate;
  const size_t title = count_title_rows(sample.text, dialect, split, width);
  if (title > 0) leave_out_title(sample, title, &split, out);
  size_t judged = split.rows.size();
  for (const std::string_view part : sample.later) {
    const Agreement later = count_later(part, dialect, width, may_be_inside);
    agreeing += later.agreeing;
    judged += later.rows;
  }
  candidate.share = static_cast<double>(agreeing) / static_cast<double>(judged);
  candidate.width = width;
  candidate.broken = split.broken;
  candidate.delimiter = delimiter.text;
  candidate.quote = dialect.quoting ? dialect.quote : '\0';
  candidate.escape = dialect.escape;
  candidate.comment = dialect.comment;
  ProbeCandidate& shown = candidate.candidate;
  shown.format = dialect.delimiter == "\t" ? "tsv" : "csv";
  shown.kind = "csv";
  const double share = candidate.share;
  shown.score = width == 1 ? 0.4 : delimiter.weight * share * share;
  // Two rows that agree may do so by chance; the more columns, the less.
  if (width > 1 && split.rows.size() < 3) shown.score -= width == 2 ? 0.2 : 0.05;
  if (split.rows[0].size() != width) shown.score *= 0.7;
  if (split.broken) shown.score *= 0.5;
  // What is left out may have been rows after all.
  if (title > 0) shown.score *= 0.88;
  if (!dialect.comment.empty()) shown.score *= 0.9;
  shown.score = std::max(shown.score, 0.0);
  shown.reason = concat(agreeing, " of ", judged, judged == 1 ? " row has " : " rows have ", width,
                        width == 1 ? " field at " : " fields at ", delimiter.shown);
  if (!sample.later.empty()) shown.reason += " in samples of the file";
  if (dialect.quote != '"' || !dialect.quoting) {
    shown.reason += dialect.quoting ? concat(", quoted by ", dialect.quote) : ", without quotes";
  }
  if (dialect.escape != '\0') shown.reason += concat(", escaped by ", dialect.escape);
  if (!dialect.comment.empty()) shown.reason += concat(", comments behind ", dialect.comment);
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
  for (const SampleRow& row : judged.rows) {
    for (const RawField& field : row) {
      if (field.end - field.begin < 2 || text[field.begin] != '\'') continue;
      ++opened;
      quoted += text[field.end - 1] == '\'' ? 1 : 0;
    }
  }
  return quoted >= 2 && quoted * 10 >= opened * 8;
}

bool begins_with(std::string_view text, std::string_view mark) {
  return text.substr(0, mark.size()) == mark;
}

// The first line of the sample that begins with `mark`, or nothing.
std::string_view first_comment(std::string_view text, std::string_view mark) {
  for (size_t at = text.find(mark); at != std::string_view::npos; at = text.find(mark, at + 1)) {
    if (at > 0 && text[at - 1] != '\n' && text[at - 1] != '\r') continue;
    return text.substr(at, text.find_first_of("\r\n", at) - at);
  }
  return {};
}

// Lines that begin with a mark of comments, and are no rows by what they hold: they are not split
// as the rows are, or what is below them has a header of its own.
void try_comments(const ProbeSample& sample, const Delimiter& delimiter, Judged* best) {
  for (const char* mark : kComments) {
    const std::string_view first = first_comment(sample.text, mark);
    if (first.empty() || begins_with(delimiter.text, mark)) continue;
    CsvDialect dialect = best->dialect;
    dialect.comment = mark;
    Judged other;
    if (!judge_dialect(sample, delimiter, dialect, &other, nullptr)) continue;
    const size_t width = other.candidate.width;
    if (width < 2 || other.candidate.broken) continue;
    CsvDialect rows_too = dialect;
    rows_too.comment.clear();
    const SampleRows all = split_rows(sample.text, sample.whole_file, rows_too);
    size_t comments = 0;
    size_t like_rows = 0;
    size_t last_like_row = 0;
    for (size_t i = 0; i < all.rows.size(); ++i) {
      const bool marked = begins_with(sample.text.substr(all.begins[i]), mark);
      comments += marked ? 1 : 0;
      if (!marked || all.rows[i].size() != width) continue;
      ++like_rows;
      last_like_row = i;
    }
    if (comments == 0 || other.candidate.share < best->candidate.share) continue;
    if (like_rows > 0) {
      // A header may begin with the mark, and so may values.
      if (last_like_row >= like_rows) continue;
      const auto as_comment = judge_header(sample.text, dialect, other.rows, width);
      const auto as_row =
          judge_header(sample.text, best->dialect, best->rows, best->candidate.width);
      if (!as_comment.header || !as_comment.is_sure || (as_row.header && as_row.is_sure)) continue;
    }
    other.candidate.warnings.push_back(
        concat("lines that begin with '", mark, "' are taken as comments and not read, such as '",
               excerpt(first), "'; say comment='' if they are rows"));
    *best = std::move(other);
    return;
  }
}

// The best way to quote at one delimiter.
bool judge_quotes(const ProbeSample& sample, const Delimiter& delimiter, Judged* best,
                  bool* wants_more) {
  CsvDialect dialect;
  dialect.delimiter = delimiter.text;
  if (!judge_dialect(sample, delimiter, dialect, best, wants_more)) return false;
  const auto try_instead = [&](const CsvDialect& other, const char* warning, bool if_equal) {
    Judged judged;
    if (!judge_dialect(sample, delimiter, other, &judged, nullptr) || judged.candidate.broken) {
      return false;
    }
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

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_hex(char c) {
  const char lower = static_cast<char>(c | 0x20);
  return is_digit(c) || (lower >= 'a' && lower <= 'f');
}

// A time, an address of the web or of a network: its colons part nothing.
bool has_colons_of_its_own(std::string_view line) {
  if (line.find("://") != std::string_view::npos) return true;
  for (size_t at = line.find(':'); at != std::string_view::npos; at = line.find(':', at + 1)) {
    size_t hour = at;
    while (hour > 0 && is_digit(line[hour - 1])) --hour;
    const bool clock = hour < at && at - hour <= 2 && (hour == 0 || line[hour - 1] != ':') &&
                       at + 2 < line.size() && is_digit(line[at + 1]) && is_digit(line[at + 2]) &&
                       (at + 3 == line.size() || !is_digit(line[at + 3]));
    if (clock) return true;
  }
  size_t digits = 0;
  for (const char c : line) {
    if (c == ':') {
      digits = 0;
    } else if (!is_hex(c) || ++digits > 4) {
      return false;
    }
  }
  return true;
}

// Whether what stands between the delimiters speaks against them.
bool speaks_against(const ProbeSample& sample, const Delimiter& delimiter) {
  const std::string_view text = sample.text;
  if (delimiter.text[0] == ':') {
    size_t lines = 0;
    size_t own = 0;
    for (std::string_view line : lines_of(text, 1000)) {
      if (line.find(':') == std::string_view::npos) continue;
      ++lines;
      own += has_colons_of_its_own(line) ? 1 : 0;
    }
    return own * 2 > lines;
  }
  if (std::strcmp(delimiter.text, "||") == 0) {
    for (size_t at = text.find('|'); at < text.size(); at = text.find('|', at + 2)) {
      if (at + 1 == text.size() || text[at + 1] != '|') return true;
    }
  }
  // Columns that are set with several spaces are for the reader of lines.
  return delimiter.text[0] == ' ' && text.find("  ") != std::string_view::npos;
}

// "1,5;2,5": commas that stand in numbers only, at another delimiter.
bool has_decimal_commas(const Judged& judged, std::string_view text) {
  size_t numbers = 0;
  for (const SampleRow& row : judged.rows) {
    for (const RawField& field : row) {
      const std::string_view value = text.substr(field.begin, field.end - field.begin);
      const size_t comma = value.find(',');
      if (comma == std::string_view::npos) continue;
      const size_t sign = value[0] == '-' || value[0] == '+' ? 1 : 0;
      const auto digits = [](std::string_view part) {
        return !part.empty() && std::all_of(part.begin(), part.end(), is_digit);
      };
      if (comma <= sign || !digits(value.substr(sign, comma - sign)) ||
          !digits(value.substr(comma + 1))) {
        return false;
      }
      ++numbers;
    }
  }
  return numbers > 0;
}

// Rows of different lengths, all of them split: a table that lacks fields, or has too many. Prose
// has commas with spaces behind them.
bool is_ragged(std::string_view text, const Judged& judged, bool named_table) {
  size_t split = 0;
  for (const SampleRow& row : judged.rows) split += row.size() > 1 ? 1 : 0;
  const size_t rows = judged.rows.size();
  if (judged.candidate.broken || rows < 2) return false;
  if (named_table) return split * 2 >= rows && judged.rows[0].size() > 1;
  if (split * 10 < rows * 9) return false;
  size_t delimiters = 0;
  size_t spaced = 0;
  for (size_t at = text.find(judged.dialect.delimiter); at != std::string_view::npos;
       at = text.find(judged.dialect.delimiter, at + 1)) {
    ++delimiters;
    spaced += at + 1 < text.size() && text[at + 1] == ' ' ? 1 : 0;
  }
  return spaced * 2 < delimiters;
}

// "1.234", which is 1234 where commas are decimal. Of one group, as more of them are no number.
bool is_thousands(std::string_view value) {
  const size_t sign = !value.empty() && (value[0] == '-' || value[0] == '+') ? 1 : 0;
  const size_t point = value.find('.');
  if (point == std::string_view::npos || point <= sign || point > sign + 3) return false;
  const std::string_view digits = value.substr(sign);
  return value.size() == point + 4 && digits[0] != '0' &&
         std::all_of(digits.begin(), digits.end(), [](char c) { return c == '.' || is_digit(c); });
}

// "1,5" and "1.234,50"; also with a unit behind.
bool has_decimal_comma(std::string_view value) {
  const size_t comma = value.find(',');
  if (comma == 0 || comma == std::string_view::npos || value.rfind(',') != comma) return false;
  const std::string_view whole = value.substr(value[0] == '-' || value[0] == '+' ? 1 : 0);
  return comma + 1 < value.size() && is_digit(value[comma + 1]) && is_digit(value[comma - 1]) &&
         whole.substr(0, whole.find(',')).find_first_not_of("0123456789.") ==
             std::string_view::npos;
}

// A column of "1.234" and small whole numbers, beside one with decimal commas, is read as fractions
// and may be thousands: only who knows the file can tell.
void warn_of_thousands(std::string_view text, Judged* judged) {
  CsvCandidate& candidate = judged->candidate;
  if (candidate.delimiter == ",") return;
  struct Seen {
    std::string_view thousands;  // the first
    bool commas = false;
    bool others = false;
  };
  std::vector<Seen> columns(candidate.width);
  for (size_t row = candidate.header ? 1 : 0; row < judged->rows.size(); ++row) {
    const size_t width = std::min(judged->rows[row].size(), columns.size());
    for (size_t i = 0; i < width; ++i) {
      const RawField& field = judged->rows[row][i];
      std::string_view value = text.substr(field.begin, field.end - field.begin);
      if (value.size() > 1 && value[0] == candidate.quote && value.back() == candidate.quote) {
        value = value.substr(1, value.size() - 2);
      }
      Seen& seen = columns[i];
      seen.commas = seen.commas || has_decimal_comma(value);
      if (is_thousands(value)) {
        if (seen.thousands.empty()) seen.thousands = value;
      } else if (value.find('.') != std::string_view::npos) {
        seen.others = true;
      }
    }
  }
  if (std::none_of(columns.begin(), columns.end(), [](const Seen& one) { return one.commas; })) {
    return;
  }
  for (size_t i = 0; i < columns.size(); ++i) {
    const Seen& seen = columns[i];
    if (seen.thousands.empty() || seen.others || seen.commas) continue;
    std::string name = concat(i + 1);
    if (candidate.header && i < judged->rows[0].size()) {
      const RawField& field = judged->rows[0][i];
      name = concat("'", excerpt(text.substr(field.begin, field.end - field.begin)), "'");
    }
    candidate.warnings.push_back(
        concat("'", excerpt(seen.thousands), "' in column ", name, " is read as a fraction, but ",
               "numbers of this file have decimal commas, so that it may be thousands: then read ",
               "the column as utf8 (types) and leave the points out with SQL's replace()"));
  }
}

void judge_ragged(const ProbeSample& sample, bool named_table, std::vector<Judged>* judged) {
  Judged* best = nullptr;
  for (Judged& one : *judged) {
    // Of lines that are split evenly at anything nobody needs to guess.
    if (one.candidate.candidate.score > kRaggedScore) return;
    const std::string_view delimiter = one.candidate.delimiter;
    const bool usual =
        delimiter == "," || delimiter == "\t" || delimiter == ";" || delimiter == "|";
    if (!usual || one.candidate.width < 2 || !is_ragged(sample.text, one, named_table)) continue;
    if (best == nullptr || one.rows[0].size() > best->rows[0].size()) best = &one;
  }
  if (best == nullptr) return;
  size_t least = best->rows[0].size();
  size_t most = least;
  for (const SampleRow& row : best->rows) {
    least = std::min(least, row.size());
    most = std::max(most, row.size());
  }
  CsvCandidate& candidate = best->candidate;
  candidate.doubtful = true;
  candidate.candidate.score = named_table ? kNamedTableScore : kRaggedScore;
  candidate.candidate.reason += concat("; rows have ", least, " to ", most, " fields");
  candidate.warnings.push_back(concat("rows have ", least, " to ", most, " fields at '",
                                      candidate.delimiter, "', the first ", best->rows[0].size()));
}

// "sep=;" above a table, which spreadsheets read and write: the delimiter, and the line.
bool take_separator_line(std::string_view text, std::string* delimiter, size_t* size) {
  if (text.size() < 6 || !equals_ignore_case(text.substr(0, 4), "sep=")) return false;
  const size_t end = text.find_first_of("\r\n", 5);
  if (end != 5 || text[4] == '"' || static_cast<unsigned char>(text[4]) >= 0x80) return false;
  *delimiter = text[4];
  *size = end + (text[end] == '\r' && end + 1 < text.size() && text[end + 1] == '\n' ? 2 : 1);
  return true;
}

std::vector<Judged> judge_delimiters(const ProbeSample& sample, bool* wants_more) {
  std::vector<Judged> judged;
  for (const Delimiter& delimiter : kDelimiters) {
    const bool comma = delimiter.text[0] == ',';
    if (!comma && sample.text.find(delimiter.text) == std::string_view::npos) continue;
    if (speaks_against(sample, delimiter)) continue;
    Judged one;
    if (!judge_quotes(sample, delimiter, &one, wants_more)) continue;
    try_comments(sample, delimiter, &one);
    if (delimiter.text[0] == ' ') {
      // Words of a text agree now and then: only a header above values makes a table of them.
      const HeaderVerdict header =
          judge_header(sample.text, one.dialect, one.rows, one.candidate.width);
      if (!header.header || !header.is_sure) continue;
    }
    judged.push_back(std::move(one));
  }
  const auto at = [&](std::string_view delimiter) {
    return std::find_if(judged.begin(), judged.end(),
                        [&](const Judged& one) { return one.candidate.delimiter == delimiter; });
  };
  const auto comma = at(",");
  const auto semicolon = at(";");
  if (comma != judged.end() && semicolon != judged.end() && semicolon->candidate.share == 1 &&
      has_decimal_commas(*semicolon, sample.text)) {
    comma->candidate.candidate.score *= 0.5;
  }
  return judged;
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

std::vector<CsvCandidate> judge_csv(const ProbeSample& sample, bool named_table, bool* wants_more) {
  std::string separator;
  size_t separator_bytes = 0;
  if (take_separator_line(sample.text, &separator, &separator_bytes)) {
    ProbeSample below = sample;
    below.text.remove_prefix(separator_bytes);
    const std::string shown = concat("'", separator, "'");
    const Delimiter delimiter{separator.c_str(), shown.c_str(), 0.99};
    Judged one;
    if (judge_quotes(below, delimiter, &one, wants_more)) {
      const HeaderVerdict header =
          judge_header(below.text, one.dialect, one.rows, one.candidate.width);
      one.candidate.header = header.header;
      one.candidate.header_is_sure = header.is_sure;
      warn_of_thousands(below.text, &one);
      ++one.candidate.skip_lines;
      one.candidate.candidate.reason += ", which the first line says";
      return {std::move(one.candidate)};
    }
  }
  std::vector<Judged> judged = judge_delimiters(sample, wants_more);
  const bool one_column = std::any_of(judged.begin(), judged.end(),
                                      [](const Judged& one) { return one.candidate.width == 1; });
  // A column of its own is only believed when nothing splits it.
  const bool several = std::any_of(judged.begin(), judged.end(), [](const Judged& one) {
    return one.candidate.candidate.score > 0.4;
  });
  for (Judged& one : judged) {
    if (one_column && several && one.candidate.delimiter == ",") {
      one.candidate.candidate.score = 0.05;
    }
  }
  judge_ragged(sample, named_table, &judged);
  std::stable_sort(judged.begin(), judged.end(), [](const Judged& a, const Judged& b) {
    return a.candidate.candidate.score > b.candidate.candidate.score;
  });
  std::vector<CsvCandidate> out;
  for (Judged& one : judged) {
    if (out.empty()) {
      const HeaderVerdict header =
          judge_header(sample.text, one.dialect, one.rows, one.candidate.width);
      one.candidate.header = header.header;
      one.candidate.header_is_sure = header.is_sure;
      warn_of_thousands(sample.text, &one);
    } else {
      one.candidate.candidate.reason += why_lost(one.candidate, out[0]);
    }
    out.push_back(std::move(one.candidate));
  }
  return out;
}

CsvBeginning judge_beginning(const ProbeSample& sample, const CsvCandidate& like) {
  CsvDialect dialect;
  dialect.delimiter = like.delimiter;
  dialect.quoting = like.quote != '\0';
  dialect.quote = like.quote;
  dialect.escape = like.escape;
  dialect.comment = like.comment;
  CsvBeginning out;
  std::string_view text = sample.text;
  for (int64_t line = 0; line < like.skip_lines && !text.empty(); ++line) {
    const size_t end = std::min(text.find_first_of("\r\n"), text.size());
    const SampleRows row = split_rows(text.substr(0, end), true, dialect);
    // "sep=;" has a field more than it seems.
    const bool separator = line == 0 && equals_ignore_case(text.substr(0, 4), "sep=");
    if (!separator && row.rows.size() == 1 && row.rows[0].size() == like.width &&
        !is_padded_title(text, dialect, row.rows[0], like.width) && out.row_in_title.empty()) {
      out.row_in_title = std::string(text.substr(0, end));
    }
    const bool pair = end + 1 < text.size() && text[end] == '\r' && text[end + 1] == '\n';
    text.remove_prefix(std::min(end + (pair ? 2 : 1), text.size()));
  }
  const SampleRows split = split_rows(text, sample.whole_file, dialect);
  if (split.rows.empty()) return out;
  for (const RawField& field : split.rows[0]) {
    out.first_row.push_back(
        text_of(dialect, text.data(), span_of(dialect, text.data(), field, {})));
  }
  const HeaderVerdict header = judge_header(text, dialect, split.rows, split.rows[0].size());
  out.header = header.header;
  out.header_is_sure = header.is_sure;
  return out;
}

}  // namespace velaria
