#include "src/io/line/line_layout.h"

#include <algorithm>
#include <cstring>

#include "src/base/text.h"
#include "src/io/utf8_check.h"

namespace velaria {

namespace {

bool is_space(char c) { return c == ' ' || c == '\t'; }

bool splits_at_space(const LineOptions& options) {
  return options.mode == LineMode::kSplit && options.split_delimiter == "whitespace";
}

// Lines of a range: ended by LF, CRLF or CR.
class Lines {
 public:
  void start(std::string_view text) {
    text_ = text;
    position_ = 0;
    feed_ = find('\n');
    return_ = find('\r');
  }
  bool next(std::string_view* line) {
    if (position_ >= text_.size()) return false;
    // Each is looked for only once it is passed: a text may have many of one and none of the other.
    if (feed_ < position_) feed_ = find('\n');
    if (return_ < position_) return_ = find('\r');
    const size_t end = std::min(feed_, return_);
    *line = text_.substr(position_, end - position_);
    const bool pair = return_ < feed_ && return_ + 1 == feed_;
    position_ = end + (pair ? 2 : 1);
    return true;
  }

 private:
  // Of the next such byte, or the end of the text.
  size_t find(char c) const { return std::min(text_.find(c, position_), text_.size()); }

  std::string_view text_;
  size_t position_ = 0;
  size_t feed_ = 0;
  size_t return_ = 0;
};

class LineRowReader : public RowReader {
 public:
  LineRowReader(const LineLayout& layout, const std::vector<size_t>& columns,
                RejectedRows* rejected)
      : layout_(layout), rejected_(rejected) {
    for (size_t column : columns) {
      const int place = layout.places[column];
      places_.push_back(static_cast<size_t>(place));
      groups_needed_ = std::max(groups_needed_, place + 1);
    }
    for (int place : layout.places) {
      fields_named_ = std::max(fields_named_, static_cast<size_t>(place) + 1);
    }
    spans_.resize(columns.size());
  }

  void start(TextRange* range) override {
    range_ = range;
    const std::string_view text(range->text(), range->size_bytes);
    valid_ = is_valid_utf8(text);
    lines_.start(text);
  }

  int64_t next(int64_t limit) override {
    if (offsets_.size() < static_cast<size_t>(limit)) {
      offsets_.resize(static_cast<size_t>(limit));
      for (auto& spans : spans_) spans.resize(static_cast<size_t>(limit));
    }
    row_ = 0;
    std::string_view line;
    while (row_ < limit && lines_.next(&line)) {
      offsets_[static_cast<size_t>(row_)] = offset_of(line);
      if (!valid_ && !check_utf8(line)) continue;
      if (is_blank_line(layout_.options, line)) {
        // A pattern may match spaces.
        const bool matched =
            layout_.options.mode == LineMode::kRegex && !line.empty() && find_groups(line);
        if (!matched && layout_.options.skip_empty_lines) continue;
        for (size_t i = 0; i < places_.size(); ++i) {
          set(i, matched ? groups_[places_[i]] : std::string_view());
        }
      } else if (layout_.options.mode == LineMode::kRegex ? !match(line) : !split(line)) {
        continue;
      }
      ++row_;
    }
    return row_;
  }

  bool spans_of(size_t i, FieldSpan* out) override {
    bool has_nulls = false;
    for (int64_t row = 0; row < row_; ++row) {
      out[row] = spans_[i][static_cast<size_t>(row)];
      has_nulls |= out[row].is_null();
    }
    return has_nulls;
  }

  size_t row_offset(int64_t row) const override { return offsets_[static_cast<size_t>(row)]; }

 private:
  size_t offset_of(std::string_view part) const {
    return static_cast<size_t>(part.data() - range_->text());
  }

  void set(size_t i, std::string_view value) {
    FieldSpan span{0, FieldSpan::kNull};
    if (!value.empty() && !is_null_text(value)) {
      span = {static_cast<uint32_t>(offset_of(value)), static_cast<uint32_t>(value.size())};
    }
    spans_[i][static_cast<size_t>(row_)] = span;
  }

  bool is_null_text(std::string_view value) const {
    for (const std::string& text : layout_.options.null_texts) {
      if (value == text) return true;
    }
    return false;
  }

  // False for a line that is left out.
  bool reject(std::string_view line, const TextDefect& defect) {
    if (layout_.options.on_error == RowErrorPolicy::kFail) throw TextDefect(defect);
    if (rejected_ != nullptr) {
      const size_t begin = offset_of(line);
      rejected_->add(rejected_line(layout_, *range_, defect, begin, begin + line.size()));
    }
    return false;
  }

