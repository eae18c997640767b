#include "src/column/arrow/format.h"

#include <charconv>
#include <string_view>

#include "src/base/error.h"
#include "src/base/text.h"

namespace velaria {

namespace {

[[noreturn]] void refuse(const ArrowFormat& format, std::string_view what,
                         std::string_view what_to_do) {
  throw Error(
      ErrorKind::kTypeMismatch,
      concat("column '", excerpt(format.column), "' is an Arrow ", what, " (format '",
             excerpt(format.text), "'), which Velaria does not hold in a column; ", what_to_do));
}

[[noreturn]] void malformed(const ArrowFormat& format, std::string_view what) {
  throw Error(ErrorKind::kInvalidArgument,
              concat("the Arrow schema of column '", excerpt(format.column), "' (format '",
                     excerpt(format.text), "') is malformed: ", what,
                     "; this is a defect of the program that made it"));
}

int32_t read_number(const ArrowFormat& format, std::string_view text) {
  int32_t value = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  if (result.ec != std::errc() || result.ptr != text.data() + text.size()) {
    malformed(format, concat("'", excerpt(text), "' is not a number"));
  }
  return value;
}

bool starts_with(std::string_view text, std::string_view start) {
  return text.substr(0, start.size()) == start;
}

void set_fixed(ArrowFormat* format, DataType type) {
  format->type = std::move(type);
  format->layout = ArrowLayout::kFixed;
  format->width_bytes = format->type.value_width_bytes();
}

void set(ArrowFormat* format, DataType type, ArrowLayout layout) {
  format->type = std::move(type);
  format->layout = layout;
}

// Formats of one character.
bool read_simple(ArrowFormat* format) {
  if (format->text.size() != 1) return false;
  switch (format->text[0]) {
    case 'n': set(format, DataType(TypeId::kNull), ArrowLayout::kNull); return true;
    case 'b': set(format, DataType(TypeId::kBool), ArrowLayout::kBool); return true;
    case 'c': set_fixed(format, DataType(TypeId::kInt8)); return true;
    case 'C': set_fixed(format, DataType(TypeId::kUInt8)); return true;
    case 's': set_fixed(format, DataType(TypeId::kInt16)); return true;
    case 'S': set_fixed(format, DataType(TypeId::kUInt16)); return true;
    case 'i': set_fixed(format, DataType(TypeId::kInt32)); return true;
    case 'I': set_fixed(format, DataType(TypeId::kUInt32)); return true;
    case 'l': set_fixed(format, DataType(TypeId::kInt64)); return true;
    case 'L': set_fixed(format, DataType(TypeId::kUInt64)); return true;
    case 'e': set(format, DataType(TypeId::kFloat32), ArrowLayout::kFloat16); return true;
    case 'f': set_fixed(format, DataType(TypeId::kFloat32)); return true;
    case 'g': set_fixed(format, DataType(TypeId::kFloat64)); return true;
    case 'u': set(format, DataType(TypeId::kUtf8), ArrowLayout::kText32); return true;
    case 'U': set(format, DataType(TypeId::kUtf8), ArrowLayout::kText64); return true;
    case 'z': set(format, DataType(TypeId::kBinary), ArrowLayout::kText32); return true;
    case 'Z': set(format, DataType(TypeId::kBinary), ArrowLayout::kText64); return true;
    default: return false;
  }
}

// "d:precision,scale[,bits]"
void read_decimal(ArrowFormat* format) {
  std::vector<int32_t> numbers;
  std::string_view rest = std::string_view(format->text).substr(2);
  while (true) {
    const size_t comma = rest.find(',');
    numbers.push_back(read_number(*format, rest.substr(0, comma)));
    if (comma == std::string_view::npos) break;
    rest.remove_prefix(comma + 1);
  }
  if (numbers.size() < 2 || numbers.size() > 3) {
    malformed(*format, "a decimal has two or three numbers");
  }
  const int32_t bits = numbers.size() == 3 ? numbers[2] : 128;
  if (bits == 256) {
    refuse(*format, "decimal256", "cast it to decimal128 of at most 38 digits first");
  }
  if (bits != 32 && bits != 64 && bits != 128) malformed(*format, "unknown width of a decimal");
  if (numbers[0] < 1 || numbers[0] > 38 || numbers[1] < 0 || numbers[1] > numbers[0]) {
    refuse(*format, "decimal with a scale below 0 or above its precision",
           "cast it to a decimal128 whose scale lies between 0 and the precision first");
  }
  DataType type = DataType::decimal(numbers[0], numbers[1]);
  if (bits == 128) {
    set_fixed(format, std::move(type));
  } else {
    set(format, std::move(type), bits == 64 ? ArrowLayout::kDecimal64 : ArrowLayout::kDecimal32);
  }
}

// The unit letter of times, timestamps and durations.
TimeUnit read_unit(const ArrowFormat& format, char letter) {
  switch (letter) {
    case 's': return TimeUnit::kSecond;
    case 'm': return TimeUnit::kMilli;
    case 'u': return TimeUnit::kMicro;
    case 'n': return TimeUnit::kNano;
    default: malformed(format, "unknown unit of time");
  }
}

void set_micros(ArrowFormat* format, TimeUnit unit) {
  if (unit == TimeUnit::kNano) {
    format->divide = 1000;
  } else {
    format->multiply = 1000000 / units_per_second(unit);
  }
}

void read_temporal(ArrowFormat* format) {
  const std::string& text = format->text;
  if (text == "tdD") {
    set_fixed(format, DataType(TypeId::kDate32));
  } else if (text == "tdm") {
    set(format, DataType(TypeId::kDate32), ArrowLayout::kDate64);
  } else if (text == "ttu") {
    set_fixed(format, DataType(TypeId::kTime64));
  } else if (text.size() == 3 && starts_with(text, "tt")) {
    const TimeUnit unit = read_unit(*format, text[2]);
    const bool nanos = unit == TimeUnit::kNano;
    set(format, DataType(TypeId::kTime64), nanos ? ArrowLayout::kTime64 : ArrowLayout::kTime32);
    set_micros(format, unit);
  } else if (text.size() >= 4 && starts_with(text, "ts") && text[3] == ':') {
    const TimeUnit unit = read_unit(*format, text[2]);
    set_fixed(format, DataType::timestamp(unit, std::string_view(text).substr(4)));
  } else if (text.size() == 3 && starts_with(text, "tD")) {
    set(format, DataType(TypeId::kInterval), ArrowLayout::kDuration);
    set_micros(format, read_unit(*format, text[2]));
  } else if (text == "tiM") {
    set(format, DataType(TypeId::kInterval), ArrowLayout::kYearMonth);
  } else if (text == "tiD") {
    set(format, DataType(TypeId::kInterval), ArrowLayout::kDayTime);
  } else if (text == "tin") {
    set(format, DataType(TypeId::kInterval), ArrowLayout::kMonthDayNano);
  } else {
    refuse(*format, "type unknown to this version",
           "cast it to a type of the list in the docs first");
  }
}

// `values`: what the indices of `format` choose from.
void read_dictionary(ArrowFormat* format, ArrowFormat values) {
  ArrowFormat index;
  index.column = format->column;
  index.text = format->text;
  if (!read_simple(&index) || !index.type.is_integer()) {
    malformed(*format, "dictionary indices are integers");
  }
  set(format, values.type, ArrowLayout::kDictionary);
  format->width_bytes = index.width_bytes;
  format->signed_index = index.type.is_signed_integer();
  format->children.push_back(std::move(values));
}

const ArrowSchema& child_of(const ArrowFormat& format, const ArrowSchema& schema, int64_t i) {
  if (schema.children == nullptr || i >= schema.n_children || schema.children[i] == nullptr) {
    malformed(format, concat("child ", i, " is missing"));
  }
  return *schema.children[i];
}

bool has_vectors(const ArrowSchema& schema, std::string_view format) {
  if (!starts_with(format, "+w:") || format == "+w:0" || schema.children == nullptr ||
      schema.n_children < 1 || schema.children[0] == nullptr) {
    return false;
  }
  const ArrowSchema& element = *schema.children[0];
  const std::string_view of = element.format == nullptr ? "" : element.format;
  return element.dictionary == nullptr && (of == "f" || of == "e" || of == "g");
}

// "+w:dimension"
void read_vector(ArrowFormat* format, const ArrowSchema& schema) {
  const int32_t dimension = read_number(*format, std::string_view(format->text).substr(3));
  if (dimension < 1) malformed(*format, "a size below 0");
  format->children.push_back(read_arrow_format(*schema.children[0], format->column));
  if (format->children[0].text == "g") {
    set(&format->children[0], DataType(TypeId::kFloat32), ArrowLayout::kFloat64);
  }
  set(format, DataType::vector(dimension), ArrowLayout::kVector);
}

// Bytes of a leaf's value as it lies in Arrow.
int32_t leaf_width(const ArrowFormat& format) {
  switch (format.layout) {
    case ArrowLayout::kBool: return 1;
    case ArrowLayout::kFloat16: return 2;
    case ArrowLayout::kDecimal32:
    case ArrowLayout::kTime32:
    case ArrowLayout::kYearMonth: return 4;
    case ArrowLayout::kDecimal64:
    case ArrowLayout::kDate64:
    case ArrowLayout::kTime64:
    case ArrowLayout::kDuration:
    case ArrowLayout::kDayTime: return 8;
    case ArrowLayout::kMonthDayNano: return 16;
    default: return format.width_bytes;  // kFixed, kFixedText
  }
}

void set_leaf(ArrowFormat* format) {
  auto leaf = std::make_shared<NestedType>();
  leaf->leaf = format->type;
  leaf->arrow_format = format->text;
  switch (format->layout) {
    case ArrowLayout::kNull: leaf->kind = NestedType::Kind::kNull; break;
    case ArrowLayout::kBool: leaf->kind = NestedType::Kind::kBool; break;
    case ArrowLayout::kText32:
    case ArrowLayout::kText64:
    case ArrowLayout::kTextView:
      leaf->kind = NestedType::Kind::kText;
      if (format->layout == ArrowLayout::kTextView) {
        leaf->arrow_format = arrow_format_string(format->type);
      }
      break;
    default: leaf->kind = NestedType::Kind::kFixed; break;
  }
  format->width_bytes = leaf->width_bytes = leaf_width(*format);
  format->nested = std::move(leaf);
}

// A node of a nested column.
ArrowFormat read_node(const ArrowSchema& schema, const std::string& path, int depth);

NestedField read_child(ArrowFormat* format, const ArrowSchema& schema, int64_t i, int depth) {
  const ArrowSchema& child = child_of(*format, schema, i);
  NestedField field;
  field.name = child.name == nullptr ? "" : child.name;
  field.nullable = (child.flags & ARROW_FLAG_NULLABLE) != 0;
  format->children.push_back(read_node(child, concat(format->column, ".", field.name), depth + 1));
  field.type = format->children.back().nested;
  return field;
}

// "+l", "+L", "+vl", "+vL", "+w:size", "+s" and "+m": a column of its own, or inside of one.
void read_lists(ArrowFormat* format, const ArrowSchema& schema, int depth) {
  const std::string& text = format->text;
  if (depth > kDeepestNesting) {
    refuse(*format, concat("type nested more than ", kDeepestNesting, " deep"),
           "leave the column out, or take the fields you need out as columns");
  }
  auto node = std::make_shared<NestedType>();
  node->arrow_format = text;
  node->kind = NestedType::Kind::kList;
  if (text == "+s") {
    node->kind = NestedType::Kind::kStruct;
    format->layout = ArrowLayout::kStruct;
  } else if (text == "+m") {
    node->kind = NestedType::Kind::kMap;
    node->keys_sorted = (schema.flags & ARROW_FLAG_MAP_KEYS_SORTED) != 0;
    format->layout = ArrowLayout::kList32;
  } else if (starts_with(text, "+w:")) {
    node->kind = NestedType::Kind::kFixedSizeList;
    node->list_size = read_number(*format, std::string_view(text).substr(3));
    if (node->list_size < 0) malformed(*format, "a size below 0");
    format->layout = ArrowLayout::kFixedSizeList;
  } else if (text == "+l" || text == "+L") {
    format->layout = text == "+l" ? ArrowLayout::kList32 : ArrowLayout::kList64;
  } else {
    // Views of elements go out as lists.
    format->layout = text == "+vl" ? ArrowLayout::kListView32 : ArrowLayout::kListView64;
    node->arrow_format = text == "+vl" ? "+l" : "+L";
  }
  const int64_t children = node->kind == NestedType::Kind::kStruct ? schema.n_children : 1;
  for (int64_t i = 0; i < children; ++i) {
    node->fields.push_back(read_child(format, schema, i, depth));
  }
  if (node->kind == NestedType::Kind::kMap) {
    const NestedType& entry = *node->fields[0].type;
    if (entry.kind != NestedType::Kind::kStruct || entry.fields.size() != 2) {
      malformed(*format, "a map's entries are structs of a key and a value");
    }
  }
  format->nested = node;
  format->type = DataType::nested(std::move(node));
}

bool is_lists(std::string_view text) {
  return text == "+l" || text == "+L" || text == "+vl" || text == "+vL" || text == "+s" ||
         text == "+m" || starts_with(text, "+w:");
}

ArrowFormat read_node(const ArrowSchema& schema, const std::string& path, int depth) {
  ArrowFormat format;
  format.column = path;
  format.text = schema.format == nullptr ? "" : schema.format;
  if (schema.dictionary == nullptr && is_lists(format.text)) {
    read_lists(&format, schema, depth);
    return format;
  }
  if (schema.dictionary != nullptr) {
    read_dictionary(&format, read_node(*schema.dictionary, path, depth + 1));
    if (format.children[0].layout == ArrowLayout::kDictionary) {
      refuse(format, "dictionary of a dictionary", "cast it to its values first");
    }
    format.nested = format.children[0].nested;
    return format;
  }
  format = read_arrow_format(schema, path);
  if (format.layout == ArrowLayout::kRunEnd) {
    refuse(format, "run-end encoded array inside of a list, struct or map",
           "cast it to its values first");
  }
  set_leaf(&format);
  return format;
}

void read_nested(ArrowFormat* format, const ArrowSchema& schema) {
  const std::string& text = format->text;
  if (text == "vu") {
    set(format, DataType(TypeId::kUtf8), ArrowLayout::kTextView);
  } else if (text == "vz") {
    set(format, DataType(TypeId::kBinary), ArrowLayout::kTextView);
  } else if (starts_with(text, "w:")) {
    set(format, DataType(TypeId::kBinary), ArrowLayout::kFixedText);
    format->width_bytes = read_number(*format, std::string_view(text).substr(2));
    if (format->width_bytes < 0) malformed(*format, "a width below 0");
  } else if (has_vectors(schema, text)) {
    read_vector(format, schema);
  } else if (is_lists(text)) {
    read_lists(format, schema, 0);
  } else if (text == "+r") {
    ArrowFormat ends = read_arrow_format(child_of(*format, schema, 0), format->column);
    if (ends.layout != ArrowLayout::kFixed || !ends.type.is_signed_integer() ||
        ends.width_bytes == 1) {
      malformed(*format, "run ends are int16, int32 or int64");
    }
    ArrowFormat values = read_arrow_format(child_of(*format, schema, 1), format->column);
    set(format, values.type, ArrowLayout::kRunEnd);
    format->children.push_back(std::move(ends));
    format->children.push_back(std::move(values));
  } else if (starts_with(text, "+u")) {
    refuse(*format, starts_with(text, "+ud") ? "dense union" : "sparse union",
           "leave the column out, or cast it to one type first");
  } else {
    refuse(*format, "type unknown to this version",
           "cast it to a type of the list in the docs first");
  }
}

}  // namespace

ArrowFormat read_arrow_format(const ArrowSchema& schema, const std::string& column) {
  ArrowFormat format;
  format.column = column;
  if (schema.format == nullptr) malformed(format, "it has no format");
  format.text = schema.format;
  if (schema.dictionary != nullptr) {
    read_dictionary(&format, read_arrow_format(*schema.dictionary, column));
    return format;
  }
  if (read_simple(&format)) return format;
  if (starts_with(format.text, "d:")) {
    read_decimal(&format);
  } else if (starts_with(format.text, "t")) {
    read_temporal(&format);
  } else {
    read_nested(&format, schema);
  }
  return format;
}

std::string arrow_format_string(const DataType& type) {
  switch (type.id()) {
    case TypeId::kNull: return "n";
    case TypeId::kBool: return "b";
    case TypeId::kInt8: return "c";
    case TypeId::kInt16: return "s";
    case TypeId::kInt32: return "i";
    case TypeId::kInt64: return "l";
    case TypeId::kUInt8: return "C";
    case TypeId::kUInt16: return "S";
    case TypeId::kUInt32: return "I";
    case TypeId::kUInt64: return "L";
    case TypeId::kFloat32: return "f";
    case TypeId::kFloat64: return "g";
    case TypeId::kDecimal128: return concat("d:", type.precision(), ",", type.scale());
    case TypeId::kUtf8: return "u";
    case TypeId::kBinary: return "z";
    case TypeId::kDate32: return "tdD";
    case TypeId::kTime64: return "ttu";
    case TypeId::kTimestamp: {
      constexpr char kUnits[] = {'s', 'm', 'u', 'n'};
      return concat("ts", kUnits[static_cast<int>(type.unit())], ":", type.time_zone());
    }
    case TypeId::kInterval: return "tin";
    case TypeId::kFixedSizeList: return concat("+w:", type.list_size());
    case TypeId::kNested: return type.nested_type().arrow_format;
  }
  VELARIA_CHECK(false);
  return "";
}

}  // namespace velaria
