// The rows of one range, batch by batch: structure first, values later and only where wanted.
//
//   RangeRows rows(dialect, null_texts, columns, ragged, level);
//   rows.start(text, size);           // or with rejects: broken rows are left out, and listed
//   while (int64_t count = rows.next(2048)) {
//     rows.spans_of(3, spans);       // count spans of column 3
//   }
//
// The fast path is the structure finder; where quotes are irregular or the delimiter is longer than
// a byte the careful tokenizer takes over for the rest of the range. Both give the same rows.
// One thread per object.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "src/io/csv/csv_careful.h"
#include "src/io/csv/csv_dialect.h"
#include "src/io/csv/csv_structure.h"

namespace velaria {

// A row that is left out: where it lies in its range, and why.
struct BrokenRow {
  size_t begin = 0;
  size_t end = 0;  // line end included
  std::string reason;
  CsvDefect::Kind kind = CsvDefect::Kind::kRow;
};

// Unquoted fields that mean NULL beside the empty one.
struct NullTexts {
  NullTexts() = default;
  explicit NullTexts(std::vector<std::string> all);

  std::vector<std::string> texts;
  uint64_t lengths = 0;  // bit n: one of them has n bytes (bit 63: 63 or more)
};

class RangeRows {
 public:
  // `force_careful` is for tests: never the fast path.
  RangeRows(CsvDialect dialect, std::vector<std::string> null_texts, size_t columns,
            RaggedPolicy ragged, SimdLevel level, bool force_careful = false);
  // Words that mean NULL in some columns.
  void set_null_words(const std::vector<std::string>& words, std::vector<bool> word_columns);

  // `text` is whole rows, each ended by a line end, with kCsvPaddingBytes behind, and stays until
  // the range is done. Throws CsvDefect for invalid UTF-8. With `rejects` nothing throws: rows with
  // a defect are left out and appended there. `left_out`: where further rows begin that are not
  // wanted, ascending.
  void start(const char* text, size_t size, std::vector<BrokenRow>* rejects = nullptr,
             std::vector<size_t> left_out = {});

  // Moves to the next at most `limit` rows; 0 at the end of the range. Blank lines are no rows,
  // except in a file of one column. Throws CsvDefect for ragged rows, broken quotes and NUL bytes
  // outside of quotes.
  int64_t next(int64_t limit);

  // The batch's values of a column; `spans` has room for the rows of the batch. Says whether there
  // is a NULL among them.
  bool spans_of(size_t column, FieldSpan* spans) const;
  // Where row `row` of the batch begins.
  size_t row_offset(int64_t row) const;

 private:
  int64_t next_fast(int64_t limit);
  int64_t next_careful(int64_t limit);
  // Of the row between two places of the text; its offset is counted from `base`.
  CsvDefect ragged(size_t fields, size_t begin, size_t end, size_t base) const;
  // Of a row that the careful tokenizer read; nothing is thrown for a good one.
  void check_row(const CarefulTokenizer& rows, size_t base) const;
  bool is_left_out(size_t begin);
  const NullTexts& null_texts_of(size_t column) const;

  const CsvDialect dialect_;
  const NullTexts null_texts_;
  NullTexts null_texts_and_words_;
  std::vector<bool> word_columns_;  // by column, or empty
  const size_t columns_;
  const RaggedPolicy ragged_;
  const StructureFinder& finder_;
  const CsvSymbols symbols_;
  const bool always_careful_;

  const char* text_ = nullptr;
  size_t size_ = 0;
  std::vector<BrokenRow>* rejects_ = nullptr;
  std::vector<size_t> left_out_;
  size_t next_left_out_ = 0;
  bool check_bytes_ = false;  // there is a NUL, or invalid UTF-8 that is to be rejected row by row
  bool careful_ = false;
  int64_t batch_rows_ = 0;
  bool batch_has_quotes_ = false;

  // Fast path.
  StructureState state_;
  StructureIndex index_;
  size_t indexed_to_ = 0;           // text position up to which index_ knows
  size_t row_cursor_ = 0;           // next entry of index_.row_ends
  uint32_t before_separators_ = 0;  // position of the separator before separators[0]; wraps at 0
  std::vector<uint32_t> first_separators_;  // per row: place of its first field's end
  std::vector<uint32_t> field_counts_;      // per row; only kept for kPad
  size_t next_row_begin_ = 0;

  // Careful path: columns_ fields per row, then the row starts.
  std::vector<RawField> row_fields_;
  std::vector<RawField> fields_;
  std::vector<size_t> row_begins_;
};

}  // namespace velaria
