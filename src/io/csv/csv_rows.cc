#include "src/io/csv/csv_rows.h"

#include <algorithm>
#include <cstring>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/io/file_content.h"

namespace velaria {

namespace {

// Text per call of the structure finder: its positions stay in the second-level cache.
constexpr size_t kWindowBytes = 32 * 1024;

// A field that no file can hold: what kPad puts where a row has ended.
constexpr RawField kMissingField{UINT32_MAX, UINT32_MAX};

}  // namespace

NullTexts::NullTexts(std::vector<std::string> all) : texts(std::move(all)) {
  for (const std::string& text : texts) {
    lengths |= uint64_t{1} << std::min<size_t>(text.size(), 63);
  }
}

RangeRows::RangeRows(CsvDialect dialect, std::vector<std::string> null_texts, size_t columns,
                     RaggedPolicy ragged, SimdLevel level, bool force_careful)
    : dialect_(std::move(dialect)),
      null_texts_(std::move(null_texts)),
      columns_(columns),
      ragged_(ragged),
      finder_(structure_finder(level)),
      symbols_{dialect_.delimiter[0], dialect_.quote, dialect_.quoting},
      always_careful_(force_careful || !dialect_.is_simple()) {}

void RangeRows::set_null_words(const std::vector<std::string>& words,
                               std::vector<bool> word_columns) {
  std::vector<std::string> all = null_texts_.texts;
  all.insert(all.end(), words.begin(), words.end());
  null_texts_and_words_ = NullTexts(std::move(all));
  word_columns_ = std::move(word_columns);
}

const NullTexts& RangeRows::null_texts_of(size_t column) const {
  return column < word_columns_.size() && word_columns_[column] ? null_texts_and_words_
                                                                : null_texts_;
}

void RangeRows::start(const char* text, size_t size, std::vector<BrokenRow>* rejects,
                      std::vector<size_t> left_out) {
  text_ = text;
  size_ = size;
  rejects_ = rejects;
  left_out_ = std::move(left_out);
  next_left_out_ = 0;
  check_bytes_ = std::memchr(text, '\0', size) != nullptr;
  careful_ = always_careful_ || check_bytes_ || may_hold_comments(dialect_, {text, size});
  batch_rows_ = 0;
  state_ = StructureState();
  index_.clear();
  indexed_to_ = 0;
  row_cursor_ = 0;
  before_separators_ = UINT32_MAX;
  next_row_begin_ = 0;
  const size_t invalid = find_invalid_utf8({text, size});
  if (invalid < size && rejects_ != nullptr) {
    check_bytes_ = careful_ = true;
  } else if (invalid < size) {
    throw CsvDefect{concat("byte ", static_cast<int>(static_cast<unsigned char>(text[invalid])),
                           " is not valid UTF-8 here"),
                    "", invalid, CsvDefect::Kind::kEncoding};
  }
}

int64_t RangeRows::next(int64_t limit) {
  batch_rows_ = careful_ ? next_careful(limit) : next_fast(limit);
  return batch_rows_;
}

CsvDefect RangeRows::ragged(size_t fields, size_t begin, size_t end, size_t base) const {
  std::string advice = fields < columns_
                           ? "correct the row, or read with ragged='pad' to fill it with NULLs, or "
                             "with on_error='skip' to leave it out"
                           : "correct the row, quote fields that hold the delimiter, or read with "
                             "on_error='skip' to leave the row out";
  // So it goes with a file of another delimiter, and below a title.
  if (columns_ == 1) {
    advice = concat("name the delimiter if it is not '", excerpt(dialect_.delimiter),
                    "', skip_lines if lines stand above the header, ", advice);
  }
  std::string_view row(text_ + begin, end - begin);
  while (!row.empty() && (row.back() == '\n' || row.back() == '\r')) row.remove_suffix(1);
  return CsvDefect{concat("the row has ", fields, fields == 1 ? " field" : " fields",
                          ", but the file has ", columns_, columns_ == 1 ? " column" : " columns"),
                   advice, begin - base, CsvDefect::Kind::kRow, std::string(row)};
}

bool RangeRows::is_left_out(size_t begin) {
  while (next_left_out_ < left_out_.size() && left_out_[next_left_out_] < begin) ++next_left_out_;
  return next_left_out_ < left_out_.size() && left_out_[next_left_out_] == begin;
}

void RangeRows::check_row(const CarefulTokenizer& rows, size_t base) const {
  const size_t begin = rows.row_begin() + base;
  const std::string_view row(text_ + begin, rows.position() + base - begin);
  const size_t invalid = find_invalid_utf8(row);
  if (invalid < row.size()) {
    throw CsvDefect{concat("byte ", static_cast<int>(static_cast<unsigned char>(row[invalid])),
                           " is not valid UTF-8 here"),
                    "", rows.row_begin() + invalid, CsvDefect::Kind::kEncoding};
  }
  for (const RawField& field : row_fields_) {
    const char* value = text_ + base + field.begin;
    const size_t size = field.end - field.begin;
    if (dialect_.quoting && size > 0 && value[0] == dialect_.quote) continue;
    const void* nul = size > 0 ? std::memchr(value, '\0', size) : nullptr;
    if (nul == nullptr) continue;
    throw CsvDefect{"there is a NUL byte outside of quotes: the file may be binary",
                    "name a text file, or quote the field",
                    field.begin + static_cast<size_t>(static_cast<const char*>(nul) - value)};
  }
}

int64_t RangeRows::next_fast(int64_t limit) {
  // Drop what the last batch used, so that the index holds a batch and not the range.
  if (row_cursor_ > 0) {
    const uint32_t used = index_.row_ends[row_cursor_ - 1] + 1;
    before_separators_ = index_.separators[used - 1];
    std::copy(index_.separators.begin() + used,
              index_.separators.begin() + static_cast<int64_t>(index_.separator_count),
              index_.separators.begin());
    index_.separator_count -= used;
    const size_t rows_left = index_.row_end_count - row_cursor_;
    for (size_t i = 0; i < rows_left; ++i) {
      index_.row_ends[i] = index_.row_ends[row_cursor_ + i] - used;
    }
    index_.row_end_count = rows_left;
    row_cursor_ = 0;
  }
  const auto wanted = static_cast<size_t>(limit);
  first_separators_.clear();
  field_counts_.clear();
  batch_has_quotes_ = state_.saw_quote;
  const size_t rejects_before = rejects_ != nullptr ? rejects_->size() : 0;
  for (;;) {
    uint32_t first = row_cursor_ == 0 ? 0 : index_.row_ends[row_cursor_ - 1] + 1;
    while (row_cursor_ < index_.row_end_count && first_separators_.size() < wanted) {
      const uint32_t last = index_.row_ends[row_cursor_];
      const size_t fields = last - first + 1;
      if (fields != columns_ || columns_ == 1) {
        const size_t begin = (first == 0 ? before_separators_ : index_.separators[first - 1]) + 1u;
        const size_t row_end = index_.separators[last];
        const bool blank = fields == 1 && (row_end == static_cast<uint32_t>(begin) ||
                                           (row_end == begin + 1 && text_[begin] == '\r'));
        if (blank && columns_ > 1) {
          ++row_cursor_;
          first = last + 1;
          continue;
        }
        if (fields > columns_ || (fields < columns_ && ragged_ == RaggedPolicy::kError)) {
          CsvDefect defect = ragged(fields, begin, row_end, 0);
          if (rejects_ == nullptr) throw defect;
          rejects_->push_back({begin, row_end + 1, std::move(defect.what), CsvDefect::Kind::kRow});
          ++row_cursor_;
          first = last + 1;
          continue;
        }
      }
      if (!left_out_.empty()) {
        const uint32_t before = first == 0 ? before_separators_ : index_.separators[first - 1];
        if (is_left_out(before + 1u)) {
          ++row_cursor_;
          first = last + 1;
          continue;
        }
      }
      first_separators_.push_back(first);
      if (ragged_ == RaggedPolicy::kPad) field_counts_.push_back(static_cast<uint32_t>(fields));
      ++row_cursor_;
      first = last + 1;
    }
    if (first_separators_.size() == wanted || indexed_to_ == size_) break;
    const size_t end = std::min(size_, indexed_to_ + kWindowBytes);
    index_.make_room(end - indexed_to_);
    finder_.index(symbols_, text_, indexed_to_, end, &state_, &index_);
    indexed_to_ = end;
    if (state_.irregular || (end == size_ && state_.inside_quotes)) {
      // From the first row that was not handed out yet.
      careful_ = true;
      if (rejects_ != nullptr) rejects_->resize(rejects_before);
      next_left_out_ = 0;
      return next_careful(limit);
    }
    batch_has_quotes_ = state_.saw_quote;
  }
  if (row_cursor_ > 0) {
    next_row_begin_ = index_.separators[index_.row_ends[row_cursor_ - 1]] + size_t{1};
  }
  return static_cast<int64_t>(first_separators_.size());
}

int64_t RangeRows::next_careful(int64_t limit) {
  CarefulTokenizer rows(dialect_,
                        std::string_view(text_ + next_row_begin_, size_ - next_row_begin_));
  const size_t base = next_row_begin_;
  fields_.clear();
  row_begins_.clear();
  while (static_cast<int64_t>(row_begins_.size()) < limit) {
    try {
      if (!rows.next_row(&row_fields_)) break;
      if (rows.row_is_blank() && columns_ > 1) continue;
      const size_t count = row_fields_.size();
      if (check_bytes_) check_row(rows, base);
      if (count > columns_ || (count < columns_ && ragged_ == RaggedPolicy::kError)) {
        throw ragged(count, rows.row_begin() + base, rows.position() + base, base);
      }
      if (is_left_out(rows.row_begin() + base)) continue;
      for (const RawField& field : row_fields_) {
        fields_.push_back(
            {static_cast<uint32_t>(field.begin + base), static_cast<uint32_t>(field.end + base)});
      }
      for (size_t i = count; i < columns_; ++i) fields_.push_back(kMissingField);
      row_begins_.push_back(rows.row_begin() + base);
    } catch (CsvDefect& defect) {
      defect.offset += base;
      if (rejects_ == nullptr) throw;
      const size_t begin = rows.row_begin();
      if (rows.position() <= begin) {
        // The tokenizer stopped inside the row. One with an open quote is its first line: the quote
        // is what is wrong. Others end where who looks for row ends finds their end.
        if (defect.kind == CsvDefect::Kind::kOpenQuote) {
          rows.move_to(rows.next_line());
        } else {
          rows.move_to(begin);
          rows.skip_row();
        }
      }
      rejects_->push_back({begin + base, rows.position() + base, defect.what, defect.kind});
    }
  }
  next_row_begin_ = base + rows.position();
  return static_cast<int64_t>(row_begins_.size());
}

bool RangeRows::spans_of(size_t column, FieldSpan* spans) const {
  const int64_t rows = batch_rows_;
  const NullTexts& null_texts = null_texts_of(column);
  const auto finish_span = [&](RawField field) {
    return span_of(dialect_, text_, field, null_texts.texts);
  };
  uint32_t null_bits = 0;
  if (careful_) {
    const RawField* field = fields_.data() + column;
    for (int64_t row = 0; row < rows; ++row, field += columns_) {
      spans[row] = field->begin == kMissingField.begin ? FieldSpan{0, FieldSpan::kNull}
                                                       : finish_span(*field);
      null_bits |= spans[row].length_and_flags;
    }
    return (null_bits & FieldSpan::kNull) != 0;
  }
  const uint32_t* separators = index_.separators.data();
  const bool padded = ragged_ == RaggedPolicy::kPad;
  const bool simple = !batch_has_quotes_ && null_texts.texts.empty();
  const bool last_column = column + 1 == columns_;
  const auto place = static_cast<uint32_t>(column);
  const auto raw_field = [&](int64_t row) {
    const uint32_t at = first_separators_[static_cast<size_t>(row)] + place;
    const uint32_t before = at == 0 ? before_separators_ : separators[at - 1];
    return RawField{before + 1, separators[at]};
  };
  const auto drop_return = [&](RawField* field) {
    if (text_[field->end] == '\n' && field->end > field->begin && text_[field->end - 1] == '\r') {
      --field->end;
    }
  };
  if (simple && !padded && !last_column) {
    for (int64_t row = 0; row < rows; ++row) {
      const RawField field = raw_field(row);
      const uint32_t length = field.end - field.begin;
      spans[row] = {field.begin, length == 0 ? FieldSpan::kNull : length};
      null_bits |= spans[row].length_and_flags;
    }
    return (null_bits & FieldSpan::kNull) != 0;
  }
  for (int64_t row = 0; row < rows; ++row) {
    if (padded && field_counts_[static_cast<size_t>(row)] <= column) {
      spans[row] = {0, FieldSpan::kNull};
      null_bits |= FieldSpan::kNull;
      continue;
    }
    RawField field = raw_field(row);
    if (last_column || (padded && field_counts_[static_cast<size_t>(row)] == column + 1)) {
      drop_return(&field);
    }
    const uint32_t length = field.end - field.begin;
    const bool quoted = batch_has_quotes_ && length >= 2 && text_[field.begin] == dialect_.quote;
    const bool may_be_null_text = (null_texts.lengths >> std::min<uint32_t>(length, 63) & 1) != 0;
    if (quoted || may_be_null_text) {
      spans[row] = finish_span(field);
    } else {
      spans[row] = {field.begin, length == 0 ? FieldSpan::kNull : length};
    }
    null_bits |= spans[row].length_and_flags;
  }
  return (null_bits & FieldSpan::kNull) != 0;
}

size_t RangeRows::row_offset(int64_t row) const {
  if (careful_) return row_begins_[static_cast<size_t>(row)];
  const uint32_t first = first_separators_[static_cast<size_t>(row)];
  const uint32_t before = first == 0 ? before_separators_ : index_.separators[first - 1];
  return before + 1u;  // wraps to 0 at the start of the range
}

}  // namespace velaria
