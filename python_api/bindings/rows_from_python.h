// Python rows on their way in.
#pragma once

#include <pybind11/pybind11.h>

#include <vector>

#include "src/column/arrow/c_data.h"
#include "src/column/chunk.h"
#include "src/column/schema.h"

namespace velaria::python {

// A list of dicts (a missing key is NULL) or of sequences of the schema's length as one chunk.
// Values go in exactly or not at all: TypeMismatchError names row, column, value and type.
Chunk rows_from_python(const Schema& schema, pybind11::handle rows);

// Arrow data as chunks of `schema`. Columns are found by name; their types must be equal. Takes the
// stream over. Called without the lock.
std::vector<Chunk> chunks_from_arrow(const Schema& schema, ArrowArrayStream stream);

}  // namespace velaria::python
