// Order-by columns as byte strings whose memcmp order is the wanted order.
//
// Per column: one byte for NULL, then the value with its sign flipped and bytes in big-endian
// order; text is escaped and ended by 0x00 0x00, so a shorter text is before a longer one that
// begins with it; everything but the NULL byte is inverted for DESC. Floats: NaN above +inf, -0.0
// equals 0.0.
#pragma once

#include <string>
#include <vector>

#include "src/column/column.h"

namespace velaria {

struct SortOrder {
  bool descending = false;
  bool nulls_first = false;
};

// Keys of `rows` rows, appended one after the other to `bytes`; key i ends at (*ends)[i].
void encode_sort_keys(const std::vector<ColumnPtr>& columns, const std::vector<SortOrder>& orders,
                      int64_t rows, std::string* bytes, std::vector<uint64_t>* ends);

}  // namespace velaria
