// velaria::DataFrame.
#include "src/session/data_frame.h"

#include <pybind11/stl.h>

#include <functional>
#include <optional>

#include "python_api/bindings/arrow_capsules.h"
#include "python_api/bindings/bind.h"
#include "python_api/bindings/gil.h"
#include "python_api/bindings/python_types.h"
#include "python_api/bindings/rows_to_python.h"
#include "src/base/error.h"
#include "src/session/query_monitor.h"

namespace velaria::python {

namespace {

using Texts = std::vector<std::string>;

py::object progress_value(const std::string& text) { return to_python_text(text); }
template <typename Number>
py::object progress_value(Number number) {
  return py::cast(number);
}

// A consumer may pull a batch with Python's lock held, which the kernel's threads may need. An
// error of Python cannot pass through Arrow's C interface: Ctrl-C is left for the interpreter to
// raise again, as soon as the consumer is back in it.
void around_batch(const std::function<void()>& work) {
  std::optional<py::gil_scoped_release> released;
  if (PyGILState_Check() != 0) released.emplace();
  try {
    work();
  } catch (const py::error_already_set& raised) {
    const py::gil_scoped_acquire held;
    if (!raised.matches(PyExc_KeyboardInterrupt)) throw;
    PyErr_SetInterrupt();
    throw Error(ErrorKind::kCancelled, "the query was interrupted by Ctrl-C");
  }
}

py::dict operator_to_dict(const OperatorProfile& profile) {
  py::dict out;
  out["name"] = to_python_text(profile.name);
  out["rows"] = profile.rows;
  out["chunks"] = profile.chunks;
  out["bytes"] = profile.bytes;
  out["time_ms"] = profile.time_ms;
  out["peak_memory_bytes"] = profile.peak_memory_bytes;
  out["spilled_bytes"] = profile.spilled_bytes;
  out["tasks"] = profile.tasks;
  py::list children;
  for (const OperatorProfile& child : profile.children) children.append(operator_to_dict(child));
  out["children"] = std::move(children);
  return out;
}

py::dict profile_to_dict(const QueryProfile& profile) {
  py::dict out;
  out["rows"] = profile.rows;
  out["planning_ms"] = profile.planning_ms;
  out["execution_ms"] = profile.execution_ms;
  out["threads"] = profile.threads;
  out["peak_memory_bytes"] = profile.peak_memory_bytes;
  out["operators"] = operator_to_dict(profile.root);
  py::list pipelines;
  for (const PipelineTiming& pipeline : profile.pipelines) {
    py::dict timing;
    timing["description"] = to_python_text(pipeline.description);
    timing["wall_ms"] = pipeline.wall_ms;
    timing["tasks"] = pipeline.tasks;
    pipelines.append(std::move(timing));
  }
  out["pipelines"] = std::move(pipelines);
  return out;
}

}  // namespace

void bind_data_frame(py::module_& module) {
  const py::call_guard<py::gil_scoped_release> unlocked;
  py::class_<QueryMonitor>(module, "QueryMonitor")
      .def(py::init<>())
      .def("cancel", &QueryMonitor::cancel)
      .def("progress",
           [](const QueryMonitor& monitor) {
             py::dict out;
             visit_progress(monitor.progress(), [&out](const char* name, const auto& value) {
               out[name] = progress_value(value);
             });
             return out;
           })
      .def("snapshot_json", &QueryMonitor::snapshotJson);
  py::class_<DataFrame>(module, "DataFrame", py::release_gil_before_calling_cpp_dtor())
      .def("schema", [](const DataFrame& frame) { return schema_to_python(frame.schema()); })
      .def("__arrow_c_schema__",
           [](const DataFrame& frame) { return schema_capsule(frame.schema()); })
      .def("warnings",
           [](const DataFrame& frame) {
             py::list out;
             for (const std::string& text : frame.warnings()) out.append(to_python_text(text));
             return out;
           })
      .def("rejects", &DataFrame::rejects, unlocked)
      .def("write", &DataFrame::write, unlocked)
      .def("count", &DataFrame::count, unlocked)
      .def(
          "collect",
          [](const DataFrame& frame, QueryMonitor* monitor) {
            QueryResult result = frame.collect(monitor);
            return RowSet{std::move(result.schema), std::move(result.chunks)};
          },
          py::arg("monitor") = nullptr, unlocked)
      .def("collect_stream",
           [](const DataFrame& frame) {
             ArrowArrayStream stream{};
             without_gil([&] { export_result(frame.collect(), &stream); });
             return stream_capsule(stream);
           })
      .def("with_rows",
           [](const DataFrame& frame, const RowSet& rows) {
             return frame.with_rows({rows.schema, rows.chunks, rows.rows()});
           })
      .def(
          "__arrow_c_stream__",
          [](const DataFrame& frame, const py::object& requested_schema) {
            ArrowArrayStream stream{};
            if (requested_schema.is_none()) {
              without_gil([&] { frame.export_arrow(&stream, around_batch); });
            } else {
              const Schema wanted = schema_of_capsule(requested_schema);
              std::vector<ColumnLayout> layouts = layouts_of_capsule(requested_schema);
              without_gil([&] { frame.as_schema(wanted).export_arrow(&stream, around_batch); });
              if (any_is_asked_for(layouts)) lay_out_stream(std::move(layouts), &stream);
            }
            return stream_capsule(stream);
          },
          py::arg("requested_schema") = py::none())
      .def("to_text",
           [](const DataFrame& frame, int64_t rows) {
             return to_shown_text(without_gil([&] { return frame.to_text(rows); }));
           })
      .def("explain",
           [](const DataFrame& frame) {
             return to_shown_text(without_gil([&] { return frame.explain(); }));
           })
      .def("analyze",
           [](const DataFrame& frame) {
             const QueryProfile profile = without_gil([&] { return frame.analyze(); });
             return py::make_tuple(to_shown_text(profile.to_text()), profile_to_dict(profile));
           })
      .def(
          "select", [](const DataFrame& frame, const Texts& items) { return frame.select(items); },
          unlocked)
      .def(
          "filter",
          [](const DataFrame& frame, const std::string& condition) {
            return frame.filter(condition);
          },
          unlocked)
      .def("with_column", &DataFrame::with_column, unlocked)
      .def("drop", &DataFrame::drop, unlocked)
      .def("order_by", &DataFrame::order_by, unlocked)
      .def("limit", &DataFrame::limit, unlocked)
      .def("distinct", &DataFrame::distinct, unlocked)
      .def("join", &DataFrame::join, unlocked)
      .def("join_where", &DataFrame::join_where, unlocked)
      .def("union_all", &DataFrame::union_all, unlocked)
      .def("union_distinct", &DataFrame::union_distinct, unlocked)
      .def("intersect", &DataFrame::intersect, unlocked)
      .def("except_", &DataFrame::except, unlocked)
      .def("rename", &DataFrame::rename, unlocked)
      .def("window", &DataFrame::time_window, unlocked)
      .def(
          "aggregate",
          [](const DataFrame& frame, const Texts& keys, const Texts& aggregates) {
            return frame.group_by(keys).agg(aggregates);
          },
          unlocked);
}

}  // namespace velaria::python
