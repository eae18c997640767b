#include <algorithm>
#include <map>
#include <set>

#include "src/base/text.h"
#include "src/io/csv/csv_careful.h"
#include "src/io/csv/csv_evidence.h"
#include "src/io/probe/probe_candidates.h"

namespace velaria {

namespace {

constexpr size_t kJudgedRows = 1000;

struct Delimiter {
  const char* text;
  const char* shown;
  double weight;  // how likely something that splits evenly at it is a table
};

constexpr Delimiter kDelimiters[] = {
    {",", "','", 0.99}, {"\t", "tabs", 0.99}, {";", "';'", 0.98},
    {"|", "'|'", 0.98}, {":", "':'", 0.45},
};

using Row = std::vector<RawField>;

struct SampleRows {
  std::vector<Row> rows;
  bool broken = false;  // there is text behind a closing quote
};

SampleRows split_rows(const ProbeSample& sample, const CsvDialect& dialect) {
  SampleRows out;
  CarefulTokenizer tokenizer(dialect, sample.text);
  Row row;
  try {
    while (out.rows.size() < kJudgedRows && tokenizer.next_row(&row)) {
      if (!tokenizer.row_is_blank()) out.rows.push_back(row);
    }
  } catch (const CsvDefect& defect) {
    // A field that the sample cuts off is no defect of the file.
    const bool cut = !sample.whole_file && tokenizer.position() > 0 &&
                     defect.what.find("never closes") != std::string::npos;
    out.broken = !cut;
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

class HeaderJudge {
 public:
  HeaderJudge(const ProbeSample& sample, const CsvDialect& dialect, const std::vector<Row>& rows,
              size_t width)
      : text_(sample.text.data()), dialect_(dialect), rows_(rows), width_(width) {}

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
    evidence.observe(text_, value, dialect_.quote);
    return evidence.type().id() != TypeId::kUtf8;
  }

  void judge_column(size_t column, FieldSpan name, const std::string& name_text) {
    TypeEvidence evidence(true);
    bool repeated = false;
    for (size_t i = 1; i < rows_.size(); ++i) {
      const FieldSpan value = span(rows_[i], column);
      if (value.is_null()) continue;
      evidence.observe(text_, value, dialect_.quote);
      repeated = repeated || text_of(dialect_, text_, value) == name_text;
    }
    const bool typed = evidence.type_without_null_words().id() != TypeId::kUtf8;
    const bool null_word =
        std::find(kNullWords.begin(), kNullWords.end(), name_text) != kNullWords.end();
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

}  // namespace

std::vector<CsvCandidate> judge_csv(const ProbeSample& sample) {
  std::vector<CsvCandidate> out;
  bool one_column = false;
  for (const Delimiter& delimiter : kDelimiters) {
    CsvDialect dialect;
    dialect.delimiter = delimiter.text;
    const SampleRows split = split_rows(sample, dialect);
    if (split.rows.empty()) continue;
    size_t agreeing = 0;
    const size_t width = most_common_width(split.rows, &agreeing);
    const bool comma = dialect.delimiter == ",";
    if (width == 1 && (!comma || agreeing < split.rows.size())) continue;
    if (width == 1) one_column = true;
    const double share = static_cast<double>(agreeing) / static_cast<double>(split.rows.size());
    CsvCandidate candidate;
    candidate.delimiter = delimiter.text;
    ProbeCandidate& shown = candidate.candidate;
    shown.format = dialect.delimiter == "\t" ? "tsv" : "csv";
    shown.kind = "csv";
    shown.score = width == 1 ? 0.4 : delimiter.weight * share * share;
    // Two rows that agree may do so by chance; the more columns, the less.
    if (width > 1 && split.rows.size() < 3) shown.score -= width == 2 ? 0.2 : 0.05;
    if (split.rows[0].size() != width) shown.score *= 0.7;
    if (split.broken) shown.score *= 0.5;
    shown.score = std::max(shown.score, 0.0);
    shown.reason = concat(agreeing, " of ", split.rows.size(),
                          split.rows.size() == 1 ? " row has " : " rows have ", width,
                          width == 1 ? " field at " : " fields at ", delimiter.shown,
                          split.broken ? "; quotes do not fit" : "");
    HeaderJudge(sample, dialect, split.rows, width).judge(&candidate);
    out.push_back(std::move(candidate));
  }
  // A column of its own is only believed when nothing splits it.
  const bool several = std::any_of(out.begin(), out.end(), [](const CsvCandidate& candidate) {
    return candidate.candidate.score > 0.4;
  });
  if (one_column && several) {
    for (CsvCandidate& candidate : out) {
      if (candidate.delimiter == ",") candidate.candidate.score = 0.05;
    }
  }
  std::stable_sort(out.begin(), out.end(), [](const CsvCandidate& a, const CsvCandidate& b) {
    return a.candidate.score > b.candidate.score;
  });
  return out;
}

}  // namespace velaria
