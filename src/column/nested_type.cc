#include "src/column/nested_type.h"

#include <string_view>

#include "src/base/text.h"

namespace velaria {

namespace {

std::string_view unit_name(char letter) {
  switch (letter) {
    case 's': return "s";
    case 'm': return "ms";
    case 'u': return "us";
    default: return "ns";
  }
}

// Leaves that differ in Arrow have names that differ.
std::string leaf_name(const NestedType& type) {
  const std::string& format = type.arrow_format;
  if (format == "e") return "float16";
  if (format == "U") return "large_utf8";
  if (format == "Z") return "large_binary";
  if (format == "tdm") return "date64";
  if (format == "tiM") return "interval[months]";
  if (format == "tiD") return "interval[days, ms]";
  if (format.size() == 3 && format[1] == 't' && format != "ttu") {
    return concat(type.width_bytes == 4 ? "time32[" : "time64[", unit_name(format[2]), "]");
  }
  if (format.size() == 3 && format[1] == 'D') {
    return concat("duration[", unit_name(format[2]), "]");
  }
  if (format.substr(0, 2) == "w:") return concat("fixed_size_binary[", type.width_bytes, "]");
  if (type.leaf.id() == TypeId::kDecimal128 && type.width_bytes < 16) {
    return concat("decimal", type.width_bytes * 8, type.leaf.to_string().substr(10));
  }
  return type.leaf.to_string();
}

}  // namespace

bool NestedType::operator==(const NestedType& other) const {
  if (kind != other.kind || arrow_format != other.arrow_format ||
      keys_sorted != other.keys_sorted || fields.size() != other.fields.size()) {
    return false;
  }
  for (size_t i = 0; i < fields.size(); ++i) {
    const NestedField& a = fields[i];
    const NestedField& b = other.fields[i];
    if (kind == Kind::kStruct && a.name != b.name) return false;
    if (a.nullable != b.nullable) return false;
    if (kind != Kind::kMap) {
      if (*a.type != *b.type) return false;
      continue;
    }
    for (size_t part = 0; part < 2; ++part) {
      const NestedField& x = a.type->fields[part];
      const NestedField& y = b.type->fields[part];
      if (x.nullable != y.nullable || *x.type != *y.type) return false;
    }
  }
  return true;
}

std::string NestedType::to_string() const {
  switch (kind) {
    case Kind::kNull:
    case Kind::kBool:
    case Kind::kFixed:
    case Kind::kText: return leaf_name(*this);
    case Kind::kList:
      return concat(arrow_format == "+L" ? "large_list<" : "list<", fields[0].type->to_string(),
                    ">");
    case Kind::kFixedSizeList:
      return concat("fixed_size_list<", fields[0].type->to_string(), ">[", list_size, "]");
    case Kind::kMap: {
      const std::vector<NestedField>& entry = fields[0].type->fields;
      return concat("map<", entry[0].type->to_string(), ", ", entry[1].type->to_string(), ">");
    }
    case Kind::kStruct: {
      std::vector<std::string> parts;
      for (const NestedField& field : fields) {
        parts.push_back(concat(field.name, ": ", field.type->to_string()));
      }
      return concat("struct<", join_texts(parts, ", "), ">");
    }
  }
  return "";
}

}  // namespace velaria
