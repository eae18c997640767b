// The values of a column in other buffers. Internal to this room.
#pragma once

#include <memory>
#include <string_view>

#include "src/column/arrow/c_data.h"

namespace velaria {

// Whether a column that goes out in the format `own` can be given in the format `wanted`; always
// when they are the same.
bool has_layout(std::string_view own, std::string_view wanted);

// `column`, which is or lies in `source`, of the format `own`, in the format `wanted`. Rows stay in
// their places, also those before the array's offset, so that the validity bits are shared.
// TypeMismatchError with the value for one that `wanted` cannot hold unchanged; what stands in the
// place of a NULL is not looked at.
void lay_out_values(const std::shared_ptr<ArrowArray>& source, const ArrowArray& column,
                    std::string_view own, std::string_view wanted, ArrowArray* out);

}  // namespace velaria
