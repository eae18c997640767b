// Calls from a kernel thread into what a program wrote in Python.
#pragma once

#include <pybind11/pybind11.h>

#include <string>
#include <utility>

#include "python_api/bindings/gil.h"
#include "src/base/error.h"
#include "src/base/text.h"

namespace velaria::python {

// str(object) as UTF-8, whatever is in it. With the lock held.
inline std::string text_of_python(const py::object& object) {
  try {
    const py::object bytes = py::str(object).attr("encode")("utf-8", "backslashreplace");
    return py::cast<std::string>(bytes);
  } catch (const py::error_already_set&) {
    return "(its text cannot be had)";
  }
}

// Where in the program it was raised: " (in FILE, line N)", the innermost place that is not in this
// package; nothing when there is none. With the lock held.
inline std::string place_of_python(const py::error_already_set& raised) {
  std::string place;
  py::object step = raised.trace() ? py::object(raised.trace()) : py::none();
  for (; !step.is_none(); step = step.attr("tb_next")) {
    const py::object frame = step.attr("tb_frame");
    const py::object module = frame.attr("f_globals").attr("get")("__name__");
    const std::string name = py::str(module);
    if (name == "velaria" || name.rfind("velaria.", 0) == 0) continue;
    place = concat(" (in ", text_of_python(frame.attr("f_code").attr("co_filename")), ", line ",
                   py::cast<int>(step.attr("tb_lineno")), ")");
  }
  return place;
}

// What Python raised, as an Error with its text: the kernel keeps no Python objects, since the
// query may fail long after this thread is gone. `who` is what it raised in: "function f". With the
// lock held.
inline Error error_of_python(ErrorKind kind, const std::string& who,
                             const py::error_already_set& raised) {
  const std::string name = py::cast<std::string>(raised.type().attr("__name__"));
  return Error(kind, concat(who, " raised ", name, ": ", text_of_python(raised.value()),
                            place_of_python(raised)));
}

// Takes the lock and runs call(hook), unless the hook is None, for a method of a source or sink.
template <typename Call>
void call_python(const std::string& who, const char* method, const PythonReference& hook,
                 Call&& call) {
  const py::gil_scoped_acquire held;
  if (hook.get().is_none()) return;
  try {
    std::forward<Call>(call)(hook.get());
  } catch (const py::error_already_set& raised) {
    throw error_of_python(ErrorKind::kStream, concat(method, "() of the ", who), raised);
  }
}

}  // namespace velaria::python
