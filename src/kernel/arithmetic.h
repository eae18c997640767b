// Arithmetic over columns. Operands have the same type, are flat or constant, and of one length.
//
// Integers: int64 and uint64, checked: overflow is a TypeMismatchError that names the two values.
// Division truncates toward zero; dividing by zero gives NULL (also %). Floats follow IEEE 754.
#pragma once

#include "src/column/column.h"

namespace velaria {

enum class ArithmeticOp { kAdd, kSubtract, kMultiply, kDivide, kModulo };
const char* symbol_of(ArithmeticOp op);  // "+", "-", "*", "/" or "%"

// int64, uint64, float64, float32 or decimal128 of one scale (add, subtract). Result type: as
// given.
ColumnPtr arithmetic(ArithmeticOp op, const ColumnPtr& a, const ColumnPtr& b);

// int64 or float64 or decimal.
ColumnPtr negate(const ColumnPtr& a);

// Timestamp or date (as timestamp) plus a multiple of an interval; months are calendar months, the
// day is cut to the month's last.
ColumnPtr add_interval(const ColumnPtr& timestamps, const ColumnPtr& intervals, bool subtract);

}  // namespace velaria
