// Row masks: which rows of a chunk are chosen, one bit per row in words of 64 rows. Bits behind the
// last row are 0.
#pragma once

#include <cstdint>
#include <vector>

#include "src/column/column.h"
#include "src/kernel/compare.h"

namespace velaria {

using RowMask = std::vector<uint64_t>;

// The rows where a bool column (any encoding) is true.
void mask_true(const ColumnPtr& condition, RowMask* mask);
// The rows where a `op` b is true: as compare() or, for an integer beside a float64,
// compare_mixed() tell, without making their column. False, with `mask` untouched, for types and
// encodings that have no such loop.
bool mask_compare(CompareOp op, const ColumnPtr& a, const ColumnPtr& b, RowMask* mask);

// Row numbers of the mask, ascending.
void mask_rows(const RowMask& mask, std::vector<uint32_t>* rows);
int64_t count_rows(const RowMask& mask);

}  // namespace velaria
