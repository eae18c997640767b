#include "python_api/bindings/stream_progress.h"

#include <memory>

#include "python_api/bindings/python_call.h"
#include "python_api/bindings/python_types.h"

namespace velaria::python {

namespace {

py::object progress_value(const std::string& text) { return to_python_text(text); }
template <typename Number>
py::object progress_value(Number number) {
  return py::cast(number);
}

}  // namespace

py::dict progress_to_dict(const StreamingQueryProgress& progress) {
  py::dict out;
  visit_progress(
      progress, [&out](const char* name, const auto& value) { out[name] = progress_value(value); });
  return out;
}

py::dict batch_to_dict(const BatchProgress& batch) {
  py::dict out;
  visit_batch_progress(
      batch, [&out](const char* name, const auto& value) { out[name] = progress_value(value); });
  return out;
}

StreamOptions stream_options_to_cpp(const std::map<std::string, std::string>& texts,
                                    const py::object& on_progress) {
  StreamOptions options = stream_options_from_text(texts);
  if (on_progress.is_none()) return options;
  // Shared, since a std::function is copied; the last copy may go on any thread.
  const auto hook = std::make_shared<const PythonReference>(on_progress);
  options.on_progress = [hook](const ProgressEvent& event) {
    const py::gil_scoped_acquire held;
    try {
      py::list batches;
      for (const BatchProgress& batch : event.batches) batches.append(batch_to_dict(batch));
      hook->get()(progress_to_dict(event.progress), batches);
    } catch (const py::error_already_set& raised) {
      throw error_of_python(ErrorKind::kStream, "on_progress", raised);
    }
  };
  return options;
}

}  // namespace velaria::python
