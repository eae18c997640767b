// Columns that JSON writes in a way of its own: vectors and binary.
#pragma once

#include <memory>

#include "src/io/csv/csv_decode.h"

namespace velaria {

// fixed_size_list<float32>: arrays of as many numbers as the type has, [1, 2.5, "nan"]. binary: a
// string of hexadecimal digits behind \x, as JsonWriter writes it, else the bytes of the text.
// Other types: ColumnDecoder::make().
std::unique_ptr<ColumnDecoder> make_json_decoder(const DataType& type, TypeOrigin origin);

}  // namespace velaria
