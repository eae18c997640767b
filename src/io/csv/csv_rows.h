// The rows of one range, batch by batch: structure first, values later and only where wanted.
//
//   RangeRows rows(dialect, null_texts, columns, ragged, level);
//   rows.start(text, size);
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

class RangeRows {
 public:
  // `force_careful` is for tests: never the fast path.
  RangeRows(CsvDialect dialect, std::vector<std::string> null_texts, size_t columns,
            RaggedPolicy ragged, SimdLevel level, bool force_careful = false);

  // `text` is whole rows, each ended by a line end, with kCsvPaddingBytes behind, and stays until
  // the range is done. Throws CsvDefect for invalid UTF-8.
  void start(const char* text, size_t size);

  // Moves to the next at most `limit` rows; 0 at the end of the range. Blank lines are no rows,
  // except in a file of one column. Throws CsvDefect for ragged rows and broken quotes.
  int64_t next(int64_t limit);

  // The batch's values of a column; `spans` has room for the rows of the batch. Says whether there
  // is a NULL among them.
  bool spans_of(size_t column, FieldSpan* spans) const;
  // Where row `row` of the batch begins.
  size_t row_offset(int64_t row) const;

  const char* text() const { return text_; }
  const CsvDialect& dialect() const { return dialect_; }

 private:
  int64_t next_fast(int64_t limit);
  int64_t next_careful(int64_t limit);
  [[noreturn]] void fail_ragged(size_t fields, size_t offset) const;
  FieldSpan finish_span(RawField field) const;

  const CsvDialect dialect_;
  const std::vector<std::string> null_texts_;
  const size_t columns_;
  const RaggedPolicy ragged_;
  const StructureFinder& finder_;
  const CsvSymbols symbols_;
  const bool always_careful_;
  uint64_t null_text_lengths_ = 0;  // bit n: some null text has n bytes (bit 63: 63 or more)

  const char* text_ = nullptr;
  size_t size_ = 0;
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
