// Who holds Python's lock, and when.
//
// Everything in the kernel that can take time runs without it; every call from the kernel back into
// Python takes it. Objects that own a Python reference and may die on a kernel thread keep it in a
// PythonReference.
#pragma once

#include <pybind11/pybind11.h>

#include <utility>

namespace velaria::python {

namespace py = pybind11;

// Runs `work` with the lock given up; the caller holds it.
template <typename Work>
auto without_gil(Work&& work) {
  const py::gil_scoped_release released;
  return std::forward<Work>(work)();
}

// For the kernel's waiting threads, which hold no lock: a pending Ctrl-C becomes a C++ exception
// that carries the KeyboardInterrupt. Elsewhere than on Python's main thread it does nothing.
void check_signals();

// A Python object that any thread may destroy.
class PythonReference {
 public:
  explicit PythonReference(py::object object) : object_(std::move(object)) {}
  ~PythonReference();
  PythonReference(const PythonReference&) = delete;
  PythonReference& operator=(const PythonReference&) = delete;

  // The caller holds the lock.
  const py::object& get() const { return object_; }

 private:
  py::object object_;
};

}  // namespace velaria::python
