#include "src/io/probe/probe_rows.h"

#include <algorithm>
#include <charconv>
#include <set>
#include <string>

#include "src/io/csv/csv_careful.h"
#include "src/io/csv/csv_evidence.h"

namespace velaria {

namespace {

constexpr size_t kJudgedRows = 20000;  // of each part of a file

class HeaderJudge {
 public:
  HeaderJudge(const char* text, const CsvDialect& dialect, const std::vector<SampleRow>& rows,
              size_t width)
      : text_(text), dialect_(dialect), rows_(rows), width_(width) {}

  HeaderVerdict judge() {
    bool nameable = true;
    std::set<std::string> names;
    for (size_t column = 0; column < width_; ++column) {
      const FieldSpan name = span(rows_[0], column);
      const std::string text = text_of(dialect_, text_, name);
      const bool address =
          text.find("://") != std::string::npos || text.find('@') != std::string::npos;
      nameable =
          nameable && has_letter(text) && !address && names.insert(text).second && !is_typed(name);
      if (!name.is_null() && rows_.size() > 1) judge_column(column, name, text);
    }
    HeaderVerdict out;
    out.header = header_votes_ != data_votes_ ? header_votes_ > data_votes_ : nameable;
    // Numbers one behind the other beside words are years, hours or places more often than values.
    const bool years = steps_.size() >= 2 && steps_[0] >= 1900 && steps_.back() <= 2100;
    if (!out.header && header_votes_ > 0 && (years || steps_.size() >= 3) && steps_are_even()) {
      out.header = true;
      return out;  // not sure
    }
    const double lead =
        header_votes_ > data_votes_ ? header_votes_ - data_votes_ : data_votes_ - header_votes_;
    // Columns that speak against each other leave a doubt.
    out.is_sure = lead >= 0.9 && lead >= 0.6 * (header_votes_ + data_votes_);
    return out;
  }

 private:
  FieldSpan span(const SampleRow& row, size_t column) const {
    if (column >= row.size()) return {0, FieldSpan::kNull};
    return span_of(dialect_, text_, row[column], {});
  }

  DataType type_of(FieldSpan value) const {
    TypeEvidence evidence;
    evidence.observe(text_, value, dialect_);
    return evidence.type();
  }

  bool is_typed(FieldSpan value) const { return type_of(value).id() != TypeId::kUtf8; }

  void note_step(FieldSpan name) {
    int64_t number = 0;
    const char* begin = text_ + name.begin;
    const char* end = begin + name.length();
    const auto read = std::from_chars(begin, end, number);
    if (read.ec == std::errc() && read.ptr == end) steps_.push_back(number);
  }

  static bool has_letter(std::string_view text) {
    return std::any_of(text.begin(), text.end(), [](char c) {
      const char lower = static_cast<char>(c | 0x20);
      return (lower >= 'a' && lower <= 'z') || static_cast<signed char>(c) < 0;
    });
  }

  bool steps_are_even() const {
    for (size_t i = 1; i < steps_.size(); ++i) {
      if (steps_[i] != steps_[i - 1] + 1) return false;
    }
    return true;
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
      note_step(name);
      // A date above numbers is no value of theirs.
      const bool date_above_numbers = type_of(name).is_temporal() && evidence.type().is_numeric();
      (is_typed(name) && !date_above_numbers ? data_votes_ : header_votes_) += 1;
    } else if (is_typed(name) || repeated || !has_letter(name_text)) {
      data_votes_ += 0.5;
    } else if (name_text.find_first_of(".@/\\") == std::string::npos && name_text.size() <= 40) {
      header_votes_ += 0.1;
    }
  }

  const char* text_;
  const CsvDialect& dialect_;
  const std::vector<SampleRow>& rows_;
  const size_t width_;
  double header_votes_ = 0;
  double data_votes_ = 0;
  std::vector<int64_t> steps_;  // integers of the first row, above typed columns
};

}  // namespace

SampleRows split_rows(std::string_view text, bool whole, const CsvDialect& dialect) {
  SampleRows out;
  CarefulTokenizer tokenizer(dialect, text);
  SampleRow row;
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
    const bool open = defect.kind == CsvDefect::Kind::kOpenQuote;
    out.is_cut = open && !whole;
    out.broken = !out.is_cut;
    out.breaks_off = open && whole;
  }
  return out;
}

HeaderVerdict judge_header(std::string_view text, const CsvDialect& dialect,
                           const std::vector<SampleRow>& rows, size_t width) {
  return HeaderJudge(text.data(), dialect, rows, width).judge();
}

bool is_typed_field(std::string_view text, const CsvDialect& dialect, RawField field) {
  TypeEvidence evidence;
  const FieldSpan span = span_of(dialect, text.data(), field, {});
  if (span.is_null()) return false;
  evidence.observe(text.data(), span, dialect);
  return evidence.type().id() != TypeId::kUtf8;
}

}  // namespace velaria
