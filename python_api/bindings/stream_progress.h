// What a streaming query reports, as Python values.
#pragma once

#include <pybind11/pybind11.h>

#include <map>
#include <string>

#include "stream/progress.h"
#include "stream/stream_options.h"

namespace velaria::python {

namespace py = pybind11;

py::dict progress_to_dict(const StreamingQueryProgress& progress);
py::dict batch_to_dict(const BatchProgress& batch);

// The options of these texts. `on_progress`, unless it is None, is called as on_progress(dict, list
// of dict) on a thread of the query. With the lock held; throws what stream_options_from_text()
// does.
StreamOptions stream_options_to_cpp(const std::map<std::string, std::string>& texts,
                                    const py::object& on_progress);

}  // namespace velaria::python
