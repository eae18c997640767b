// velaria::StreamingQuery.
#include "stream/streaming_query.h"

#include <pybind11/stl.h>

#include <optional>
#include <string>

#include "python_api/bindings/bind.h"
#include "python_api/bindings/errors.h"
#include "python_api/bindings/gil.h"
#include "python_api/bindings/python_types.h"
#include "python_api/bindings/stream_progress.h"

namespace velaria::python {

void bind_streaming_query(py::module_& module) {
  const py::call_guard<py::gil_scoped_release> unlocked;
  using Query = StreamingQuery;
  py::class_<Query, StreamingQueryPtr>(module, "StreamingQuery",
                                       py::release_gil_before_calling_cpp_dtor())
      .def(
          "start", [](Query& query) { query.start(); }, unlocked)
      .def(
          "await_termination",
          [](Query& query, std::optional<int64_t> timeout_ms) {
            return query.await_termination(timeout_ms, check_signals);
          },
          unlocked)
      .def(
          "stop", [](Query& query, bool drain) { query.stop(drain, check_signals); }, unlocked)
      .def("progress",
           [](const Query& query) {
             return progress_to_dict(without_gil([&] { return query.progress(); }));
           })
      .def("recent_progress",
           [](const Query& query) {
             py::list out;
             for (const BatchProgress& batch :
                  without_gil([&] { return query.recent_progress(); })) {
               out.append(batch_to_dict(batch));
             }
             return out;
           })
      .def("snapshot_json",
           [](const Query& query) {
             return to_shown_text(without_gil([&] { return query.snapshotJson(); }));
           })
      .def(
          "status",
          [](const Query& query) { return std::string(stream_status_name(query.status())); },
          unlocked)
      .def("query_id", [](const Query& query) { return query.query_id(); })
      .def(
          "ended", [](const Query& query) { return query.ended(); }, unlocked)
      .def("warnings",
           [](const Query& query) {
             py::list out;
             for (const std::string& warning : without_gil([&] { return query.warnings(); })) {
               out.append(to_python_text(warning));
             }
             return out;
           })
      .def("exception",
           [](const Query& query) -> py::object {
             const std::exception_ptr failure = without_gil([&] { return query.exception(); });
             if (!failure) return py::none();
             try {
               std::rethrow_exception(failure);
             } catch (const Error& error) {
               return make_exception(error);
             }
           })
      .def("explain", [](const Query& query) {
        return to_shown_text(without_gil([&] { return query.explain(); }));
      });
}

}  // namespace velaria::python
