// Casts of lists, structs and maps: to text, and of lists of floats to vectors.
#pragma once

#include "src/column/column.h"
#include "src/kernel/cast.h"

namespace velaria {

// list<float32>, fixed_size_list<float64>[3] and so on.
bool is_list_of_floats(const DataType& type);

// `column` is flat and nested. Its JSON text. TypeMismatchError for a value that has no text, a
// time of nanoseconds say; kTry: NULL.
ColumnPtr nested_to_text(const Column& column, const DataType& to, CastMode mode);

// `column` is flat and a list of floats, `to` a vector type. TypeMismatchError for a list of
// another length, one with a NULL in it, and a finite float64 beyond float32; kTry: NULL.
ColumnPtr nested_to_vector(const Column& column, const DataType& to, CastMode mode);

}  // namespace velaria