  bool check_utf8(std::string_view line) {
    if (is_valid_utf8(line)) return true;
    return reject(line, {"the bytes here are not valid UTF-8", "",
                         offset_of(line) + find_invalid_utf8(line), TextDefect::Kind::kEncoding});
  }

  bool match(std::string_view line) {
    if (!find_groups(line)) {
      return reject(line, {concat("the line '", excerpt(line), "' does not match the pattern"),
                           "correct the pattern, or leave such lines out with on_error='skip'",
                           offset_of(line)});
    }
    for (size_t i = 0; i < places_.size(); ++i) set(i, groups_[places_[i]]);
    return true;
  }

  bool find_groups(std::string_view line) {
    groups_.resize(static_cast<size_t>(groups_needed_));
    if (layout_.fast_pattern) {
      switch (layout_.fast_pattern->match(line, groups_.data(), groups_needed_)) {
        case TaggedDfa::Verdict::kMatch: return true;
        case TaggedDfa::Verdict::kNoMatch: return false;
        case TaggedDfa::Verdict::kNotAscii: break;
      }
    }
    return layout_.pattern->match(line, groups_.data(), groups_needed_);
  }

  bool split(std::string_view line) {
    split_line(layout_.options, line, &groups_);
    const size_t count = groups_.size();
    const bool pad = layout_.options.ragged == RaggedPolicy::kPad;
    if (layout_.exact_fields ? count > fields_named_ || (count < fields_named_ && !pad)
                             : count < fields_named_ && !pad) {
      return reject(
          line,
          {concat("the line has ", count, count == 1 ? " field" : " fields", ", but ",
                  layout_.exact_fields ? "the file has " : "mappings needs ", fields_named_,
                  layout_.exact_fields ? " columns" : ""),
           count > fields_named_
               ? "name the fields to read in mappings, or leave the line out with on_error='skip'"
               : "use ragged='pad' to fill it with NULLs, or on_error='skip' to leave it out",
           offset_of(line)});
    }
    for (size_t i = 0; i < places_.size(); ++i) {
      set(i, places_[i] < count ? groups_[places_[i]] : std::string_view());
    }
    return true;
  }

  const LineLayout& layout_;
  RejectedRows* const rejected_;
  std::vector<size_t> places_;
  int groups_needed_ = 0;
  size_t fields_named_ = 0;
  std::vector<std::vector<FieldSpan>> spans_;
  std::vector<size_t> offsets_;
  std::vector<std::string_view> groups_;
  Lines lines_;
  TextRange* range_ = nullptr;
  bool valid_ = true;
  int64_t row_ = 0;
};

}  // namespace

bool is_blank_line(const LineOptions& options, std::string_view line) {
  if (line.empty()) return true;
  // Where spaces or tabs part fields, they are fields.
  if (options.mode == LineMode::kSplit && !splits_at_space(options) &&
      options.split_delimiter.find_first_not_of(" \t") == std::string::npos) {
    return false;
  }
  return is_space(line[0]) && std::all_of(line.begin(), line.end(), is_space);
}

void split_line(const LineOptions& options, std::string_view line,
                std::vector<std::string_view>* fields) {
  fields->clear();
  size_t begin = 0;
  if (splits_at_space(options)) {
    for (;;) {
      while (begin < line.size() && is_space(line[begin])) ++begin;
      if (begin == line.size()) return;
      size_t end = begin;
      while (end < line.size() && !is_space(line[end])) ++end;
      fields->push_back(line.substr(begin, end - begin));
      begin = end;
    }
  }
  const std::string& delimiter = options.split_delimiter;
  for (;;) {
    const size_t end =
        delimiter.size() == 1 ? line.find(delimiter[0], begin) : line.find(delimiter, begin);
    if (end == std::string_view::npos) break;
    fields->push_back(line.substr(begin, end - begin));
    begin = end + delimiter.size();
  }
  fields->push_back(line.substr(begin));
}

std::shared_ptr<TextLayout> LineLayout::with_schema(Schema other) const {
  auto out = std::make_shared<LineLayout>(*this);
  out->schema = std::move(other);
  return out;
}

std::unique_ptr<TextRangeCutter> LineLayout::cut(const TextPass& pass,
                                                 const CancellationToken* cancellation) const {
  const uint64_t begin = text->text_begin();
  return std::make_unique<LineRangeCutter>(pass.stream(begin), begin, options.range_bytes,
                                           options.max_row_bytes, true, cancellation);
}

std::unique_ptr<RowReader> LineLayout::read_rows(const std::vector<size_t>& columns,
                                                 RejectedRows* rejected) const {
  return std::make_unique<LineRowReader>(*this, columns, rejected);
}

}  // namespace velaria
