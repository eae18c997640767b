// A file that the session lets its program read: the way of readers written in Python.
#include "python_api/bindings/bind.h"
#include "python_api/bindings/gil.h"
#include "src/base/file_system.h"
#include "src/session/dataflow_session.h"

namespace velaria::python {

namespace {

py::bytes read_bytes(const ReadableFile& file, uint64_t offset, size_t size_bytes) {
  auto out = py::reinterpret_steal<py::bytes>(
      PyBytes_FromStringAndSize(nullptr, static_cast<Py_ssize_t>(size_bytes)));
  if (!out) throw py::error_already_set();
  char* bytes = PyBytes_AS_STRING(out.ptr());
  const size_t got = without_gil([&] { return file.read_at(offset, bytes, size_bytes); });
  if (got == size_bytes) return out;
  return py::bytes(bytes, got);
}

}  // namespace

void bind_readable_file(py::module_& module) {
  py::class_<ReadableFile>(module, "ReadableFile", py::release_gil_before_calling_cpp_dtor())
      .def(py::init([](const DataflowSession& session, const std::string& path) {
             return without_gil([&] { return session.open_file(path); });
           }),
           py::arg("session"), py::arg("path"))
      .def_property_readonly("size_bytes", &ReadableFile::size_bytes)
      .def("read_at", &read_bytes, py::arg("offset"), py::arg("size_bytes"));
}

}  // namespace velaria::python
