// Checked casts between column types.
//
// A value that the target cannot hold is a TypeMismatchError naming the value and both types, or
// NULL with CastMode::kTry. Rounding happens only where SQL says so: float to integer rounds half
// to even, a finer timestamp is cut down to a coarser unit, a decimal rounds half away from zero.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "src/column/column.h"

namespace velaria {

enum class CastMode { kStrict, kTry };

bool can_cast(const DataType& from, const DataType& to);

// Flat or constant in, the same encoding out.
ColumnPtr cast(const ColumnPtr& column, const DataType& to, CastMode mode = CastMode::kStrict);

// The numbers of "[1 2 3]" or "[1, 2, 3]"; nothing when the text is not of this form or a number is
// beyond float32.
std::optional<std::vector<float>> parse_vector(std::string_view text);

// One value; for literals.
Value cast_value(const Value& value, const DataType& to);

}  // namespace velaria
