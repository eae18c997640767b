#include "python_api/bindings/python_types.h"

#include <utility>

#include "python_api/bindings/arrow_capsules.h"
#include "src/base/error.h"
#include "src/base/text.h"
#include "src/column/arrow/import.h"

namespace velaria::python {

namespace py = pybind11;

namespace {

py::object builtin(PyTypeObject* type) {
  return py::reinterpret_borrow<py::object>(reinterpret_cast<PyObject*>(type));
}

py::str decoded(std::string_view text, const char* errors) {
  PyObject* made = PyUnicode_DecodeUTF8(text.data(), static_cast<Py_ssize_t>(text.size()), errors);
  if (made == nullptr) throw py::error_already_set();
  return py::reinterpret_steal<py::str>(made);
}

DataType type_from_class(py::handle object) {
  const py::module_ datetime = py::module_::import("datetime");
  const std::pair<py::object, DataType> known[] = {
      {builtin(&PyBool_Type), DataType(TypeId::kBool)},
      {builtin(&PyLong_Type), DataType(TypeId::kInt64)},
      {builtin(&PyFloat_Type), DataType(TypeId::kFloat64)},
      {builtin(&PyUnicode_Type), DataType(TypeId::kUtf8)},
      {builtin(&PyBytes_Type), DataType(TypeId::kBinary)},
      {datetime.attr("date"), DataType(TypeId::kDate32)},
      {datetime.attr("time"), DataType(TypeId::kTime64)},
      {datetime.attr("datetime"), DataType::timestamp(TimeUnit::kMicro)},
      {datetime.attr("timedelta"), DataType(TypeId::kInterval)},
  };
  for (const auto& [python_class, type] : known) {
    if (object.is(python_class)) return type;
  }
  throw Error(ErrorKind::kInvalidArgument,
              concat(std::string(py::str(py::repr(object))),
                     " is no column type; give a name such as 'int64' or 'timestamp', or a pyarrow "
                     "type"));
}

Field field_from_python(py::handle item, bool bare_names) {
  if (py::isinstance<py::str>(item)) {
    const auto name = py::cast<std::string>(item);
    if (bare_names) return {name, DataType(TypeId::kUtf8)};
    throw Error(ErrorKind::kInvalidArgument,
                concat("column '", excerpt(name), "' needs a type: give (name, type) pairs or ",
                       "{name: type}"));
  }
  if (py::isinstance<py::sequence>(item) && py::len(item) == 2) {
    const auto pair = py::reinterpret_borrow<py::sequence>(item);
    const py::object name = pair[0];
    if (py::isinstance<py::str>(name)) {
      return {py::cast<std::string>(name), type_from_python(py::object(pair[1]))};
    }
  }
  throw Error(ErrorKind::kInvalidArgument, concat(excerpt(std::string(py::str(py::repr(item)))),
                                                  " describes no column; give (name, type)"));
}

}  // namespace

DataType type_from_python(py::handle object) {
  if (py::isinstance<py::str>(object)) return type_from_name(py::cast<std::string>(object));
  if (has_arrow_schema(object)) {
    return with_arrow_schema(object, [](const ArrowSchema& schema) { return import_type(schema); });
  }
  return type_from_class(object);
}

Schema schema_from_python(py::handle object, bool bare_names) {
  if (has_arrow_schema(object)) {
    return with_arrow_schema(
        object, [](const ArrowSchema& schema) { return ImportedSchema::read(schema)->schema(); });
  }
  std::vector<Field> fields;
  if (py::isinstance<py::dict>(object)) {
    for (const auto& [name, type] : py::reinterpret_borrow<py::dict>(object)) {
      fields.push_back(field_from_python(py::make_tuple(name, type), false));
    }
  } else if (py::isinstance<py::sequence>(object) && !py::isinstance<py::str>(object)) {
    for (const py::handle item : object) fields.push_back(field_from_python(item, bare_names));
  } else {
    throw Error(ErrorKind::kInvalidArgument,
                concat("a ", Py_TYPE(object.ptr())->tp_name,
                       " is no schema; give a pyarrow.Schema, {name: type} or a list"));
  }
  if (fields.empty()) {
    throw Error(ErrorKind::kInvalidArgument, "a schema needs at least one column");
  }
  for (size_t i = 0; i < fields.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      if (fields[i].name == fields[j].name) {
        throw Error(ErrorKind::kInvalidArgument,
                    concat("the schema has two columns named '", excerpt(fields[i].name), "'"));
      }
    }
  }
  return Schema(std::move(fields));
}

py::list schema_to_python(const Schema& schema) {
  py::list out;
  for (const Field& field : schema.fields()) {
    out.append(py::make_tuple(to_python_text(field.name), field.type.to_string()));
  }
  return out;
}

py::str to_python_text(std::string_view text) { return decoded(text, "surrogateescape"); }

py::str to_shown_text(std::string_view text) { return decoded(text, "replace"); }

}  // namespace velaria::python
