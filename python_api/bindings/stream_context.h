// What a query tells its source and sink, as Python sees it.
#pragma once

#include <pybind11/pybind11.h>

#include "stream/stream_context.h"

namespace velaria::python {

pybind11::dict context_to_dict(const StreamContext& context);
pybind11::dict marker_to_dict(const CheckpointMarker& marker);

}  // namespace velaria::python
