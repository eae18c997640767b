// Types and schemas as Python says them.
#pragma once

#include <pybind11/pybind11.h>

#include <string>
#include <string_view>
#include <vector>

#include "src/column/schema.h"

namespace velaria::python {

// A type's name ("int64", "timestamp", "decimal(10, 2)"), a pyarrow type (anything with
// __arrow_c_schema__), or one of bool, int, float, str, bytes, date, time, datetime, timedelta.
DataType type_from_python(pybind11::handle object);

// A pyarrow.Schema (anything with __arrow_c_schema__), {name: type}, or a list of (name, type).
// With `bare_names` a list of names too: their columns are utf8.
Schema schema_from_python(pybind11::handle object, bool bare_names);

// [(name, type name)].
pybind11::list schema_to_python(const Schema& schema);

// Names and texts that come from files and producers: bytes that are no UTF-8 come back as they
// were when Python gives them to a file or to us.
pybind11::str to_python_text(std::string_view text);
// Texts for people (plans, reports, errors), which can be printed anywhere: such bytes become
// U+FFFD.
pybind11::str to_shown_text(std::string_view text);

}  // namespace velaria::python
