// Whether an Arrow array has the buffers and children that its layout asks for: internal to this
// room.
#pragma once

#include <string_view>

#include "src/column/arrow/c_data.h"
#include "src/column/arrow/format.h"

namespace velaria {

// InvalidArgumentError: the array breaks Arrow's rules.
[[noreturn]] void malformed_array(const ArrowFormat& format, std::string_view what);

// Looks at one node, not at its children. An array of no rows may come without anything.
void check_array_shape(const ArrowFormat& format, const ArrowArray& array);

bool has_validity(ArrowLayout layout);

}  // namespace velaria
