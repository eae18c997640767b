// velaria::StreamingQuery.
#include "stream/streaming_query.h"

#include <pybind11/stl.h>

#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "python_api/bindings/bind.h"
#include "python_api/bindings/errors.h"
#include "python_api/bindings/gil.h"
#include "python_api/bindings/python_types.h"
#include "python_api/bindings/query_handle.h"
#include "python_api/bindings/stream_progress.h"

namespace velaria::python {

QueryHandle::~QueryHandle() {
  if (!query_ || query_.use_count() > 1) return;
  try {
    query_->stop();
  } catch (...) {
    // A destructor has nobody to tell; the query joins its threads in any case.
  }
  // Python's garbage collector may run us inside the query's own sink, source or listener: that
  // thread cannot join itself, so somebody else waits for it.
  if (query_->status() != StreamStatus::kCreated && !query_->ended()) {
    std::thread([last = std::move(query_)]() mutable { last.reset(); }).detach();
  }
}

void bind_streaming_query(py::module_& module) {
  const py::call_guard<py::gil_scoped_release> unlocked;
  using Handle = QueryHandle;
  py::class_<Handle>(module, "StreamingQuery", py::release_gil_before_calling_cpp_dtor())
      .def(
          "start", [](const Handle& handle) { handle->start(); }, unlocked)
      .def(
          "await_termination",
          [](const Handle& handle, std::optional<int64_t> timeout_ms) {
            return handle->await_termination(timeout_ms, check_signals);
          },
          unlocked)
      .def(
          "stop", [](const Handle& handle, bool drain) { handle->stop(drain, check_signals); },
          unlocked)
      .def("progress",
           [](const Handle& handle) {
             return progress_to_dict(without_gil([&] { return handle->progress(); }));
           })
      .def("recent_progress",
           [](const Handle& handle) {
             py::list out;
             for (const BatchProgress& batch :
                  without_gil([&] { return handle->recent_progress(); })) {
               out.append(batch_to_dict(batch));
             }
             return out;
           })
      .def("snapshot_json",
           [](const Handle& handle) {
             return to_shown_text(without_gil([&] { return handle->snapshotJson(); }));
           })
      .def(
          "status",
          [](const Handle& handle) { return std::string(stream_status_name(handle->status())); },
          unlocked)
      .def("query_id", [](const Handle& handle) { return handle->query_id(); })
      .def(
          "ended", [](const Handle& handle) { return handle->ended(); }, unlocked)
      .def("warnings",
           [](const Handle& handle) {
             py::list out;
             for (const std::string& warning : without_gil([&] { return handle->warnings(); })) {
               out.append(to_python_text(warning));
             }
             return out;
           })
      .def("exception",
           [](const Handle& handle) -> py::object {
             const std::exception_ptr failure = without_gil([&] { return handle->exception(); });
             if (!failure) return py::none();
             try {
               std::rethrow_exception(failure);
             } catch (const Error& error) {
               return make_exception(error);
             }
           })
      .def("explain", [](const Handle& handle) {
        return to_shown_text(without_gil([&] { return handle->explain(); }));
      });
}

}  // namespace velaria::python
