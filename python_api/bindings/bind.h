// One function a class, each in the file of its class; module.cc calls them.
#pragma once

#include <pybind11/pybind11.h>

namespace velaria::python {

void bind_rows(pybind11::module_& module);
void bind_data_frame(pybind11::module_& module);
void bind_streaming_data_frame(pybind11::module_& module);
void bind_streaming_query(pybind11::module_& module);
void bind_stream_sources(pybind11::module_& module);
void bind_stream_sinks(pybind11::module_& module);
void bind_functions(pybind11::module_& module);
void bind_cell_table(pybind11::module_& module);
void bind_readable_file(pybind11::module_& module);
void bind_workers(pybind11::module_& module);
void bind_session(pybind11::module_& module);

}  // namespace velaria::python
