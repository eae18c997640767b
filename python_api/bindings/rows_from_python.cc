#include "python_api/bindings/rows_from_python.h"

#include <cmath>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "python_api/bindings/gil.h"
#include "src/base/error.h"
#include "src/base/text.h"
#include "src/column/arrow/import.h"
#include "src/column/builder.h"
#include "src/column/calendar.h"
#include "src/column/decimal.h"

namespace velaria::python {

namespace {

// Python's own classes, fetched once a batch of rows.
struct Classes {
  py::object date, time, datetime, timedelta, decimal;

  Classes() {
    const py::module_ module = py::module_::import("datetime");
    date = module.attr("date");
    time = module.attr("time");
    datetime = module.attr("datetime");
    timedelta = module.attr("timedelta");
    decimal = py::module_::import("decimal").attr("Decimal");
  }
};

// Nothing when the value has no exact place in the type; `why` then may say more.
class ValueReader {
 public:
  explicit ValueReader(const Classes& classes) : classes_(classes) {}

  std::optional<Value> read(const DataType& type, py::handle value, std::string* why) const {
    switch (type.id()) {
      case TypeId::kNull: return std::nullopt;
      case TypeId::kBool:
        if (!PyBool_Check(value.ptr())) return std::nullopt;
        return Value::boolean(value.ptr() == Py_True);
      case TypeId::kInt8: return integer<int8_t>(type, value, why);
      case TypeId::kInt16: return integer<int16_t>(type, value, why);
      case TypeId::kInt32: return integer<int32_t>(type, value, why);
      case TypeId::kInt64: return integer<int64_t>(type, value, why);
      case TypeId::kUInt8: return unsigned_integer(type, value, UINT8_MAX, why);
      case TypeId::kUInt16: return unsigned_integer(type, value, UINT16_MAX, why);
      case TypeId::kUInt32: return unsigned_integer(type, value, UINT32_MAX, why);
      case TypeId::kUInt64: return unsigned_integer(type, value, UINT64_MAX, why);
      case TypeId::kFloat32:
      case TypeId::kFloat64: return floating(type, value, why);
      case TypeId::kDecimal128: return decimal(type, value, why);
      case TypeId::kUtf8:
        if (!py::isinstance<py::str>(value)) return std::nullopt;
        return Value::utf8(py::cast<std::string>(value));
      case TypeId::kBinary:
        if (!PyObject_CheckBuffer(value.ptr())) return std::nullopt;
        return Value::binary(py::cast<std::string>(py::bytes(
            py::reinterpret_steal<py::object>(checked(PyBytes_FromObject(value.ptr()))))));
      case TypeId::kDate32: return date(type, value);
      case TypeId::kTime64: return time(type, value, why);
      case TypeId::kTimestamp: return timestamp(type, value, why);
      case TypeId::kInterval: return interval(value, why);
      case TypeId::kFixedSizeList: return vector(type, value, why);
      case TypeId::kNested:
        *why = "lists, structs and maps come in as Arrow data only";
        return std::nullopt;
    }
    return std::nullopt;
  }

 private:
  static PyObject* checked(PyObject* made) {
    if (made == nullptr) throw py::error_already_set();
    return made;
  }

  static bool is_integer(py::handle value) {
    return PyLong_Check(value.ptr()) && !PyBool_Check(value.ptr());
  }

  // Of a Python integer; nothing when it is beyond T.
  template <typename T>
  static std::optional<T> in_range(py::handle value) {
    int overflow = 0;
    const long long number = PyLong_AsLongLongAndOverflow(value.ptr(), &overflow);
    if (overflow != 0 || number < std::numeric_limits<T>::min() ||
        number > std::numeric_limits<T>::max()) {
      return std::nullopt;
    }
    return static_cast<T>(number);
  }

  template <typename T>
  static std::optional<Value> integer(const DataType& type, py::handle value, std::string* why) {
    if (!is_integer(value)) return std::nullopt;
    const std::optional<T> number = in_range<T>(value);
    if (!number) {
      *why = "out of range";
      return std::nullopt;
    }
    return Value::integral(type, *number);
  }

