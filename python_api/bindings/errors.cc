#include "python_api/bindings/errors.h"

#include <array>
#include <string>

#include "python_api/bindings/python_types.h"

namespace velaria::python {

namespace py = pybind11;

namespace {

struct ErrorClass {
  ErrorKind kind;
  PyObject* builtin;  // what a Python user would catch; null: only velaria.Error
  const char* doc;
};

constexpr size_t kKinds = static_cast<size_t>(ErrorKind::kInternal) + 1;

// Borrowed from the module, which lives as long as the process: extension modules are not unloaded.
std::array<PyObject*, kKinds>& classes() {
  static std::array<PyObject*, kKinds> by_kind{};
  return by_kind;
}

py::object new_class(const std::string& name, const char* doc, const py::tuple& bases) {
  PyObject* made =
      PyErr_NewExceptionWithDoc(("velaria." + name).c_str(), doc, bases.ptr(), nullptr);
  if (made == nullptr) throw py::error_already_set();
  return py::reinterpret_steal<py::object>(made);
}

}  // namespace

py::object make_exception(const Error& error) {
  const py::handle error_class = classes()[static_cast<size_t>(error.kind())];
  // Messages may show bytes of a foreign file; they must not fail the failure.
  return error_class(to_shown_text(error.message()));
}

void bind_errors(py::module_& module) {
  const ErrorClass all[] = {
      {ErrorKind::kSqlSyntax, PyExc_ValueError, "The text is not SQL."},
      {ErrorKind::kSqlSemantic, PyExc_ValueError,
       "The SQL names or combines things that do not fit."},
      {ErrorKind::kSqlUnsupported, PyExc_ValueError, "SQL that Velaria refuses by name."},
      {ErrorKind::kCatalog, PyExc_KeyError, "No such table, view or sink."},
      {ErrorKind::kTableKind, PyExc_ValueError,
       "The table exists but cannot be used that way: a sink read, a stream collected."},
      {ErrorKind::kFileAccess, PyExc_OSError, "A file is missing, unreadable or unwritable."},
      {ErrorKind::kFileFormat, PyExc_ValueError, "A file does not hold what it should."},
      {ErrorKind::kTypeMismatch, PyExc_TypeError,
       "A value or column of the wrong type, an overflow, or a failed cast."},
      {ErrorKind::kInvalidArgument, PyExc_ValueError, "A bad argument of a call."},
      {ErrorKind::kResource, PyExc_MemoryError, "Memory or another limit is used up."},
      {ErrorKind::kCheckpoint, PyExc_OSError, "A torn, foreign or unwritable checkpoint."},
      {ErrorKind::kStream, PyExc_RuntimeError, "A running stream failed."},
      {ErrorKind::kCancelled, nullptr, "The query was asked to stop."},
      {ErrorKind::kInternal, PyExc_RuntimeError, "A defect in Velaria; please report it."},
  };
  const py::handle plain = PyExc_Exception;
  const py::object base =
      new_class("Error", "Base of all errors that Velaria raises.", py::make_tuple(plain));
  // KeyError shows its text in quotes; ours are sentences.
  base.attr("__str__") = py::handle(PyExc_BaseException).attr("__str__");
  module.add_object("Error", base);
  for (const ErrorClass& entry : all) {
    const std::string name(error_kind_name(entry.kind));
    py::list bases;
    bases.append(base);
    if (entry.builtin != nullptr) bases.append(py::handle(entry.builtin));
    const py::object made = new_class(name, entry.doc, py::tuple(bases));
    module.add_object(name.c_str(), made);
    classes()[static_cast<size_t>(entry.kind)] = made.ptr();
  }
  py::register_exception_translator([](std::exception_ptr failure) {
    try {
      if (failure) std::rethrow_exception(failure);
    } catch (const Error& error) {
      const py::object exception = make_exception(error);
      PyErr_SetObject(py::type::handle_of(exception).ptr(), exception.ptr());
    }
  });
}

}  // namespace velaria::python
