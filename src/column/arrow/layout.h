// The layouts in which a consumer may ask for a type that has several in Arrow: the same values in
// other buffers.
//
//   int64 offsets   large_utf8 ("U"), large_binary ("Z")
//   views           utf8_view ("vu"), binary_view ("vz")
//   one width       fixed_size_binary ("w:16") for binary
//   other units     date64 ("tdm") for a date32; time64[ns] ("ttn"), time32[ms] ("ttm") and
//                   time32[s] ("tts") for a time64[us]; durations ("tDn") and intervals of months
//                   or of days and milliseconds ("tiM", "tiD") for an interval
//   fewer bits      float16 ("e") for a float32; decimal32 and decimal64 ("d:7,2,32")
//   dictionary      indices of any integer type into texts, binary, bool, numbers, decimals, dates,
//                   times and intervals, each in its own layout or one of those above
//   run ends        the same values in runs ("+r")
//
// Only columns at the top are given other layouts.
#pragma once

#include <string>
#include <vector>

#include "src/column/arrow/c_data.h"

namespace velaria {

enum class Coding { kPlain, kDictionary, kRuns };

// What a consumer wants of one column.
struct ColumnLayout {
  std::string values;  // the format of the values; empty: the column goes out as it is
  Coding coding = Coding::kPlain;
  char numbers = 0;  // the format of a dictionary's indices ("cCsSiIlL") or of run ends ("sil")

  bool is_asked_for() const { return !values.empty(); }
};

// The layouts of the columns of a requested schema. Types that have one layout, and layouts that
// are not listed above, are not asked for.
std::vector<ColumnLayout> requested_layouts(const ArrowSchema& schema);

bool any_is_asked_for(const std::vector<ColumnLayout>& layouts);

// Puts the columns of `stream`, which has as many columns as `layouts`, into the layouts that are
// asked for; a column stays as it is when its type does not have the layout. Bytes of texts are
// shared, not copied, but for dictionaries, of which each batch has its own, and runs. `stream` is
// taken over and replaced. A value that the layout cannot hold unchanged fails the stream with
// TypeMismatchError, the column and the value in the text; so does a dictionary that has more
// values than its indices can count, and a batch of more rows than run ends can.
void lay_out_stream(std::vector<ColumnLayout> layouts, ArrowArrayStream* stream);

}  // namespace velaria
