// Comparing values: one written order for every path.
//
// NaN equals itself and is above +inf; -0.0 equals 0.0; text is ordered by its bytes; false < true.
#pragma once

#include <cmath>
#include <vector>

#include "src/column/column.h"

namespace velaria {

enum class CompareOp { kEqual, kNotEqual, kLess, kLessEqual, kGreater, kGreaterEqual };

// <0, 0, >0
template <typename T>
int compare_values(const T& a, const T& b) {
  if constexpr (std::is_floating_point_v<T>) {
    const bool a_nan = std::isnan(a);
    const bool b_nan = std::isnan(b);
    if (a_nan || b_nan) return static_cast<int>(a_nan) - static_cast<int>(b_nan);
  }
  return a < b ? -1 : (b < a ? 1 : 0);
}
inline int compare_values(const StringView& a, const StringView& b) { return a.compare(b); }
int compare_values(const Interval& a, const Interval& b);
// Exact: the integer is never rounded.
int compare_int64_float64(int64_t a, double b);
int compare_uint64_float64(uint64_t a, double b);

// bool column: NULL where an operand is NULL. Operands: same type, flat or constant, same length.
ColumnPtr compare(CompareOp op, const ColumnPtr& a, const ColumnPtr& b);
// The same for int64 or uint64 against float64.
ColumnPtr compare_mixed(CompareOp op, const ColumnPtr& integers, const ColumnPtr& floats);

CompareOp swap_operands(CompareOp op);

// IS [NOT] DISTINCT FROM: never NULL.
ColumnPtr is_distinct(const ColumnPtr& a, const ColumnPtr& b, bool negated);

// Order of two rows of flat columns of one type, both not NULL.
int compare_rows(const Column& a, int64_t a_row, const Column& b, int64_t b_row);

// The rows where a bool column is true.
void select_true(const Column& condition, std::vector<uint32_t>* rows);

}  // namespace velaria
