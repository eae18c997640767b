#include "python_api/bindings/callback_sink.h"

#include <utility>

#include "python_api/bindings/python_types.h"
#include "python_api/bindings/rows_to_python.h"
#include "src/base/error.h"
#include "src/base/text.h"

namespace velaria::python {

namespace {

// The kernel keeps texts, not Python objects: the query may fail long after this thread is gone.
template <typename Call>
void call_python(const char* method, const PythonReference& hook, Call&& call) {
  const py::gil_scoped_acquire held;
  if (hook.get().is_none()) return;
  try {
    call(hook.get());
  } catch (const py::error_already_set& raised) {
    const std::string name = py::cast<std::string>(raised.type().attr("__name__"));
    throw Error(ErrorKind::kStream, concat(method, "() of the Python sink raised ", name, ": ",
                                           std::string(py::str(raised.value()))));
  }
}

}  // namespace

PythonSink::PythonSink(Hooks hooks, std::string description, bool blocking)
    : write_(std::move(hooks.write)),
      open_(std::move(hooks.open)),
      flush_(std::move(hooks.flush)),
      checkpoint_(std::move(hooks.checkpoint)),
      close_(std::move(hooks.close)),
      description_(std::move(description)),
      blocking_(blocking) {}

void PythonSink::open(const StreamContext& context, const Schema& schema) {
  call_python("open", open_, [&](const py::object& hook) {
    py::dict info;
    info["query_id"] = context.query_id;
    info["execution_mode"] = context.execution_mode;
    info["transport_mode"] = context.transport_mode;
    info["checkpoint_delivery_mode"] = context.checkpoint_delivery_mode;
    info["checkpoint_path"] = to_python_text(context.checkpoint_path);
    info["trigger_interval_ms"] = context.trigger_interval_ms;
    info["idle_wait_ms"] = context.idle_wait_ms;
    info["max_inflight_batches"] = context.max_inflight_batches;
    info["max_inflight_partitions"] = context.max_inflight_partitions;
    info["backpressure_high_watermark"] = context.backpressure_high_watermark;
    info["backpressure_low_watermark"] = context.backpressure_low_watermark;
    info["schema"] = schema_to_python(schema);
    hook(info);
  });
}

void PythonSink::write(const Schema& schema, const std::vector<Chunk>& chunks) {
  call_python("write", write_,
              [&](const py::object& hook) { hook(py::cast(RowSet{schema, chunks})); });
}

void PythonSink::flush() {
  call_python("flush", flush_, [](const py::object& hook) { hook(); });
}

void PythonSink::checkpoint(const CheckpointMarker& marker) {
  call_python("checkpoint", checkpoint_, [&](const py::object& hook) {
    py::dict info;
    info["query_id"] = marker.query_id;
    info["source_offset"] = to_python_text(marker.source_offset);
    info["batches_processed"] = marker.batches_processed;
    hook(info);
  });
}

void PythonSink::close() {
  call_python("close", close_, [](const py::object& hook) { hook(); });
}

}  // namespace velaria::python
