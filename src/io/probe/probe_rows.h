// Rows of a sample, and what they say about the first of them.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "src/io/csv/csv_dialect.h"

namespace velaria {

using SampleRow = std::vector<RawField>;

struct SampleRows {
  std::vector<SampleRow> rows;
  std::vector<size_t> begins;      // where each row begins
  std::vector<bool> blank_before;  // a blank line stands above the row
  bool broken = false;             // there is text behind a closing quote, or none to close it
  bool breaks_off = false;         // a quote opens and never closes
  bool is_cut = false;             // so it seems, but the sample may only be too short
};

// At most 20,000. `whole`: nothing comes behind the text.
SampleRows split_rows(std::string_view text, bool whole, const CsvDialect& dialect);

struct HeaderVerdict {
  bool header = true;
  bool is_sure = false;
};
// Whether the first of the rows names columns: by the types of what is below, and by what repeats.
// `rows` is not empty.
HeaderVerdict judge_header(std::string_view text, const CsvDialect& dialect,
                           const std::vector<SampleRow>& rows, size_t width);

// The field's text has a type of its own: a number, a date, a truth value.
bool is_typed_field(std::string_view text, const CsvDialect& dialect, RawField field);

}  // namespace velaria
