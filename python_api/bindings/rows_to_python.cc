#include "python_api/bindings/rows_to_python.h"

#include <datetime.h>

#include <algorithm>
#include <map>
#include <utility>

#include "python_api/bindings/arrow_capsules.h"
#include "python_api/bindings/bind.h"
#include "python_api/bindings/gil.h"
#include "python_api/bindings/python_types.h"
#include "src/base/error.h"
#include "src/base/text.h"
#include "src/column/arrow/export.h"
#include "src/column/calendar.h"
#include "src/column/decimal.h"
#include "src/column/nested_array.h"

namespace velaria::python {

namespace {

constexpr int64_t kMicrosPerSecond = 1000000;
constexpr int64_t kSecondsPerDay = 86400;
constexpr int64_t kRowsBetweenSignalChecks = 4096;

py::object checked(PyObject* made) {
  if (made == nullptr) throw py::error_already_set();
  return py::reinterpret_steal<py::object>(made);
}

CivilDate python_date(int64_t days, const Column& column, int64_t row) {
  const CivilDate date = civil_from_days(days);
  if (date.year < 1 || date.year > 9999) {
    throw Error(ErrorKind::kTypeMismatch,
                concat(column.value(row).to_string(),
                       " is outside of Python's years 1 to 9999; read the column with to_arrow()"));
  }
  return date;
}

py::object zone_named(const std::string& name) {
  // A zone is looked up once a value otherwise; zone objects are immutable and cached by Python
  // too.
  if (name == "UTC") return py::module_::import("datetime").attr("timezone").attr("utc");
  if (name[0] == '+' || name[0] == '-') {
    const py::object sample = py::module_::import("datetime")
                                  .attr("datetime")
                                  .attr("fromisoformat")("2000-01-01T00:00:00" + name);
    return sample.attr("tzinfo");
  }
  return py::module_::import("zoneinfo").attr("ZoneInfo")(name);
}

py::object timestamp_to_python(const Column& column, int64_t row, int64_t value) {
  const int64_t per_second = units_per_second(column.type().unit());
  const int64_t seconds = floor_div(value, per_second);
  const int64_t units = floor_mod(value, per_second);
  int64_t micros = 0;
  if (per_second > kMicrosPerSecond) {
    if (units % (per_second / kMicrosPerSecond) != 0) {
      throw Error(ErrorKind::kTypeMismatch,
                  concat(column.value(row).to_string(),
                         " has nanoseconds, which Python's datetime cannot hold; read the column "
                         "with to_arrow()"));
    }
    micros = units / (per_second / kMicrosPerSecond);
  } else {
    micros = units * (kMicrosPerSecond / per_second);
  }
  const CivilDate date = python_date(floor_div(seconds, kSecondsPerDay), column, row);
  const auto second = static_cast<int>(floor_mod(seconds, kSecondsPerDay));
  const auto year = static_cast<int>(date.year);
  if (column.type().time_zone().empty()) {
    return checked(PyDateTime_FromDateAndTime(year, date.month, date.day, second / 3600,
                                              second / 60 % 60, second % 60,
                                              static_cast<int>(micros)));
  }
  const py::object utc = checked(PyDateTimeAPI->DateTime_FromDateAndTime(
      year, date.month, date.day, second / 3600, second / 60 % 60, second % 60,
      static_cast<int>(micros), PyDateTime_TimeZone_UTC, PyDateTimeAPI->DateTimeType));
  if (column.type().time_zone() == "UTC") return utc;
  return utc.attr("astimezone")(zone_named(column.type().time_zone()));
}

py::object decimal_to_python(Int128 value, int scale) {
  static PyObject* const decimal_class =
      py::object(py::module_::import("decimal").attr("Decimal")).release().ptr();
  return py::handle(decimal_class)(format_decimal(value, scale));
}

py::object interval_to_python(const Interval& interval) {
  static PyObject* const interval_class =
      py::object(py::module_::import("velaria._interval").attr("Interval")).release().ptr();
  return py::handle(interval_class)(interval.months, interval.days, interval.micros);
}

py::object nested_to_python(const NestedArray& array, int64_t slot);

// Row `i` of a flat column, or the value of a constant with i = 0; not null.
py::object flat_value(const Column& column, int64_t i) {
  switch (column.type().id()) {
    case TypeId::kNull: return py::none();
    case TypeId::kBool: return py::bool_(column.values<uint8_t>()[i] != 0);
    case TypeId::kInt8: return checked(PyLong_FromLong(column.values<int8_t>()[i]));
    case TypeId::kInt16: return checked(PyLong_FromLong(column.values<int16_t>()[i]));
    case TypeId::kInt32: return checked(PyLong_FromLong(column.values<int32_t>()[i]));
    case TypeId::kInt64: return checked(PyLong_FromLongLong(column.values<int64_t>()[i]));
    case TypeId::kUInt8: return checked(PyLong_FromLong(column.values<uint8_t>()[i]));
    case TypeId::kUInt16: return checked(PyLong_FromLong(column.values<uint16_t>()[i]));
    case TypeId::kUInt32: return checked(PyLong_FromLongLong(column.values<uint32_t>()[i]));
    case TypeId::kUInt64: return checked(PyLong_FromUnsignedLongLong(column.values<uint64_t>()[i]));
    case TypeId::kFloat32: return checked(PyFloat_FromDouble(column.values<float>()[i]));
    case TypeId::kFloat64: return checked(PyFloat_FromDouble(column.values<double>()[i]));
    case TypeId::kDecimal128:
      return decimal_to_python(column.values<Int128>()[i], column.type().scale());
    case TypeId::kUtf8: return to_python_text(column.values<StringView>()[i].text());
    case TypeId::kBinary: {
      const std::string_view bytes = column.values<StringView>()[i].text();
      return py::bytes(bytes.data(), bytes.size());
    }
    case TypeId::kDate32: {
      const CivilDate date = python_date(column.values<int32_t>()[i], column, i);
      return checked(PyDate_FromDate(static_cast<int>(date.year), date.month, date.day));
    }
    case TypeId::kTime64: {
      const int64_t micros = column.values<int64_t>()[i];
      const auto second = static_cast<int>(micros / kMicrosPerSecond);
      return checked(PyTime_FromTime(second / 3600, second / 60 % 60, second % 60,
                                     static_cast<int>(micros % kMicrosPerSecond)));
    }
    case TypeId::kTimestamp: return timestamp_to_python(column, i, column.values<int64_t>()[i]);
    case TypeId::kInterval: return interval_to_python(column.values<Interval>()[i]);
    case TypeId::kFixedSizeList: {
      const int32_t size = column.type().list_size();
      const float* elements = column.vector_at(i);
      py::list out(size);
      for (int32_t k = 0; k < size; ++k) {
        PyList_SET_ITEM(out.ptr(), k, checked(PyFloat_FromDouble(elements[k])).release().ptr());
      }
      return out;
    }
    case TypeId::kNested: {
      const NestedArray array =
          decode_nested(column.type().nested_type(), column.values<StringView>()[i].text());
      return nested_to_python(array, 0);
    }
  }
  throw Error(ErrorKind::kInternal, "a column of an unknown type");
}

py::object leaf_to_python(const NestedArray& array, int64_t slot) {
  const NestedType& type = *array.type;
  const DataType& leaf = type.leaf;
  if (leaf.id() == TypeId::kUtf8) return to_python_text(array.bytes(slot));
  const Value value = array.value(slot);
  if (leaf.id() == TypeId::kBool) return py::bool_(value.as_bool());
  if (leaf.is_signed_integer()) return checked(PyLong_FromLongLong(value.as_int64()));
  if (leaf.is_float()) return checked(PyFloat_FromDouble(value.as_double()));
  if (leaf.id() == TypeId::kInterval && type.arrow_format[1] == 'D') {
    const int64_t micros = value.as_interval().micros;
    const int64_t days = floor_div(micros, kSecondsPerDay * kMicrosPerSecond);
    const int64_t rest = floor_mod(micros, kSecondsPerDay * kMicrosPerSecond);
    return checked(PyDelta_FromDSU(static_cast<int>(days),
                                   static_cast<int>(rest / kMicrosPerSecond),
                                   static_cast<int>(rest % kMicrosPerSecond)));
  }
  return flat_value(*Column::constant(value, 1), 0);
}

// As pyarrow's to_pylist(): lists, dicts, and maps as lists of pairs.
py::object nested_to_python(const NestedArray& array, int64_t slot) {
  if (array.is_null(slot)) return py::none();
  switch (array.type->kind) {
    case NestedType::Kind::kList:
    case NestedType::Kind::kFixedSizeList: {
      const int64_t begin = array.begin(slot);
      py::list out(static_cast<size_t>(array.end(slot) - begin));
      for (size_t i = 0; i < out.size(); ++i) {
        out[i] = nested_to_python(array.children[0], begin + static_cast<int64_t>(i));
      }
      return out;
    }
    case NestedType::Kind::kMap: {
      const std::vector<NestedArray>& entry = array.children[0].children;
      const int64_t begin = array.begin(slot);
      py::list out(static_cast<size_t>(array.end(slot) - begin));
      for (size_t i = 0; i < out.size(); ++i) {
        const int64_t at = begin + static_cast<int64_t>(i);
        out[i] = py::make_tuple(nested_to_python(entry[0], at), nested_to_python(entry[1], at));
      }
      return out;
    }
    case NestedType::Kind::kStruct: {
      py::dict out;
      for (size_t i = 0; i < array.children.size(); ++i) {
        const std::string& name = array.type->fields[i].name;
        const py::str key = to_python_text(name);
        if (out.contains(key)) {
          throw Error(ErrorKind::kInvalidArgument,
                      concat("two fields of a struct are named '", excerpt(name),
                             "', and a dict would lose one; use to_arrow()"));
        }
        out[key] = nested_to_python(array.children[i], slot);
      }
      return out;
    }
    default: return leaf_to_python(array, slot);
  }
}

std::vector<py::str> unique_names(const Schema& schema) {
  std::map<std::string, size_t> seen;
  std::vector<py::str> names;
  for (const Field& field : schema.fields()) {
    if (!seen.emplace(field.name, names.size()).second) {
      throw Error(ErrorKind::kInvalidArgument,
                  concat("two columns are named '", excerpt(field.name),
                         "', and a dict would lose one; rename one with AS, or use to_arrow()"));
    }
    names.push_back(to_python_text(field.name));
  }
  return names;
}

}  // namespace

int64_t RowSet::rows() const {
  int64_t total = 0;
  for (const Chunk& chunk : chunks) total += chunk.rows;
  return total;
}

py::object to_python_value(const Column& column, int64_t row) {
  if (column.is_null(row)) return py::none();
  if (column.is_dictionary()) return flat_value(*column.child(), column.indices()[row]);
  return flat_value(column, column.is_constant() ? 0 : row);
}

py::list rows_to_dicts(const RowSet& rows) {
  const std::vector<py::str> names = unique_names(rows.schema);
  py::list out(static_cast<size_t>(rows.rows()));
  Py_ssize_t next = 0;
  for (const Chunk& chunk : rows.chunks) {
    for (int64_t row = 0; row < chunk.rows; ++row) {
      if (next % kRowsBetweenSignalChecks == 0 && PyErr_CheckSignals() != 0) {
        throw py::error_already_set();
      }
      py::dict record;
      for (size_t c = 0; c < names.size(); ++c) {
        const py::object value = to_python_value(*chunk.columns[c], row);
        if (PyDict_SetItem(record.ptr(), names[c].ptr(), value.ptr()) != 0) {
          throw py::error_already_set();
        }
      }
      PyList_SET_ITEM(out.ptr(), next++, record.release().ptr());
    }
  }
  return out;
}

py::list rows_to_texts(const RowSet& rows) {
  py::list out;
  for (const Chunk& chunk : rows.chunks) {
    for (int64_t row = 0; row < chunk.rows; ++row) {
      py::list record;
      for (const ColumnPtr& column : chunk.columns) {
        if (column->is_null(row)) {
          record.append(py::none());
        } else {
          record.append(to_python_text(column->value(row).to_string()));
        }
      }
      out.append(record);
    }
  }
  return out;
}

RowSet slice_rows(const RowSet& rows, int64_t offset, int64_t count) {
  RowSet out{rows.schema, {}};
  for (const Chunk& chunk : rows.chunks) {
    const int64_t begin = std::min(std::max<int64_t>(offset, 0), chunk.rows);
    const int64_t end = std::min(std::max(offset + count, begin), chunk.rows);
    offset -= chunk.rows;
    if (begin >= end) continue;
    Chunk piece;
    piece.rows = end - begin;
    for (const ColumnPtr& column : chunk.columns) {
      piece.columns.push_back(column->slice(begin, piece.rows));
    }
    out.chunks.push_back(std::move(piece));
  }
  return out;
}

py::capsule rows_to_stream(const RowSet& rows) {
  ArrowArrayStream stream{};
  without_gil([&] { export_stream(rows.schema, rows.chunks, &stream); });
  return stream_capsule(stream);
}

void bind_rows(py::module_& module) {
  PyDateTime_IMPORT;
  if (PyDateTimeAPI == nullptr) throw py::error_already_set();
  py::class_<RowSet>(module, "RowSet", py::release_gil_before_calling_cpp_dtor())
      .def_property_readonly("num_rows", &RowSet::rows)
      .def("schema", [](const RowSet& rows) { return schema_to_python(rows.schema); })
      .def("slice", &slice_rows, py::arg("offset"), py::arg("rows"))
      .def("to_rows", &rows_to_dicts)
      .def("to_texts", &rows_to_texts)
      .def(
          "__arrow_c_stream__",
          [](const RowSet& rows, const py::object&) { return rows_to_stream(rows); },
          py::arg("requested_schema") = py::none());
}

}  // namespace velaria::python
