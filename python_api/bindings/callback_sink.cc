#include "python_api/bindings/callback_sink.h"

#include <memory>
#include <utility>

#include "python_api/bindings/python_call.h"
#include "python_api/bindings/python_types.h"
#include "python_api/bindings/rows_to_python.h"
#include "python_api/bindings/stream_context.h"
#include "src/base/text.h"

namespace velaria::python {

PythonSink::PythonSink(Hooks hooks, std::string description, bool blocking)
    : write_(std::move(hooks.write)),
      open_(std::move(hooks.open)),
      flush_(std::move(hooks.flush)),
      checkpoint_(std::move(hooks.checkpoint)),
      close_(std::move(hooks.close)),
      description_(std::move(description)),
      who_(concat("sink '", description_, "'")),
      blocking_(blocking) {}

void PythonSink::open(const StreamContext& context, const Schema& schema) {
  call_python(who_, "open", open_, [&](const py::object& hook) {
    py::dict info = context_to_dict(context);
    info["schema"] = schema_to_python(schema);
    hook(info);
  });
}

void PythonSink::write(const Schema& schema, const std::vector<Chunk>& chunks) {
  call_python(who_, "write", write_,
              [&](const py::object& hook) { hook(py::cast(RowSet{schema, chunks})); });
}

void PythonSink::flush() {
  call_python(who_, "flush", flush_, [](const py::object& hook) { hook(); });
}

void PythonSink::checkpoint(const CheckpointMarker& marker) {
  call_python(who_, "checkpoint", checkpoint_,
              [&](const py::object& hook) { hook(marker_to_dict(marker)); });
}

void PythonSink::close() {
  call_python(who_, "close", close_, [](const py::object& hook) { hook(); });
}

ConsoleWriter python_console_writer(py::object write) {
  const auto held = std::make_shared<const PythonReference>(std::move(write));
  return [held](std::string_view text) {
    call_python("console", "write", *held,
                [&](const py::object& hook) { hook(to_python_text(text)); });
  };
}

}  // namespace velaria::python
