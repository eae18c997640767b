// A column of lists, structs or maps as the arrays of its nodes.
#pragma once

#include "src/column/column.h"
#include "src/column/nested_array.h"

namespace velaria {

// `column` is flat and nested; it outlives the result, which points at its type.
NestedArray decode_nested_column(const Column& column);

}  // namespace velaria