  static std::optional<Value> unsigned_integer(const DataType& type, py::handle value,
                                               uint64_t most, std::string* why) {
    if (!is_integer(value)) return std::nullopt;
    const unsigned long long number = PyLong_AsUnsignedLongLong(value.ptr());
    if (PyErr_Occurred() != nullptr) {
      PyErr_Clear();
      *why = "out of range";
      return std::nullopt;
    }
    if (number > most) {
      *why = "out of range";
      return std::nullopt;
    }
    return Value::unsigned_integral(type, number);
  }

  static std::optional<Value> floating(const DataType& type, py::handle value, std::string* why) {
    const bool integral = is_integer(value);
    if (!integral && !PyFloat_Check(value.ptr())) return std::nullopt;
    double number =
        PyFloat_Check(value.ptr()) ? PyFloat_AS_DOUBLE(value.ptr()) : PyLong_AsDouble(value.ptr());
    if (PyErr_Occurred() != nullptr) {
      PyErr_Clear();
      *why = "out of range";
      return std::nullopt;
    }
    if (type.id() == TypeId::kFloat32) {
      if (std::isfinite(number) && std::fabs(number) > std::numeric_limits<float>::max()) {
        *why = "out of range";
        return std::nullopt;
      }
      number = static_cast<float>(number);
    }
    // A float is rounded to float32 as everybody expects; an integer keeps every digit or is
    // refused.
    if (integral &&
        !py::reinterpret_steal<py::object>(checked(PyLong_FromDouble(number))).equal(value)) {
      *why = "digits would be lost";
      return std::nullopt;
    }
    return Value::floating(type, number);
  }

  std::optional<Value> decimal(const DataType& type, py::handle value, std::string* why) const {
    if (!is_integer(value) && !py::isinstance(value, classes_.decimal)) return std::nullopt;
    const auto text =
        py::cast<std::string>(py::str(classes_.decimal(value).attr("__format__")("f")));
    const std::optional<Int128> number = parse_decimal(text, type.scale());
    const Int128 limit = power_of_ten(type.precision());
    if (!number || *number >= limit || *number <= -limit) {
      *why = "it does not fit precision and scale exactly";
      return std::nullopt;
    }
    return Value::decimal(type, *number);
  }

  std::optional<Value> date(const DataType& type, py::handle value) const {
    if (py::isinstance<py::str>(value)) {
      const std::optional<int32_t> days = parse_date(py::cast<std::string>(value));
      if (!days) return std::nullopt;
      return Value::integral(type, *days);
    }
    if (py::isinstance(value, classes_.datetime) || !py::isinstance(value, classes_.date)) {
      return std::nullopt;
    }
    return Value::integral(type, days_of(value));
  }

  std::optional<Value> time(const DataType& type, py::handle value, std::string* why) const {
    if (py::isinstance<py::str>(value)) {
      const std::optional<int64_t> micros = parse_time(py::cast<std::string>(value));
      if (!micros) return std::nullopt;
      return Value::integral(type, *micros);
    }
    if (!py::isinstance(value, classes_.time)) return std::nullopt;
    if (!value.attr("tzinfo").is_none()) {
      *why = "it has a time zone";
      return std::nullopt;
    }
    return Value::integral(type, micros_of_day(value));
  }

