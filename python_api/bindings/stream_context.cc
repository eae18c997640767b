#include "python_api/bindings/stream_context.h"

#include "python_api/bindings/python_types.h"

namespace velaria::python {

namespace py = pybind11;

py::dict context_to_dict(const StreamContext& context) {
  py::dict info;
  info["query_id"] = context.query_id;
  info["execution_mode"] = context.execution_mode;
  info["transport_mode"] = context.transport_mode;
  info["checkpoint_delivery_mode"] = context.checkpoint_delivery_mode;
  info["checkpoint_path"] = to_python_text(context.checkpoint_path);
  info["restored"] = context.restored;
  info["source_hears"] = context.source_hears;
  info["trigger_interval_ms"] = context.trigger_interval_ms;
  info["idle_wait_ms"] = context.idle_wait_ms;
  info["max_inflight_batches"] = context.max_inflight_batches;
  info["max_inflight_partitions"] = context.max_inflight_partitions;
  info["backpressure_high_watermark"] = context.backpressure_high_watermark;
  info["backpressure_low_watermark"] = context.backpressure_low_watermark;
  return info;
}

py::dict marker_to_dict(const CheckpointMarker& marker) {
  py::dict info;
  info["query_id"] = marker.query_id;
  info["source_offset"] = to_python_text(marker.source_offset);
  info["batches_processed"] = marker.batches_processed;
  return info;
}

}  // namespace velaria::python
