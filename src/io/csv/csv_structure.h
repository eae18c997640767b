// Finds the structure of CSV text 64 bytes at a time: where fields and rows end, outside quotes.
//
// Quotes are told inside from outside by their parity. That is RFC 4180's reading as long as every
// opening quote stands at the start of a field and every closing one at its end; the finder checks
// this for each quote and reports `irregular` otherwise. Irregular text is for the careful
// tokenizer (csv_careful.h), which gives the same rows for regular text, only slower.
//
// One implementation per instruction set, chosen once per scan; all give the same answer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "src/base/cpu_features.h"

namespace velaria {

struct CsvSymbols {
  char delimiter = ',';
  char quote = '"';
  bool quoting = true;
};

// What is carried from one window of a range to the next. A fresh state is the start of a row.
struct StructureState {
  bool inside_quotes = false;
  bool quote_may_open = true;      // the last byte ended a field, or was a closing quote (escape)
  bool quote_just_closed = false;  // the next byte must end the field or open again
  bool saw_quote = false;
  bool irregular = false;
};

struct StructureIndex {
  // Position of the last byte of every field end (delimiter, LF, or CR without LF), ascending.
  std::vector<uint32_t> separators;
  // For every row end, its place in `separators`.
  std::vector<uint32_t> row_ends;
  size_t separator_count = 0;  // the vectors are kept larger than what counts in them
  size_t row_end_count = 0;

  void clear() { separator_count = row_end_count = 0; }
  // Room for what `text_bytes` bytes of text can hold. The finders do not do this themselves:
  // library code compiled for one instruction set could be linked into everything.
  void make_room(size_t text_bytes);
};

struct StructureFinder {
  // Appends what ends in [begin, end), for which `out` has room. Windows are consecutive; `end -
  // begin` is a multiple of 64 except in the last one. text[end] is looked at: what follows a CR
  // decides what the CR is.
  void (*index)(const CsvSymbols& symbols, const char* text, size_t begin, size_t end,
                StructureState* state, StructureIndex* out);
  // Position behind the last row end in a text that starts at a row start; 0 when there is none. A
  // CR in the last byte counts only with `at_end` (its LF may be still to come). The state is that
  // at the end of the text; with `irregular` set the result means nothing.
  size_t (*last_row_end)(const CsvSymbols& symbols, const char* text, size_t size, bool at_end,
                         StructureState* state);
};

// The finder for a level; levels without one of their own use the next lower one.
const StructureFinder& structure_finder(SimdLevel level);

extern const StructureFinder kPortableStructureFinder;
#if defined(__x86_64__)
extern const StructureFinder kAvx2StructureFinder;
#endif

}  // namespace velaria
