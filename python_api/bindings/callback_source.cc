#include "python_api/bindings/callback_source.h"

#include <utility>

#include "python_api/bindings/arrow_capsules.h"
#include "python_api/bindings/python_call.h"
#include "python_api/bindings/python_types.h"
#include "python_api/bindings/rows_from_python.h"
#include "python_api/bindings/rows_to_python.h"
#include "python_api/bindings/stream_context.h"

namespace velaria::python {

namespace {

constexpr const char* kWho = "Python source";

void append_chunks(const Schema& schema, py::handle data, std::vector<Chunk>* out) {
  std::vector<Chunk> chunks;
  const RowSet* rows = py::isinstance<RowSet>(data) ? &py::cast<const RowSet&>(data) : nullptr;
  if (rows != nullptr && rows->schema == schema) {
    chunks = rows->chunks;
  } else {
    const ArrowArrayStream stream = take_arrow_stream(data);
    chunks = without_gil([&] { return chunks_from_arrow(schema, stream); });
  }
  for (Chunk& chunk : chunks) {
    if (chunk.rows > 0) out->push_back(std::move(chunk));
  }
}

}  // namespace

std::vector<Chunk> chunks_from_python(const Schema& schema, py::handle data) {
  std::vector<Chunk> out;
  if (py::isinstance<py::list>(data)) {
    for (const py::handle item : data) append_chunks(schema, item, &out);
  } else {
    append_chunks(schema, data, &out);
  }
  return out;
}

PythonSource::PythonSource(Schema schema, Hooks hooks, bool bounded, std::string description)
    : schema_(std::move(schema)),
      bounded_(bounded),
      can_restore_(!hooks.restore.is_none()),
      wants_markers_(!hooks.checkpoint.is_none() || !hooks.ack.is_none()),
      next_(std::move(hooks.next)),
      open_(std::move(hooks.open)),
      checkpoint_(std::move(hooks.checkpoint)),
      ack_(std::move(hooks.ack)),
      restore_(std::move(hooks.restore)),
      close_(std::move(hooks.close)),
      wake_(std::move(hooks.wake)),
      drain_(std::move(hooks.drain)),
      description_(std::move(description)) {}

void PythonSource::open(const StreamContext& context) {
  call_python(kWho, "open", open_, [&](const py::object& hook) { hook(context_to_dict(context)); });
}

SourceStatus PythonSource::next(StreamBatch* batch) {
  SourceStatus status = SourceStatus::kEnd;
  call_python(kWho, "next_batch", next_, [&](const py::object& hook) {
    const py::object given = hook();
    if (given.is_none()) return;
    if (given.ptr() == Py_False) {
      status = SourceStatus::kBlocked;
      return;
    }
    if (!py::isinstance<py::tuple>(given) || py::len(given) != 2) {
      throw Error(ErrorKind::kStream, concat("next_batch() of the Python source gave ",
                                             excerpt(std::string(py::str(py::repr(given)))),
                                             "; it must be None, False, or (data, offset)"));
    }
    const auto pair = py::reinterpret_borrow<py::tuple>(given);
    if (!py::isinstance<py::str>(pair[1])) {
      throw Error(ErrorKind::kStream,
                  concat("the offset of a batch of the Python source is ",
                         excerpt(std::string(py::str(py::repr(pair[1])))), "; it must be a str"));
    }
    batch->chunks = chunks_from_python(schema_, pair[0]);
    batch->source_offset = py::cast<std::string>(pair[1]);
    status = SourceStatus::kBatch;
  });
  return status;
}

void PythonSource::checkpoint(const CheckpointMarker& marker) {
  call_python(kWho, "checkpoint", checkpoint_,
              [&](const py::object& hook) { hook(marker_to_dict(marker)); });
}

void PythonSource::ack(std::string_view token) {
  call_python(kWho, "ack", ack_, [&](const py::object& hook) { hook(to_python_text(token)); });
}

void PythonSource::restore(std::string_view source_offset) {
  if (!can_restore_) return StreamSource::restore(source_offset);
  call_python(kWho, "restore", restore_,
              [&](const py::object& hook) { hook(to_python_text(source_offset)); });
}

void PythonSource::close() {
  call_python(kWho, "close", close_, [](const py::object& hook) { hook(); });
}

void PythonSource::wake() {
  call_python(kWho, "wake", wake_, [](const py::object& hook) { hook(); });
}

bool PythonSource::drain() {
  bool drains = false;
  call_python(kWho, "drain", drain_,
              [&](const py::object& hook) { drains = py::cast<bool>(py::bool_(hook())); });
  return drains;
}

}  // namespace velaria::python
