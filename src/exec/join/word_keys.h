// Join keys as one 64-bit word each.
//
// Every key column becomes its distance from the smallest value of the build side; several columns
// share the word when their ranges together need at most 64 bits. Equal words are equal keys, so a
// table of words never looks at the columns again, and a small range of words needs no hashing.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "src/column/column.h"

namespace velaria {

class WordKeys {
 public:
  // From the build side's flat key columns; nothing when text is among them or the ranges are too
  // wide together. `null_equals_null`: one for each key.
  static std::optional<WordKeys> make(const std::vector<ColumnPtr>& keys,
                                      const std::vector<bool>& null_equals_null);

  // Words of flat columns of either side. usable[i] is 0 for a row that no build row can be equal
  // to: a value outside of the build side's range, or a NULL that equals nothing.
  void pack(const std::vector<ColumnPtr>& keys, int64_t rows, uint64_t* words,
            uint8_t* usable) const;
  // The same with `none` as the word of a row that is not usable.
  void pack_or(const std::vector<ColumnPtr>& keys, int64_t rows, uint64_t none, uint64_t* words,
               uint8_t* usable_scratch) const;
  // No usable row has a larger one.
  uint64_t max_word() const { return max_word_; }

 private:
  struct Part {
    Int128 least = 0;
    uint64_t range = 0;  // largest distance from `least`
    int shift = 0;
    bool has_values = false;  // false: every build row is NULL here
    bool has_null_code = false;
    uint64_t null_code = 0;
  };

  static void pack_part(const Part& part, const Column& column, int64_t rows, uint64_t* words,
                        uint8_t* usable);

  std::vector<Part> parts_;
  uint64_t max_word_ = 0;
};

}  // namespace velaria
