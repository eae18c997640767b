// velaria::StreamingDataFrame, with the verbs that it shares with batch frames.
#include "stream/streaming_data_frame.h"

#include <pybind11/stl.h>

#include <map>
#include <memory>

#include "python_api/bindings/arrow_capsules.h"
#include "python_api/bindings/bind.h"
#include "python_api/bindings/gil.h"
#include "python_api/bindings/python_types.h"
#include "python_api/bindings/stream_progress.h"
#include "src/session/frame_verbs.h"
#include "stream/connectors/csv_file_sink.h"

namespace velaria::python {

namespace {

using Texts = std::vector<std::string>;
using TextMap = std::map<std::string, std::string>;

StreamingDataFrame with_plan(const StreamingDataFrame& frame, PlanPtr plan) {
  return StreamingDataFrame(std::move(plan), frame.environment());
}

const UserFunctions* functions_of(const StreamingDataFrame& frame) {
  return frame.environment().functions.get();
}

}  // namespace

void bind_streaming_data_frame(py::module_& module) {
  const py::call_guard<py::gil_scoped_release> unlocked;
  using Frame = StreamingDataFrame;
  py::class_<Frame>(module, "StreamingDataFrame", py::release_gil_before_calling_cpp_dtor())
      .def("schema", [](const Frame& frame) { return schema_to_python(frame.schema()); })
      .def("__arrow_c_schema__", [](const Frame& frame) { return schema_capsule(frame.schema()); })
      .def("bounded", &Frame::bounded)
      .def("explain",
           [](const Frame& frame, const TextMap& options) {
             return to_shown_text(
                 without_gil([&] { return frame.explain(stream_options_from_text(options)); }));
           })
      .def(
          "select",
          [](const Frame& frame, const Texts& items) {
            return with_plan(frame, select_items(frame.plan(), items, functions_of(frame)));
          },
          unlocked)
      .def(
          "filter",
          [](const Frame& frame, const std::string& condition) {
            return with_plan(frame, filter_rows(frame.plan(), condition, functions_of(frame)));
          },
          unlocked)
      .def(
          "with_column",
          [](const Frame& frame, const std::string& name, const std::string& expression) {
            return with_plan(frame,
                             add_column(frame.plan(), name, expression, functions_of(frame)));
          },
          unlocked)
      .def(
          "drop",
          [](const Frame& frame, const Texts& columns) {
            return with_plan(frame, drop_columns(frame.plan(), columns));
          },
          unlocked)
      .def(
          "order_by",
          [](const Frame& frame, const Texts& keys) {
            return with_plan(frame, order_rows(frame.plan(), keys, functions_of(frame)));
          },
          unlocked)
      .def(
          "limit",
          [](const Frame& frame, int64_t rows, int64_t offset) {
            return with_plan(frame, limit_rows(frame.plan(), rows, offset));
          },
          unlocked)
      .def(
          "distinct",
          [](const Frame& frame) { return with_plan(frame, distinct_rows(frame.plan())); },
          unlocked)
      .def(
          "aggregate",
          [](const Frame& frame, const Texts& keys, const Texts& aggregates) {
            return with_plan(frame,
                             aggregate_rows(frame.plan(), keys, aggregates, functions_of(frame)));
          },
          unlocked)
      .def("window", &Frame::window, unlocked)
      .def(
          "csv_file_sink",
          [](const Frame& frame, const std::string& path, bool append, const TextMap& options) {
            return make_csv_file_sink(frame.environment().files, path,
                                      append ? CsvFileMode::kAppend : CsvFileMode::kReplace,
                                      csv_writer_options_from_text(options));
          },
          unlocked)
      .def(
          "json_file_sink",
          [](const Frame& frame, const std::string& path, bool append) {
            return make_json_file_sink(frame.environment().files, path,
                                       append ? CsvFileMode::kAppend : CsvFileMode::kReplace);
          },
          unlocked)
      .def("write_stream", [](const Frame& frame, std::shared_ptr<StreamSink> sink,
                              const TextMap& texts, const py::object& on_progress) {
        StreamOptions options = stream_options_to_cpp(texts, on_progress);
        return without_gil([&] { return frame.write_stream(std::move(sink), std::move(options)); });
      });
}

}  // namespace velaria::python
