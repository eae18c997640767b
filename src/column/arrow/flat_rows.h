// Chosen rows of a column of any encoding, as a flat column: what Arrow's plain layouts need.
//
// The execution engine has faster take kernels of its own; this room lies below them.
#pragma once

#include <cstdint>

#include "src/column/column.h"

namespace velaria {

// Rows rows[0..count) of `column`, or its first `count` rows when `rows` is null. The result is
// flat (a column of the null type stays the constant it always is); a flat column without `rows` is
// sliced, not copied. Strings are not copied: the result shares the column's owners.
ColumnPtr flat_rows(const ColumnPtr& column, const uint32_t* rows, int64_t count);

}  // namespace velaria
