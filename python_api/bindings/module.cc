// velaria._velaria: the kernel as Python sees it, before the package gives it its names.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <string>

#include "python_api/bindings/bind.h"
#include "python_api/bindings/errors.h"
#include "python_api/bindings/python_types.h"
#include "src/base/thread_pool.h"
#include "src/session/dataflow_session.h"
#include "velaria/version.h"

PYBIND11_MODULE(_velaria, module) {
  namespace python = velaria::python;
  module.doc() = "The compiled part of velaria; use the package.";
  module.attr("__version__") = VELARIA_VERSION;
  module.attr("MOST_THREADS") = velaria::kMostThreads;
  python::bind_errors(module);
  module.def(
      "type_name", [](pybind11::handle type) { return python::type_from_python(type).to_string(); },
      "The kernel's name of a type.");
  module.def(
      "split_statements",
      [](const std::string& text) {
        pybind11::list out;
        for (const std::string& statement : velaria::DataflowSession::split_statements(text)) {
          out.append(python::to_python_text(statement));
        }
        return out;
      },
      "The statements of a script.");
  module.def("function_names", &velaria::DataflowSession::function_names,
             "What SQL calls by name: scalar, aggregate and window functions, and operators.");
  python::bind_rows(module);
  python::bind_data_frame(module);
  python::bind_stream_sinks(module);
  python::bind_stream_sources(module);
  python::bind_streaming_query(module);
  python::bind_workers(module);
  python::bind_streaming_data_frame(module);
  python::bind_session(module);
  python::bind_functions(module);
  python::bind_cell_table(module);
  python::bind_readable_file(module);
}
