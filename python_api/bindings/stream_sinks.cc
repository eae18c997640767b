// The stream sinks: realtime, memory, and those made of Python callables.
#include <pybind11/stl.h>

#include <memory>
#include <optional>
#include <utility>

#include "python_api/bindings/bind.h"
#include "python_api/bindings/callback_sink.h"
#include "python_api/bindings/gil.h"
#include "python_api/bindings/python_types.h"
#include "python_api/bindings/rows_to_python.h"
#include "stream/connectors/memory_sink.h"
#include "stream/connectors/realtime_stream_sink.h"

namespace velaria::python {

void bind_stream_sinks(py::module_& module) {
  const py::call_guard<py::gil_scoped_release> unlocked;
  const py::release_gil_before_calling_cpp_dtor dies_unlocked;
  // What the views of one Python object have in common: see stream/exclusive_use.h.
  py::class_<ExclusiveUse, std::shared_ptr<ExclusiveUse>>(module, "ExclusiveUse").def(py::init<>());
  py::class_<StreamSink, std::shared_ptr<StreamSink>>(module, "StreamSink", dies_unlocked)
      .def("describe", [](const StreamSink& sink) { return to_shown_text(sink.describe()); })
      .def("share_exclusive_use", &StreamSink::share_exclusive_use);

  py::class_<MemorySink, StreamSink, std::shared_ptr<MemorySink>>(module, "MemorySink",
                                                                  dies_unlocked)
      .def(py::init<>())
      .def("num_rows", &MemorySink::rows, unlocked)
      .def(
          "collect",
          [](const MemorySink& sink) {
            // The schema comes second: it is there as soon as there are rows.
            std::vector<Chunk> chunks = sink.chunks();
            return RowSet{sink.schema(), std::move(chunks)};
          },
          unlocked)
      .def(
          "batches",
          [](const MemorySink& sink) {
            std::vector<RowSet> out;
            for (auto& chunks : sink.batches()) out.push_back({sink.schema(), std::move(chunks)});
            return out;
          },
          unlocked);

  module.def("console_sink", [](py::object write, int64_t rows) {
    ConsoleOptions options;
    options.most_rows = rows;
    return make_console_sink(python_console_writer(std::move(write)), options);
  });

  py::class_<RealtimeStreamSink, StreamSink, std::shared_ptr<RealtimeStreamSink>>(
      module, "RealtimeStreamSink", dies_unlocked)
      .def(py::init([](int64_t max_batches) {
             RealtimeSinkOptions options;
             options.max_batches = max_batches;
             return std::make_shared<RealtimeStreamSink>(options);
           }),
           py::arg("max_batches"))
      .def(
          "poll",
          [](RealtimeStreamSink& sink, std::optional<int64_t> timeout_ms) -> std::optional<RowSet> {
            auto result = sink.poll(timeout_ms, check_signals);
            if (!result) return std::nullopt;
            return RowSet{std::move(result->schema), std::move(result->chunks)};
          },
          unlocked)
      .def("closed", &RealtimeStreamSink::closed, unlocked)
      .def("stop_reading", &RealtimeStreamSink::stop_reading, unlocked);

  py::class_<PythonSink, StreamSink, std::shared_ptr<PythonSink>>(module, "PythonSink",
                                                                  dies_unlocked)
      .def(py::init([](py::object write, py::object open, py::object flush, py::object checkpoint,
                       py::object close, std::string description, bool blocking) {
             PythonSink::Hooks hooks{std::move(write), std::move(open), std::move(flush),
                                     std::move(checkpoint), std::move(close)};
             return std::make_shared<PythonSink>(std::move(hooks), std::move(description),
                                                 blocking);
           }),
           py::arg("write"), py::kw_only(), py::arg("open") = py::none(),
           py::arg("flush") = py::none(), py::arg("checkpoint") = py::none(),
           py::arg("close") = py::none(), py::arg("description") = "python",
           py::arg("blocking") = true);
}

}  // namespace velaria::python
