// Join keys of any types and number as they lie in their columns: hashing them column by column,
// and comparing two rows.
#pragma once

#include <cstdint>
#include <vector>

#include "src/column/column.h"

namespace velaria {

// hashes[i] of row i of flat columns; equal keys have equal hashes, and NULL equals NULL. usable[i]
// is 0 for a row with a NULL in a key where NULL equals nothing.
void hash_key_rows(const std::vector<ColumnPtr>& keys, const std::vector<bool>& null_equals_null,
                   int64_t rows, uint64_t* hashes, uint8_t* usable);

// Keys of fixed width, row by row instead of column by column: comparing two rows touches one place
// of each side. Equal keys, and only those, are equal words.
class FixedKeyRows {
 public:
  // 0 when some key is text or a vector, or when NULL equals NULL somewhere.
  static size_t words_per_row(const std::vector<ColumnPtr>& keys,
                              const std::vector<bool>& null_equals_null);
  // words[row * words_per_row ...] of flat columns; a row with a NULL gets anything.
  static void pack(const std::vector<ColumnPtr>& keys, int64_t rows, size_t words_per_row,
                   uint64_t* words);
};

// Compares rows of two sets of flat key columns of the same types; NULL equals NULL. The columns
// outlive it.
class KeyRowsEqual {
 public:
  KeyRowsEqual(const std::vector<ColumnPtr>& a, const std::vector<ColumnPtr>& b);
  bool operator()(int64_t a_row, int64_t b_row) const {
    for (const Pair& pair : pairs_) {
      if (!pair.equal(*pair.a, a_row, *pair.b, b_row)) return false;
    }
    return true;
  }

 private:
  using Equal = bool (*)(const Column& a, int64_t a_row, const Column& b, int64_t b_row);
  struct Pair {
    const Column* a;
    const Column* b;
    Equal equal;
  };
  std::vector<Pair> pairs_;
};

}  // namespace velaria
