#include "python_api/bindings/gil.h"

namespace velaria::python {

namespace {

bool interpreter_is_going() {
#if PY_VERSION_HEX >= 0x030D0000
  return Py_IsFinalizing() != 0;
#else
  return _Py_IsFinalizing() != 0;
#endif
}

}  // namespace

void check_signals() {
  const py::gil_scoped_acquire held;
  if (PyErr_CheckSignals() != 0) throw py::error_already_set();
}

PythonReference::~PythonReference() {
  // A thread that asks for the lock of a finalizing interpreter never comes back.
  if (Py_IsInitialized() == 0 || interpreter_is_going()) {
    object_.release();
    return;
  }
  const py::gil_scoped_acquire held;
  object_ = py::object();
}

}  // namespace velaria::python
