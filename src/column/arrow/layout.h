// The layouts in which a consumer may ask for a type that has several in Arrow: the same values in
// other buffers.
//
//   int64 offsets   large_utf8 ("U"), large_binary ("Z")
//   views           utf8_view ("vu"), binary_view ("vz")
//   date64          for a date32: milliseconds ("tdm")
//   time64[ns]      for a time64[us] ("ttn")
//   dictionary      indices of any integer type into utf8 or binary in any of their layouts, or
//   into
//                   numbers, decimals, dates and times in the column's own type
//
// Only columns at the top are given other layouts.
#pragma once

#include <string>
#include <vector>

#include "src/column/arrow/c_data.h"

namespace velaria {

enum class TextLayout { kOffsets32, kOffsets64, kViews };

// What a consumer wants of one column.
struct ColumnLayout {
  bool is_asked_for = false;  // else the column goes out as it is
  bool is_text = false;       // text or binary, laid out as `text`; else `values`
  TextLayout text = TextLayout::kOffsets32;
  std::string values;     // the format of the values
  char index_format = 0;  // of a dictionary ('c', 'C', 's', 'S', 'i', 'I', 'l', 'L'); 0: none
};

// The layouts of the columns of a requested schema. Types that have one layout, and layouts that
// are not listed above, are not asked for.
std::vector<ColumnLayout> requested_layouts(const ArrowSchema& schema);

bool any_is_asked_for(const std::vector<ColumnLayout>& layouts);

// Puts the columns of `stream`, which has as many columns as `layouts`, into the layouts that are
// asked for; a column stays as it is when its type does not have the layout. Bytes of texts are
// shared, not copied, but for dictionaries, of which each batch has its own. `stream` is taken over
// and replaced. A dictionary that has more values than its indices can count fails the stream with
// TypeMismatchError in the text.
void lay_out_stream(std::vector<ColumnLayout> layouts, ArrowArrayStream* stream);

}  // namespace velaria
