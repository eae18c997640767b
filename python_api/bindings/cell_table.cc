// velaria::CellTable: rows of Python values on their way to typed columns.
#include "src/io/cells/cell_table.h"

#include <pybind11/stl.h>
// Behind Python.h, which pybind11 includes.
#include <datetime.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "python_api/bindings/bind.h"
#include "python_api/bindings/gil.h"
#include "python_api/bindings/python_types.h"
#include "python_api/bindings/rows_to_python.h"
#include "src/base/error.h"
#include "src/base/text.h"
#include "src/column/calendar.h"
#include "src/session/dataflow_session.h"

namespace velaria::python {

namespace {

constexpr int64_t kMicrosPerSecond = 1000000;

int64_t micros_of_date(PyObject* date) {
  const int64_t days = days_from_civil(
      {PyDateTime_GET_YEAR(date), PyDateTime_GET_MONTH(date), PyDateTime_GET_DAY(date)});
  return days * 86400 * kMicrosPerSecond;
}

int64_t micros_of_datetime(PyObject* moment) {
  const int64_t seconds =
      (PyDateTime_DATE_GET_HOUR(moment) * 60 + PyDateTime_DATE_GET_MINUTE(moment)) * int64_t{60} +
      PyDateTime_DATE_GET_SECOND(moment);
  return micros_of_date(moment) + seconds * kMicrosPerSecond +
         PyDateTime_DATE_GET_MICROSECOND(moment);
}

int64_t micros_of_time(PyObject* time) {
  const int64_t seconds =
      (PyDateTime_TIME_GET_HOUR(time) * 60 + PyDateTime_TIME_GET_MINUTE(time)) * int64_t{60} +
      PyDateTime_TIME_GET_SECOND(time);
  return seconds * kMicrosPerSecond + PyDateTime_TIME_GET_MICROSECOND(time);
}

int64_t micros_of_delta(PyObject* delta) {
  return (PyDateTime_DELTA_GET_DAYS(delta) * int64_t{86400} + PyDateTime_DELTA_GET_SECONDS(delta)) *
             kMicrosPerSecond +
         PyDateTime_DELTA_GET_MICROSECONDS(delta);
}

std::string_view text_of(PyObject* text) {
  Py_ssize_t size = 0;
  const char* bytes = PyUnicode_AsUTF8AndSize(text, &size);
  if (bytes == nullptr) throw py::error_already_set();
  return {bytes, static_cast<size_t>(size)};
}

class Cells {
 public:
  Cells(const DataflowSession& session, std::vector<std::string> null_texts)
      : table_(session.memory_budget()), null_texts_(std::move(null_texts)) {}

  // Rows without a value are left out when `skip_empty`. A row's number is first_row + its place.
  void append_rows(int64_t first_row, const py::iterable& rows, bool skip_empty) {
    int64_t number = first_row;
    for (const py::handle row : rows) {
      const auto cells =
          py::reinterpret_steal<py::object>(PySequence_Fast(row.ptr(), "a row is a sequence"));
      if (!cells) throw py::error_already_set();
      append_row(number++, cells.ptr(), skip_empty);
    }
  }

  py::tuple finish(std::vector<std::string> names, const py::dict& types, std::string where,
                   int64_t first_column) {
    CellTableOptions options;
    options.names = std::move(names);
    for (const auto& [name, type] : types) {
      options.types[py::cast<std::string>(name)] = type_from_python(type);
    }
    options.where = std::move(where);
    options.first_column = first_column;
    CellColumns made = without_gil([&] { return table_.finish(options); });
    py::list warnings;
    for (const std::string& warning : made.warnings) warnings.append(to_python_text(warning));
    return py::make_tuple(RowSet{std::move(made.schema), std::move(made.chunks)}, warnings);
  }

  int64_t rows() const { return table_.rows(); }
  size_t columns() const { return table_.columns(); }

 private:
  bool is_null(PyObject* cell) const {
    if (cell == Py_None) return true;
    if (!PyUnicode_Check(cell)) return false;
    if (PyUnicode_GET_LENGTH(cell) == 0) return true;
    return !null_texts_.empty() &&
           std::find(null_texts_.begin(), null_texts_.end(), text_of(cell)) != null_texts_.end();
  }

  void append_row(int64_t number, PyObject* cells, bool skip_empty) {
    PyObject** items = PySequence_Fast_ITEMS(cells);
    Py_ssize_t size = PySequence_Fast_GET_SIZE(cells);
    // Also keeps what sheets carry behind their last value from becoming columns.
    while (size > 0 && is_null(items[size - 1])) --size;
    if (size == 0 && skip_empty) return;
    table_.begin_row(number);
    for (Py_ssize_t i = 0; i < size; ++i) append(items[i]);
  }

  void append(PyObject* cell) {
    if (is_null(cell)) {
      table_.append_null();
    } else if (PyUnicode_Check(cell)) {
      table_.append_text(text_of(cell));
    } else if (PyFloat_Check(cell)) {
      table_.append_number(PyFloat_AS_DOUBLE(cell));
    } else if (PyBool_Check(cell)) {
      table_.append_bool(cell == Py_True);
    } else if (PyLong_Check(cell)) {
      int overflow = 0;
      const long long value = PyLong_AsLongLongAndOverflow(cell, &overflow);
      if (overflow == 0) {
        table_.append_integer(value);
      } else {
        table_.append_integer_digits(std::string(py::str(cell)));
      }
    } else if (PyDateTime_Check(cell)) {
      table_.append_moment(micros_of_datetime(cell));
    } else if (PyDate_Check(cell)) {
      table_.append_moment(micros_of_date(cell));
    } else if (PyTime_Check(cell)) {
      table_.append_time_of_day(micros_of_time(cell));
    } else if (PyDelta_Check(cell)) {
      table_.append_duration(micros_of_delta(cell));
    } else {
      throw Error(ErrorKind::kInvalidArgument,
                  concat("a cell is a ", Py_TYPE(cell)->tp_name,
                         "; it must be None, bool, int, float, str, date, time, datetime or "
                         "timedelta"));
    }
  }

  CellTable table_;
  const std::vector<std::string> null_texts_;
};

}  // namespace

void bind_cell_table(py::module_& module) {
  PyDateTime_IMPORT;
  if (PyDateTimeAPI == nullptr) throw py::error_already_set();
  py::class_<Cells>(module, "CellTable")
      .def(py::init<const DataflowSession&, std::vector<std::string>>(), py::arg("session"),
           py::arg("null_texts"))
      .def_property_readonly("rows", &Cells::rows)
      .def_property_readonly("columns", &Cells::columns)
      .def("append_rows", &Cells::append_rows, py::arg("first_row"), py::arg("rows"),
           py::arg("skip_empty"))
      .def("finish", &Cells::finish, py::arg("names"), py::arg("types"), py::arg("where"),
           py::arg("first_column"));
}

}  // namespace velaria::python