  // datetime, ISO text, or an integer: units since 1970-01-01 UTC.
  std::optional<Value> timestamp(const DataType& type, py::handle value, std::string* why) const {
    if (is_integer(value)) return integer<int64_t>(type, value, why);
    const bool has_zone = !type.time_zone().empty();
    if (py::isinstance<py::str>(value)) {
      bool had_offset = false;
      const std::optional<int64_t> units =
          parse_timestamp(py::cast<std::string>(value), type.unit(), &had_offset);
      if (!units) return std::nullopt;
      if (!zones_agree(has_zone, had_offset, why)) return std::nullopt;
      return Value::integral(type, *units);
    }
    if (!py::isinstance(value, classes_.datetime)) return std::nullopt;
    const py::object offset = value.attr("utcoffset")();
    if (!zones_agree(has_zone, !offset.is_none(), why)) return std::nullopt;
    Int128 micros = Int128{days_of(value)} * 86400 * 1000000 + micros_of_day(value);
    if (!offset.is_none()) micros -= micros_of_delta(offset);
    const int64_t per_second = units_per_second(type.unit());
    Int128 units = micros;
    if (per_second < 1000000) {
      const int64_t divide = 1000000 / per_second;
      if (micros % divide != 0) {
        *why = concat("it is finer than the column's unit");
        return std::nullopt;
      }
      units = micros / divide;
    } else {
      units = micros * (per_second / 1000000);
    }
    // Of pandas, whose times are datetimes with more digits.
    if (const int64_t nanos = nanos_of(value, "nanosecond"); nanos != 0) {
      if (per_second != 1000000000) {
        *why = "it is finer than the column's unit";
        return std::nullopt;
      }
      units += nanos;
    }
    if (units > INT64_MAX || units < INT64_MIN) {
      *why = "out of range";
      return std::nullopt;
    }
    return Value::integral(type, static_cast<int64_t>(units));
  }

  static int64_t nanos_of(py::handle value, const char* name) {
    return py::hasattr(value, name) ? py::cast<int64_t>(value.attr(name)) : 0;
  }

  static bool zones_agree(bool column, bool value, std::string* why) {
    if (column == value) return true;
    *why = column ? "the column has a time zone and the value has none"
                  : "the value has a time zone and the column has none";
    return false;
  }

  std::optional<Value> interval(py::handle value, std::string* why) const {
    Interval out;
    if (py::isinstance(value, classes_.timedelta)) {
      if (nanos_of(value, "nanoseconds") != 0) {
        *why = "it is finer than microseconds";
        return std::nullopt;
      }
      out.days = py::cast<int32_t>(value.attr("days"));
      out.micros = py::cast<int64_t>(value.attr("seconds")) * 1000000 +
                   py::cast<int64_t>(value.attr("microseconds"));
      return Value::interval(out);
    }
    if (!py::isinstance<py::tuple>(value) || py::len(value) != 3) return std::nullopt;
    const auto parts = py::reinterpret_borrow<py::tuple>(value);
    for (const py::handle part : parts) {
      if (!is_integer(part)) return std::nullopt;
    }
    const std::optional<int32_t> months = in_range<int32_t>(parts[0]);
    const std::optional<int32_t> days = in_range<int32_t>(parts[1]);
    const std::optional<int64_t> micros = in_range<int64_t>(parts[2]);
    std::string_view beyond;
    if (!micros) beyond = "microseconds";
    if (!days) beyond = "days";
    if (!months) beyond = "months";
    if (!beyond.empty()) {
      *why = concat("its ", beyond, " are out of range");
      return std::nullopt;
    }
    out.months = *months;
    out.days = *days;
    out.micros = *micros;
    return Value::interval(out);
  }

  static std::optional<Value> vector(const DataType& type, py::handle value, std::string* why) {
    const py::object items = py::hasattr(value, "tolist")
                                 ? py::object(value.attr("tolist")())
                                 : py::reinterpret_borrow<py::object>(value);
    if (!py::isinstance<py::list>(items) && !py::isinstance<py::tuple>(items)) return std::nullopt;
    if (py::len(items) != static_cast<size_t>(type.list_size())) {
      *why = concat("it has ", py::len(items), " elements");
      return std::nullopt;
    }
    std::vector<float> out;
    const DataType element(TypeId::kFloat32);
    for (const py::handle item : items) {
      const std::optional<Value> number = floating(element, item, why);
      if (!number) return std::nullopt;
      out.push_back(static_cast<float>(number->as_double()));
    }
    return Value::vector(std::move(out));
  }

