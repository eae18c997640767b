// Values on their way into a table's column, as SQL assigns them.
#pragma once

#include "src/column/column.h"
#include "src/column/schema.h"

namespace velaria {

// `values` as the column's type. TypeMismatchError naming the column and the first value that would
// not be the same afterwards: out of range, a fraction for an integer, a time of day for a date. A
// float or a decimal may be rounded to the nearest float, for that is what floats are. Text is read
// as by CAST.
ColumnPtr assign_values(const ColumnPtr& values, const Field& column);

}  // namespace velaria
