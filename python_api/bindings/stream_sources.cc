// The realtime stream source. Other sources are made by the session.
#include <pybind11/stl.h>

#include <memory>
#include <string>

#include "python_api/bindings/arrow_capsules.h"
#include "python_api/bindings/bind.h"
#include "python_api/bindings/gil.h"
#include "python_api/bindings/python_types.h"
#include "python_api/bindings/rows_from_python.h"
#include "stream/connectors/realtime_stream_source.h"

namespace velaria::python {

void bind_stream_sources(py::module_& module) {
  const py::call_guard<py::gil_scoped_release> unlocked;
  using Source = RealtimeStreamSource;
  py::class_<Source, std::shared_ptr<Source>>(module, "RealtimeStreamSource",
                                              py::release_gil_before_calling_cpp_dtor())
      .def(py::init([](py::handle schema, int64_t max_batches, int64_t max_rows,
                       const std::string& policy) {
             RealtimeSourceOptions options;
             options.max_batches = max_batches;
             options.max_rows = max_rows;
             options.policy = push_policy_from_name(policy);
             return std::make_shared<Source>(schema_from_python(schema, true), options);
           }),
           py::arg("schema"), py::kw_only(), py::arg("max_batches"), py::arg("max_rows"),
           py::arg("policy"))
      .def("schema", [](const Source& source) { return schema_to_python(source.schema()); })
      .def("__arrow_c_schema__",
           [](const Source& source) { return schema_capsule(source.schema()); })
      .def("push_arrow",
           [](Source& source, py::handle data) {
             const ArrowArrayStream stream = take_arrow_stream(data);
             without_gil(
                 [&] { source.push(chunks_from_arrow(source.schema(), stream), check_signals); });
           })
      .def("push_rows",
           [](Source& source, py::handle rows) {
             Chunk chunk = rows_from_python(source.schema(), rows);
             without_gil([&] {
               std::vector<Chunk> chunks;
               if (chunk.rows > 0) chunks.push_back(std::move(chunk));
               source.push(std::move(chunks), check_signals);
             });
           })
      .def("close", &Source::close_input, unlocked)
      .def("closed", &Source::input_closed, unlocked)
      .def("queued_batches", &Source::queued_batches, unlocked)
      .def("dropped_batches", &Source::dropped_batches, unlocked);
}

}  // namespace velaria::python
