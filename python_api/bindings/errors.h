// velaria::Error as Python exceptions, one class a kind.
#pragma once

#include <pybind11/pybind11.h>

#include "src/base/error.h"

namespace velaria::python {

// Makes the classes, puts them into `module` and registers the translation.
void bind_errors(pybind11::module_& module);

// The exception object for an error. The caller holds the lock.
pybind11::object make_exception(const Error& error);

}  // namespace velaria::python
