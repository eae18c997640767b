// Local workers: the inside of one, and how Python starts them.
#include <pybind11/stl.h>

#include "python_api/bindings/bind.h"
#include "stream/workers/worker_process.h"
#include "stream/workers/worker_server.h"

namespace velaria::python {

void bind_workers(pybind11::module_& module) {
  module.def("set_worker_command", &set_worker_command,
             "The program and arguments that start a worker process of this build.");
  module.def(
      "serve_as_worker", [] { return serve_as_worker(kWorkerDescriptor); },
      pybind11::call_guard<pybind11::gil_scoped_release>(),
      "What a worker process does all its life.");
}

}  // namespace velaria::python