  static int64_t days_of(py::handle date) {
    return days_from_civil({py::cast<int64_t>(date.attr("year")), py::cast<int>(date.attr("month")),
                            py::cast<int>(date.attr("day"))});
  }
  static int64_t micros_of_day(py::handle time) {
    const int64_t seconds = py::cast<int64_t>(time.attr("hour")) * 3600 +
                            py::cast<int64_t>(time.attr("minute")) * 60 +
                            py::cast<int64_t>(time.attr("second"));
    return seconds * 1000000 + py::cast<int64_t>(time.attr("microsecond"));
  }
  static int64_t micros_of_delta(py::handle delta) {
    return (py::cast<int64_t>(delta.attr("days")) * 86400 +
            py::cast<int64_t>(delta.attr("seconds"))) *
               1000000 +
           py::cast<int64_t>(delta.attr("microseconds"));
  }

  const Classes& classes_;
};

std::string shown(py::handle object) { return excerpt(std::string(py::str(py::repr(object)))); }

// The values of one row by column; a missing key is none.
std::vector<py::object> row_values(const Schema& schema, py::handle row, size_t number) {
  std::vector<py::object> out;
  if (py::isinstance<py::dict>(row)) {
    size_t found = 0;
    for (const Field& field : schema.fields()) {
      PyObject* value = PyDict_GetItem(row.ptr(), py::str(field.name).ptr());
      if (value != nullptr) ++found;
      out.push_back(value == nullptr ? py::object(py::none())
                                     : py::reinterpret_borrow<py::object>(value));
    }
    if (found == py::len(row)) return out;
    for (const auto& [key, value] : py::reinterpret_borrow<py::dict>(row)) {
      const std::string name = py::isinstance<py::str>(key) ? py::cast<std::string>(key) : "";
      bool known = false;
      for (const Field& field : schema.fields()) known = known || field.name == name;
      if (known) continue;
      throw Error(ErrorKind::kInvalidArgument,
                  concat("row ", number, ": ", shown(key), " is no column of the source",
                         did_you_mean(name, schema.names()), "; it has ",
                         excerpt(join_texts(schema.names(), ", "), 300)));
    }
    return out;
  }
  if (py::isinstance<py::list>(row) || py::isinstance<py::tuple>(row)) {
    if (py::len(row) != schema.size()) {
      throw Error(ErrorKind::kInvalidArgument,
                  concat("row ", number, " has ", py::len(row), " values; the source has ",
                         schema.size(), " columns"));
    }
    for (const py::handle value : row) out.push_back(py::reinterpret_borrow<py::object>(value));
    return out;
  }
  throw Error(ErrorKind::kInvalidArgument,
              concat("row ", number, " is ", shown(row), "; a row is a dict, a list or a tuple"));
}

bool is_not_a_time(py::handle value) {
  return std::string_view(Py_TYPE(value.ptr())->tp_name).find("NaTType") != std::string_view::npos;
}

// NumPy's times, whose item() is a bare integer where Python has no such time: a datetime, a date
// or a timedelta, None for NaT, or nanoseconds for a column of them. Empty, with the reason:
// neither.
std::optional<py::object> plain_time(const DataType& type, const py::object& value,
                                     const std::string& kind, std::string* why) {
  if (py::cast<std::string>(py::str(value)) == "NaT") return py::none();
  const py::object unit = value.attr("dtype").attr("str");
  const bool nanos = py::cast<std::string>(unit).find("[ns]") != std::string::npos;
  if (nanos && type.id() == TypeId::kTimestamp && type.unit() == TimeUnit::kNano &&
      type.time_zone().empty()) {
    return value.attr("astype")("i8").attr("item")();
  }
  const bool is_date = type.id() == TypeId::kDate32;
  const py::object exact = value.attr("astype")(kind + (is_date ? "8[D]" : "8[us]"));
  if (!exact.equal(value)) {
    *why = is_date ? "it is finer than a day" : "it is finer than microseconds";
    return std::nullopt;
  }
  py::object plain = exact.attr("item")();
  if (PyLong_Check(plain.ptr())) {
    *why = "it is beyond the years 1 to 9999";
    return std::nullopt;
  }
  return plain;
}

}  // namespace

Chunk rows_from_python(const Schema& schema, py::handle rows) {
  const Classes classes;
  const ValueReader reader(classes);
  std::vector<std::unique_ptr<ColumnBuilder>> builders;
  for (const Field& field : schema.fields()) builders.push_back(ColumnBuilder::make(field.type));
  Chunk chunk;
  for (const py::handle row : py::reinterpret_borrow<py::iterable>(rows)) {
    const std::vector<py::object> values = row_values(schema, row, static_cast<size_t>(chunk.rows));
    for (size_t c = 0; c < values.size(); ++c) {
      py::object value = values[c];
      std::string why;
      const Field& field = schema.field(c);
      bool readable = true;
      // NumPy's scalars know their plain Python value.
      if (py::hasattr(value, "dtype") && py::hasattr(value, "item") &&
          !py::hasattr(value, "__len__")) {
        const auto kind = py::cast<std::string>(value.attr("dtype").attr("kind"));
        if (kind == "M" || kind == "m") {
          const std::optional<py::object> plain = plain_time(field.type, value, kind, &why);
          readable = plain.has_value();
          if (readable) value = *plain;
        } else {
          value = value.attr("item")();
        }
      }
      if (value.is_none() || is_not_a_time(value)) {
        builders[c]->append_null();
        continue;
      }
      const std::optional<Value> read =
          readable ? reader.read(field.type, value, &why) : std::nullopt;
      if (!read) {
        throw Error(ErrorKind::kTypeMismatch,
                    concat("row ", chunk.rows, ", column '", excerpt(field.name),
                           "': ", shown(values[c]), " (", Py_TYPE(values[c].ptr())->tp_name,
                           ") cannot be ", field.type.to_string(), why.empty() ? "" : ": ", why,
                           "; convert it, or give the column another type in the source's schema"));
      }
      builders[c]->append_value(*read);
    }
    ++chunk.rows;
  }
  for (const auto& builder : builders) chunk.columns.push_back(builder->finish());
  return chunk;
}

std::vector<Chunk> chunks_from_arrow(const Schema& schema, ArrowArrayStream stream) {
  const ImportedTable table = import_stream(&stream);
  const Schema& given = table.schema();
  std::vector<size_t> places;
  for (const Field& field : schema.fields()) {
    std::optional<size_t> place;
    for (size_t i = 0; i < given.size() && !place; ++i) {
      if (given.field(i).name == field.name) place = i;
    }
    if (!place) {
      throw Error(ErrorKind::kInvalidArgument,
                  concat("the data has no column '", excerpt(field.name), "'",
                         did_you_mean(field.name, given.names()), "; the source has ",
                         excerpt(schema.to_string(), 300)));
    }
    const DataType& type = given.field(*place).type;
    if (type != field.type) {
      throw Error(
          ErrorKind::kTypeMismatch,
          concat("column '", excerpt(field.name), "' is ", type.to_string(),
                 " and the source expects ", field.type.to_string(), "; cast it before pushing"));
    }
    places.push_back(*place);
  }
  if (given.size() != schema.size()) {
    throw Error(ErrorKind::kInvalidArgument,
                concat("the data has ", given.size(), " columns (", excerpt(given.to_string(), 300),
                       "); the source has ", schema.size()));
  }
  std::vector<Chunk> chunks;
  for (const ImportedArrayPtr& batch : table.batches) {
    Chunk chunk;
    chunk.rows = batch->rows();
    for (const size_t place : places) chunk.columns.push_back(batch->column(place));
    chunks.push_back(std::move(chunk));
  }
  return chunks;
}

}  // namespace velaria::python
