// Query vectors out of Python's buffers.
#pragma once

#include <pybind11/pybind11.h>

#include <cstdint>
#include <vector>

namespace velaria::python {

struct QueryVectors {
  std::vector<float> values;  // one query after the other
  int64_t count = 1;
  bool matrix = false;  // two dimensions: a query in each row
};

// `buffer` has one or two dimensions of native numbers, in any order of memory; a number beyond
// float32, another shape or element is an InvalidArgumentError. The caller holds the lock.
QueryVectors read_query_vectors(pybind11::handle buffer);

}  // namespace velaria::python
