// Rows of one range, as spans of its text: what formats give and the scan decodes.
//
// One thread per object.
#pragma once

#include <cstdint>
#include <memory>

#include "src/io/csv/csv_dialect.h"
#include "src/io/text_table/text_range.h"

namespace velaria {

class RowReader {
 public:
  virtual ~RowReader() = default;
  // `range` outlives the use of it.
  virtual void start(TextRange* range) = 0;
  // Goes on by `limit` rows, or what is left of the range; 0 at its end. Throws TextDefect with an
  // offset in the range.
  virtual int64_t next(int64_t limit) = 0;
  // Spans of the rows of the last next(): of the i-th wanted column, without flags other than NULL
  // and quoted; the text they name is final. Returns whether a NULL is among them.
  virtual bool spans_of(size_t i, FieldSpan* out) = 0;
  // Where a row of the last next() begins, in the range.
  virtual size_t row_offset(int64_t row) const = 0;
};

}  // namespace velaria
