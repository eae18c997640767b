// What probe() found, as a dict.
#pragma once

#include <pybind11/pybind11.h>

#include "src/io/probe/probe.h"

namespace velaria::python {

pybind11::dict probe_to_dict(const ProbeResult& result);

}  // namespace velaria::python
