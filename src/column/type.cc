#include "src/column/type.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <vector>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/column/nested_type.h"

namespace velaria {

int64_t units_per_second(TimeUnit unit) {
  switch (unit) {
    case TimeUnit::kSecond: return 1;
    case TimeUnit::kMilli: return 1000;
    case TimeUnit::kMicro: return 1000000;
    case TimeUnit::kNano: return 1000000000;
  }
  return 1;
}

DataType DataType::decimal(int precision, int scale) {
  if (precision < 1 || precision > 38 || scale < 0 || scale > precision) {
    throw Error(ErrorKind::kSqlSemantic,
                concat("decimal(", precision, ", ", scale,
                       ") does not exist; precision is 1 to 38 and scale 0 to precision"));
  }
  DataType type(TypeId::kDecimal128);
  type.precision_ = static_cast<uint8_t>(precision);
  type.scale_ = static_cast<int8_t>(scale);
  return type;
}

DataType DataType::timestamp(TimeUnit unit, std::string_view time_zone) {
  DataType type(TypeId::kTimestamp);
  type.unit_ = unit;
  if (!time_zone.empty()) type.details_ = std::make_shared<const std::string>(time_zone);
  return type;
}

DataType DataType::vector(int32_t dimension) {
  DataType type(TypeId::kFixedSizeList);
  type.list_size_ = dimension;
  return type;
}

DataType DataType::nested(std::shared_ptr<const NestedType> tree) {
  VELARIA_CHECK(tree != nullptr);
  DataType type(TypeId::kNested);
  type.details_ = std::move(tree);
  return type;
}

const std::string& DataType::time_zone() const {
  static const std::string none;
  return id_ == TypeId::kTimestamp && details_ ? *static_cast<const std::string*>(details_.get())
                                               : none;
}

const NestedType& DataType::nested_type() const {
  VELARIA_CHECK(is_nested());
  return *static_cast<const NestedType*>(details_.get());
}

bool DataType::operator==(const DataType& other) const {
  if (id_ != other.id_) return false;
  switch (id_) {
    case TypeId::kDecimal128: return precision_ == other.precision_ && scale_ == other.scale_;
    case TypeId::kTimestamp: return unit_ == other.unit_ && time_zone() == other.time_zone();
    case TypeId::kFixedSizeList: return list_size_ == other.list_size_;
    case TypeId::kNested: return details_ == other.details_ || nested_type() == other.nested_type();
    default: return true;
  }
}

std::string DataType::to_string() const {
  switch (id_) {
    case TypeId::kNull: return "null";
    case TypeId::kBool: return "bool";
    case TypeId::kInt8: return "int8";
    case TypeId::kInt16: return "int16";
    case TypeId::kInt32: return "int32";
    case TypeId::kInt64: return "int64";
    case TypeId::kUInt8: return "uint8";
    case TypeId::kUInt16: return "uint16";
    case TypeId::kUInt32: return "uint32";
    case TypeId::kUInt64: return "uint64";
    case TypeId::kFloat32: return "float32";
    case TypeId::kFloat64: return "float64";
    case TypeId::kDecimal128:
      return concat("decimal128(", static_cast<int>(precision_), ", ", static_cast<int>(scale_),
                    ")");
    case TypeId::kUtf8: return "utf8";
    case TypeId::kBinary: return "binary";
    case TypeId::kDate32: return "date32";
    case TypeId::kTime64: return "time64[us]";
    case TypeId::kTimestamp: {
      const char* units[] = {"s", "ms", "us", "ns"};
      const char* unit = units[static_cast<int>(unit_)];
      return time_zone().empty() ? concat("timestamp[", unit, "]")
                                 : concat("timestamp[", unit, ", ", time_zone(), "]");
    }
    case TypeId::kInterval: return "interval";
    case TypeId::kFixedSizeList: return concat("fixed_size_list<float32>[", list_size_, "]");
    case TypeId::kNested: return nested_type().to_string();
  }
  return "unknown";
}

int DataType::value_width_bytes() const {
  switch (id_) {
    case TypeId::kNull:
    case TypeId::kFixedSizeList: return 0;
    case TypeId::kBool:
    case TypeId::kInt8:
    case TypeId::kUInt8: return 1;
    case TypeId::kInt16:
    case TypeId::kUInt16: return 2;
    case TypeId::kInt32:
    case TypeId::kUInt32:
    case TypeId::kFloat32:
    case TypeId::kDate32: return 4;
    case TypeId::kInt64:
    case TypeId::kUInt64:
    case TypeId::kFloat64:
    case TypeId::kTime64:
    case TypeId::kTimestamp: return 8;
    case TypeId::kDecimal128:
    case TypeId::kUtf8:
    case TypeId::kBinary:
    case TypeId::kInterval:
    case TypeId::kNested: return 16;
  }
  return 0;
}

namespace {

const std::map<std::string, DataType>& named_types() {
  static const auto* types = new std::map<std::string, DataType>{
      {"bool", DataType(TypeId::kBool)},
      {"boolean", DataType(TypeId::kBool)},
      {"tinyint", DataType(TypeId::kInt8)},
      {"int8", DataType(TypeId::kInt8)},
      {"smallint", DataType(TypeId::kInt16)},
      {"int16", DataType(TypeId::kInt16)},
      {"int", DataType(TypeId::kInt32)},
      {"integer", DataType(TypeId::kInt32)},
      {"int32", DataType(TypeId::kInt32)},
      {"bigint", DataType(TypeId::kInt64)},
      {"int64", DataType(TypeId::kInt64)},
      {"uint8", DataType(TypeId::kUInt8)},
      {"utinyint", DataType(TypeId::kUInt8)},
      {"uint16", DataType(TypeId::kUInt16)},
      {"usmallint", DataType(TypeId::kUInt16)},
      {"uint32", DataType(TypeId::kUInt32)},
      {"uinteger", DataType(TypeId::kUInt32)},
      {"uint64", DataType(TypeId::kUInt64)},
      {"ubigint", DataType(TypeId::kUInt64)},
      {"float", DataType(TypeId::kFloat32)},
      {"real", DataType(TypeId::kFloat32)},
      {"float32", DataType(TypeId::kFloat32)},
      {"double", DataType(TypeId::kFloat64)},
      {"double precision", DataType(TypeId::kFloat64)},
      {"float64", DataType(TypeId::kFloat64)},
      {"text", DataType(TypeId::kUtf8)},
      {"varchar", DataType(TypeId::kUtf8)},
      {"string", DataType(TypeId::kUtf8)},
      {"utf8", DataType(TypeId::kUtf8)},
      {"blob", DataType(TypeId::kBinary)},
      {"bytea", DataType(TypeId::kBinary)},
      {"binary", DataType(TypeId::kBinary)},
      {"date", DataType(TypeId::kDate32)},
      {"date32", DataType(TypeId::kDate32)},
      {"time", DataType(TypeId::kTime64)},
      {"time64[us]", DataType(TypeId::kTime64)},
      {"timestamp", DataType::timestamp(TimeUnit::kMicro)},
      {"timestamp[s]", DataType::timestamp(TimeUnit::kSecond)},
      {"timestamp[ms]", DataType::timestamp(TimeUnit::kMilli)},
      {"timestamp[us]", DataType::timestamp(TimeUnit::kMicro)},
      {"timestamp[ns]", DataType::timestamp(TimeUnit::kNano)},
      {"timestamptz", DataType::timestamp(TimeUnit::kMicro, "UTC")},
      {"interval", DataType(TypeId::kInterval)},
  };
  return *types;
}

// How other tools name these types, for the hint of an error.
const std::map<std::string, std::string>& foreign_type_names() {
  static const auto* names = new std::map<std::string, std::string>{
      {"str", "string"},
      {"object", "string"},
      {"category", "string"},
      {"char", "string"},
      {"bytes", "binary"},
      {"datetime", "timestamp"},
      {"datetime64", "timestamp"},
      {"datetime64[us]", "timestamp[us]"},
      {"datetime64[ns]", "timestamp[ns]"},
      {"timedelta", "interval"},
      {"long", "bigint"},
      {"number", "double"},
  };
  return *names;
}

std::string_view trim_spaces(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

std::optional<int> number_of(std::string_view text) {
  int value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// decimal(p, s), fixed_size_list<float32>[n] and timestamp[unit, zone]. The zone keeps its case.
std::optional<DataType> type_with_parameters(std::string_view folded, std::string_view name) {
  const size_t open = folded.find_first_of("([");
  if (open == std::string_view::npos || (folded.back() != ')' && folded.back() != ']')) {
    return std::nullopt;
  }
  const std::string_view base = trim_spaces(folded.substr(0, open));
  const std::string_view inside = folded.substr(open + 1, folded.size() - open - 2);
  const size_t comma = std::min(inside.find(','), inside.size());
  const std::string_view first = trim_spaces(inside.substr(0, comma));
  const std::string_view second =
      comma == inside.size() ? "" : trim_spaces(inside.substr(comma + 1));
  if (base == "decimal" || base == "decimal128" || base == "numeric") {
    const std::optional<int> precision = number_of(first);
    const std::optional<int> scale = second.empty() ? 0 : number_of(second);
    if (precision && scale) return DataType::decimal(*precision, *scale);
  } else if (base == "fixed_size_list<float32>" || base == "vector") {
    const std::optional<int> size = number_of(first);
    if (size && *size > 0 && second.empty()) return DataType::vector(*size);
  } else if (base == "timestamp" && !second.empty()) {
    const auto unit = named_types().find(concat("timestamp[", first, "]"));
    const auto zone = static_cast<size_t>(second.data() - folded.data());
    if (unit != named_types().end()) {
      return DataType::timestamp(unit->second.unit(), name.substr(zone, second.size()));
    }
  }
  return std::nullopt;
}

}  // namespace

DataType type_from_name(std::string_view name) {
  const std::string folded = to_lower_ascii(name);
  const auto& types = named_types();
  const auto found = types.find(folded);
  if (found != types.end()) return found->second;
  if (const auto type = type_with_parameters(folded, name)) return *type;
  std::vector<std::string> names;
  for (const auto& [known, type] : types) names.push_back(known);
  const auto foreign = foreign_type_names().find(folded);
  const std::string hint = foreign == foreign_type_names().end()
                               ? did_you_mean(folded, names)
                               : concat("; did you mean '", foreign->second, "'?");
  throw Error(ErrorKind::kSqlSemantic, concat("type '", excerpt(name), "' does not exist", hint));
}

}  // namespace velaria
