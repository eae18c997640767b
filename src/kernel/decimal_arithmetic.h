// Exact arithmetic over decimal128 columns; nothing passes through a double.
//
// With operands decimal(p1, s1) and decimal(p2, s2), w = p - s the digits before the point:
//   + -  scale max(s1, s2), max(w1, w2) + 1 digits before the point
//   *    scale s1 + s2, w1 + w2 digits before the point
//   /    scale max(6, s1 + p2 + 1), w1 + s2 digits before the point
//   %    scale max(s1, s2), min(w1, w2) digits before the point; the sign of the left side
// Where that asks for more than 38 digits: sums keep their scale; a product keeps its scale up to
// 38, above it and for quotients the scale shrinks until the digits before the point have room, but
// not below 6. (The rule of quotients is that of SQL Server and Spark.) What is cut is rounded half
// away from zero. A result that needs more digits than its type has is a TypeMismatchError naming
// the values. Division and modulo by zero give NULL.
#pragma once

#include "src/column/column.h"
#include "src/kernel/arithmetic.h"
#include "src/kernel/compare.h"

namespace velaria {

DataType decimal_result_type(ArithmeticOp op, const DataType& a, const DataType& b);

// Operands are flat or constant, of one length, of any precision and scale. `result` is what
// decimal_result_type() says.
ColumnPtr decimal_arithmetic(ArithmeticOp op, const ColumnPtr& a, const ColumnPtr& b,
                             const DataType& result);

// Compares decimals of any two scales exactly.
int compare_decimals(Int128 a, int a_scale, Int128 b, int b_scale);
ColumnPtr compare_decimals(CompareOp op, const ColumnPtr& a, const ColumnPtr& b);

}  // namespace velaria
