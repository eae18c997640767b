// Functions over text. Lengths and positions count Unicode code points.
#pragma once

#include <string_view>

#include "src/column/column.h"

namespace velaria {

int64_t count_code_points(std::string_view text);
// The bytes of code points [first, first + count) counted from 0; both clipped to the text.
std::string_view code_point_slice(std::string_view text, int64_t first, int64_t count);

// SQL LIKE: % is any run of code points, _ one code point, `escape` ('\0': none) takes the next
// pattern character literally. Linear in text times pattern at worst. `ignore_case` folds ASCII.
bool matches_like(std::string_view text, std::string_view pattern, char escape, bool ignore_case);

// ASCII letters only; other code points stay as they are.
ColumnPtr lower_text(const ColumnPtr& text);
ColumnPtr upper_text(const ColumnPtr& text);

}  // namespace velaria
