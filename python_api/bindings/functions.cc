// Scalar functions of SQL that are Python's, called once a batch of rows.
#include <pybind11/stl.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "python_api/bindings/bind.h"
#include "python_api/bindings/callback_source.h"
#include "python_api/bindings/python_call.h"
#include "python_api/bindings/python_types.h"
#include "python_api/bindings/rows_to_python.h"
#include "src/base/error.h"
#include "src/base/text.h"
#include "src/session/dataflow_session.h"

namespace velaria::python {

namespace {

// Calls hook(RowSet of the arguments), which gives Arrow data of one column and one batch, on any
// thread with the lock held.
class PythonFunction : public UserFunction {
 public:
  PythonFunction(std::string name, std::vector<DataType> arguments, DataType result,
                 py::object hook)
      : UserFunction(std::move(name), std::move(arguments), std::move(result)),
        arguments_(argument_schema(argument_types())),
        result_({{"result", result_type()}}),
        hook_(std::move(hook)) {}

  ColumnPtr call(const std::vector<ColumnPtr>& arguments, int64_t rows) const override {
    Chunk chunk;
    chunk.columns = arguments;
    chunk.rows = rows;
    const py::gil_scoped_acquire held;
    try {
      const py::object given = hook_.get()(py::cast(RowSet{arguments_, {std::move(chunk)}}));
      const std::vector<Chunk> chunks = chunks_from_python(result_, given);
      return chunks.size() == 1 ? chunks[0].columns[0] : nullptr;
    } catch (const py::error_already_set& raised) {
      if (raised.matches(PyExc_KeyboardInterrupt)) throw;  // Ctrl-C stays Ctrl-C
      throw error_of_python(ErrorKind::kInvalidArgument, concat("function ", signature()), raised);
    }
  }

 private:
  static Schema argument_schema(const std::vector<DataType>& types) {
    std::vector<Field> fields;
    for (size_t i = 0; i < types.size(); ++i) fields.push_back({concat("a", i), types[i]});
    return Schema(std::move(fields));
  }

  const Schema arguments_;
  const Schema result_;
  const PythonReference hook_;
};

}  // namespace

void bind_functions(py::module_& module) {
  module.def(
      "create_function",
      [](DataflowSession& session, std::string name, const py::iterable& argument_types,
         py::handle result_type, py::object hook) {
        std::vector<DataType> types;
        for (const py::handle type : argument_types) types.push_back(type_from_python(type));
        auto function = std::make_shared<PythonFunction>(
            to_lower_ascii(name), std::move(types), type_from_python(result_type), std::move(hook));
        without_gil([&] { session.create_function(std::move(function)); });
      },
      py::arg("session"), py::arg("name"), py::arg("argument_types"), py::arg("result_type"),
      py::arg("hook"));
  module.def(
      "drop_function",
      [](DataflowSession& session, const std::string& name) { session.drop_function(name); },
      py::arg("session"), py::arg("name"), py::call_guard<py::gil_scoped_release>());
}

}  // namespace velaria::python
