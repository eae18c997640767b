#include "src/column/value.h"

#include <algorithm>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/column/calendar.h"
#include "src/column/decimal.h"
#include "src/column/nested_array.h"

namespace velaria {

Value Value::vector(std::vector<float> v) {
  DataType type = DataType::vector(static_cast<int32_t>(v.size()));
  return Value(std::move(type), std::move(v));
}

template <typename T>
const T& Value::get() const {
  const T* data = std::get_if<T>(&data_);
  VELARIA_CHECK(data != nullptr);
  return *data;
}

template const bool& Value::get<bool>() const;
template const int64_t& Value::get<int64_t>() const;
template const uint64_t& Value::get<uint64_t>() const;
template const double& Value::get<double>() const;
template const Int128& Value::get<Int128>() const;
template const std::string& Value::get<std::string>() const;
template const Interval& Value::get<Interval>() const;
template const std::vector<float>& Value::get<std::vector<float>>() const;

std::string Value::to_string() const {
  if (is_null()) return "NULL";
  switch (type_.id()) {
    case TypeId::kNull: return "NULL";
    case TypeId::kBool: return as_bool() ? "true" : "false";
    case TypeId::kInt8:
    case TypeId::kInt16:
    case TypeId::kInt32:
    case TypeId::kInt64: return std::to_string(as_int64());
    case TypeId::kUInt8:
    case TypeId::kUInt16:
    case TypeId::kUInt32:
    case TypeId::kUInt64: return std::to_string(as_uint64());
    case TypeId::kFloat32: return format_float(static_cast<float>(as_double()));
    case TypeId::kFloat64: return format_double(as_double());
    case TypeId::kDecimal128: return format_decimal(as_int128(), type_.scale());
    case TypeId::kUtf8: return as_text();
    case TypeId::kBinary: {
      std::string out = "\\x";
      constexpr char kHex[] = "0123456789abcdef";
      for (char c : as_text()) {
        out += kHex[static_cast<uint8_t>(c) >> 4];
        out += kHex[static_cast<uint8_t>(c) & 15];
      }
      return out;
    }
    case TypeId::kDate32: return format_date(static_cast<int32_t>(as_int64()));
    case TypeId::kTime64: return format_time(as_int64());
    case TypeId::kTimestamp: return format_timestamp(as_int64(), type_);
    case TypeId::kInterval: return format_interval(as_interval());
    case TypeId::kFixedSizeList: {
      std::vector<std::string> parts;
      for (float v : as_vector()) parts.push_back(format_float(v));
      return "[" + join_texts(parts, ", ") + "]";
    }
    case TypeId::kNested: return nested_json(type_.nested_type(), as_text());
  }
  return "";
}

std::string Value::to_sql() const {
  if (is_null()) return "NULL";
  switch (type_.id()) {
    case TypeId::kUtf8:
    case TypeId::kBinary:
    case TypeId::kNested: return quote_sql_string(to_string());
    case TypeId::kDate32: return "DATE " + quote_sql_string(to_string());
    case TypeId::kTime64: return "TIME " + quote_sql_string(to_string());
    case TypeId::kTimestamp: return "TIMESTAMP " + quote_sql_string(to_string());
    case TypeId::kInterval: return "INTERVAL " + quote_sql_string(to_string());
    default: return to_string();
  }
}

}  // namespace velaria
