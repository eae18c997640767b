// Columns as dictionaries and as run ends with values. Internal to this room.
#pragma once

#include <memory>
#include <string_view>

#include "src/column/arrow/c_data.h"

namespace velaria {

// Whether a column that goes out in this format can be coded: texts, binary, bool, and values of
// one width.
bool can_be_coded(std::string_view own);

// `column`, which is or lies in `source`, of the format `own`: indices of the format `indices` into
// the different values in the order in which they come, laid out as `wanted`. Values are the same
// when their bytes are. TypeMismatchError when there are more values than the indices can count.
void lay_out_dictionary(const std::shared_ptr<ArrowArray>& source, const ArrowArray& column,
                        std::string_view own, char indices, std::string_view wanted,
                        ArrowArray* out);

// The same as runs of equal values, with ends of the format `ends` ('s', 'i', 'l'). Shares nothing.
// TypeMismatchError when the ends cannot count the rows.
void lay_out_runs(const ArrowArray& column, std::string_view own, char ends,
                  std::string_view wanted, ArrowArray* out);

}  // namespace velaria
