// What binary kernels have in common: two columns of one length, either of which may be a constant.
#pragma once

#include "src/column/column.h"

namespace velaria {

// A constant NULL makes every row NULL.
inline bool is_null_constant(const Column& column) {
  return column.is_constant() && column.is_null(0);
}

// The validity that an operand adds to the result's: none of a constant, which is no NULL.
inline Validity operand_validity(const Column& column) {
  return column.is_constant() ? Validity() : column.validity();
}

// out[i] = f(x[i], y[i]) over all slots, valid or not, with a constant on either side kept in a
// register. Not both are constants.
template <typename T, typename F>
void for_rows(const Column& a, const Column& b, int64_t rows, T* out, F f) {
  const T* x = a.values<T>();
  const T* y = b.values<T>();
  if (b.is_constant()) {
    const T right = y[0];
    for (int64_t i = 0; i < rows; ++i) out[i] = f(x[i], right);
  } else if (a.is_constant()) {
    const T left = x[0];
    for (int64_t i = 0; i < rows; ++i) out[i] = f(left, y[i]);
  } else {
    for (int64_t i = 0; i < rows; ++i) out[i] = f(x[i], y[i]);
  }
}

}  // namespace velaria
