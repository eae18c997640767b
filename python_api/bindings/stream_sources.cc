// The realtime stream source, and sources made of Python callables. Other sources are made by the
// session.
#include <pybind11/stl.h>

#include <memory>
#include <string>

#include "python_api/bindings/arrow_capsules.h"
#include "python_api/bindings/bind.h"
#include "python_api/bindings/callback_source.h"
#include "python_api/bindings/gil.h"
#include "python_api/bindings/python_types.h"
#include "python_api/bindings/rows_from_python.h"
#include "python_api/bindings/rows_to_python.h"
#include "stream/connectors/realtime_stream_source.h"

namespace velaria::python {

namespace {

struct RowReader {
  Schema schema;
};

}  // namespace

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
      // A batch that is made, but not yet pushed.
      .def("batch_from_arrow",
           [](const Source& source, py::handle data) {
             const ArrowArrayStream stream = take_arrow_stream(data);
             return without_gil([&] {
               return RowSet{source.schema(), chunks_from_arrow(source.schema(), stream)};
             });
           })
      .def("batch_from_rows",
           [](const Source& source, py::handle rows) {
             RowSet batch{source.schema(), {}};
             Chunk chunk = rows_from_python(source.schema(), rows);
             if (chunk.rows > 0) batch.chunks.push_back(std::move(chunk));
             return batch;
           })
      .def(
          "try_push",
          [](Source& source, const RowSet& batch) { return source.try_push(batch.chunks); },
          unlocked)
      .def("close", &Source::close_input, unlocked)
      .def("closed", &Source::input_closed, unlocked)
      .def("queued_batches", &Source::queued_batches, unlocked)
      .def("dropped_batches", &Source::dropped_batches, unlocked);

  using Python = PythonSource;
  py::class_<Python, std::shared_ptr<Python>>(module, "PythonSource",
                                              py::release_gil_before_calling_cpp_dtor())
      .def(py::init([](py::handle schema, py::object next, py::object open, py::object checkpoint,
                       py::object ack, py::object restore, py::object close, py::object wake,
                       py::object drain, bool bounded, std::string description) {
             Python::Hooks hooks{std::move(next), std::move(open),    std::move(checkpoint),
                                 std::move(ack),  std::move(restore), std::move(close),
                                 std::move(wake), std::move(drain)};
             return std::make_shared<Python>(schema_from_python(schema, true), std::move(hooks),
                                             bounded, std::move(description));
           }),
           py::arg("schema"), py::arg("next"), py::kw_only(), py::arg("open") = py::none(),
           py::arg("checkpoint") = py::none(), py::arg("ack") = py::none(),
           py::arg("restore") = py::none(), py::arg("close") = py::none(),
           py::arg("wake") = py::none(), py::arg("drain") = py::none(), py::arg("bounded"),
           py::arg("description"))
      .def("share_exclusive_use", &Python::share_exclusive_use);

  // What a Python source makes its batches with. It has no callbacks, so that the source may keep
  // it without keeping itself.
  using Reader = RowReader;
  py::class_<Reader>(module, "RowReader")
      .def(py::init([](py::handle schema) { return Reader{schema_from_python(schema, true)}; }),
           py::arg("schema"))
      .def("schema", [](const Reader& reader) { return schema_to_python(reader.schema); })
      .def("__arrow_c_schema__", [](const Reader& reader) { return schema_capsule(reader.schema); })
      .def("from_rows",
           [](const Reader& reader, py::handle rows) {
             Chunk chunk = rows_from_python(reader.schema, rows);
             return RowSet{reader.schema, {std::move(chunk)}};
           })
      .def("from_arrow", [](const Reader& reader, py::handle data) {
        return RowSet{reader.schema, chunks_from_python(reader.schema, data)};
      });
}

}  // namespace velaria::python
