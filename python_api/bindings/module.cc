#include <pybind11/pybind11.h>

PYBIND11_MODULE(_velaria, module) {
  module.def("version", [] { return "0.1.0"; });
}
