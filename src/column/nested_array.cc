#include "src/column/nested_array.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/column/calendar.h"
#include "src/column/decimal.h"
#include "src/column/half_float.h"

namespace velaria {

namespace {

using Kind = NestedType::Kind;

int depth_of(const NestedType& type) {
  int deepest = 0;
  for (const NestedField& field : type.fields) {
    deepest = std::max(deepest, 1 + depth_of(*field.type));
  }
  return deepest;
}

NestedArray empty_array(const NestedType& type, bool nullable) {
  NestedArray out;
  out.type = &type;
  out.nullable = nullable;
  if (type.kind == Kind::kText || type.kind == Kind::kList || type.kind == Kind::kMap) {
    out.offsets.push_back(0);
  }
  for (const NestedField& field : type.fields) {
    out.children.push_back(empty_array(*field.type, field.nullable));
  }
  return out;
}

// `encoded`, `holds`: as in NestedDecoder. A slot below a NULL is NULL where its field may be.
void append_present(NestedArray* out, int64_t slots, const uint8_t* encoded, const uint8_t* holds) {
  out->length += slots;
  if (out->type->kind == Kind::kNull) return;
  const auto count = static_cast<size_t>(slots);
  std::vector<uint8_t>& present = out->present;
  if (holds == nullptr) {
    if (!present.empty()) present.insert(present.end(), count, 1);
    return;
  }
  if (present.empty()) present.assign(static_cast<size_t>(out->length) - count, 1);
  for (size_t i = 0; i < count; ++i) {
    const bool below_null = encoded != nullptr && encoded[i] == 0;
    const bool is_present = holds[i] != 0 || (below_null && !out->nullable);
    present.push_back(is_present ? 1 : 0);
    out->nulls += is_present ? 0 : 1;
  }
}

[[noreturn]] void cut_short() {
  throw Error(ErrorKind::kInternal,
              "the bytes of a list, struct or map are not those of its type; please report this "
              "with the query");
}

template <typename T>
T load(const char* from) {
  T value;
  std::memcpy(&value, from, sizeof(value));
  return value;
}

[[noreturn]] void does_not_fit(const NestedType& type, int64_t value, std::string_view why) {
  throw Error(ErrorKind::kTypeMismatch, concat(value, " in a ", type.to_string(), ": ", why,
                                               "; read the column with to_arrow()"));
}

// Units of letter `unit` as microseconds.
int64_t micros_of(const NestedType& type, char unit, int64_t value) {
  if (unit == 'n') {
    if (value % 1000 != 0) does_not_fit(type, value, "times are shown in whole microseconds");
    return value / 1000;
  }
  const int64_t factor = unit == 's' ? 1000000 : unit == 'm' ? 1000 : 1;
  int64_t micros = 0;
  if (__builtin_mul_overflow(value, factor, &micros)) {
    does_not_fit(type, value, "it is too large to be counted in microseconds");
  }
  return micros;
}

int64_t load_integer(const char* from, int32_t width_bytes) {
  switch (width_bytes) {
    case 1: return load<int8_t>(from);
    case 2: return load<int16_t>(from);
    case 4: return load<int32_t>(from);
    default: return load<int64_t>(from);
  }
}

Interval interval_of(const NestedType& type, const char* from) {
  const std::string& format = type.arrow_format;
  if (format[1] == 'D') return {0, 0, micros_of(type, format[2], load<int64_t>(from))};
  if (format == "tiM") return {load<int32_t>(from), 0, 0};
  if (format == "tiD") {
    return {0, load<int32_t>(from), int64_t{load<int32_t>(from + 4)} * 1000};
  }
  return {load<int32_t>(from), load<int32_t>(from + 4),
          micros_of(type, 'n', load<int64_t>(from + 8))};
}

int32_t date_of(const NestedType& type, const char* from) {
  if (type.width_bytes == 4) return load<int32_t>(from);
  constexpr int64_t kMillisPerDay = 86400000;
  const int64_t millis = load<int64_t>(from);
  const int64_t days = millis / kMillisPerDay;
  if (millis % kMillisPerDay != 0 || days > std::numeric_limits<int32_t>::max() ||
      days < std::numeric_limits<int32_t>::min()) {
    does_not_fit(type, millis, "it is not a whole day");
  }
  return static_cast<int32_t>(days);
}

void append_float(const std::string& text, double value, std::string* out) {
  if (!std::isfinite(value)) {
    *out += concat('"', text, '"');
    return;
  }
  *out += text;
  // "3" would read back as an integer.
  if (text.find_first_of(".e") == std::string::npos) *out += ".0";
}

void append_leaf_json(const NestedArray& array, int64_t slot, std::string* out) {
  const NestedType& type = *array.type;
  switch (type.leaf.id()) {
    case TypeId::kBool: *out += array.bytes(slot)[0] != 0 ? "true" : "false"; return;
    case TypeId::kUtf8: *out += quote_json(array.bytes(slot)); return;
    case TypeId::kFloat32:
    case TypeId::kFloat64: {
      const Value value = array.value(slot);
      append_float(value.to_string(), value.as_double(), out);
      return;
    }
    case TypeId::kTimestamp: {
      std::string text = format_timestamp(load<int64_t>(array.bytes(slot).data()),
                                          DataType::timestamp(type.leaf.unit()));
      const size_t space = text.find(' ');
      if (space != std::string::npos) text[space] = 'T';
      if (!type.leaf.time_zone().empty()) text += 'Z';
      *out += concat('"', text, '"');
      return;
    }
    default: break;
  }
  const std::string text = array.value(slot).to_string();
  *out += type.leaf.is_numeric() ? text : quote_json(text);
}

void append_map_json(const NestedArray& map, int64_t slot, std::string* out) {
  const NestedArray& keys = map.children[0].children[0];
  const NestedArray& values = map.children[0].children[1];
  *out += '{';
  for (int64_t i = map.begin(slot); i < map.end(slot); ++i) {
    if (i > map.begin(slot)) *out += ", ";
    std::string key;
    append_nested_json(keys, i, &key);
    *out += key.empty() || key[0] != '"' ? quote_json(key) : key;
    *out += ": ";
    append_nested_json(values, i, out);
  }
  *out += '}';
}

}  // namespace

std::string_view NestedArray::bytes(int64_t slot) const {
  const auto i = static_cast<size_t>(slot);
  if (type->kind == Kind::kText) {
    const auto first = static_cast<size_t>(offsets[i]);
    return {values.data() + first, static_cast<size_t>(offsets[i + 1]) - first};
  }
  const auto width = static_cast<size_t>(type->width_bytes);
  return {values.data() + i * width, width};
}

Value NestedArray::value(int64_t slot) const {
  if (is_null(slot)) return Value::null(type->leaf);
  const std::string_view all = bytes(slot);
  const char* from = all.data();
  switch (type->leaf.id()) {
    case TypeId::kBool: return Value::boolean(*from != 0);
    case TypeId::kInt8:
    case TypeId::kInt16:
    case TypeId::kInt32:
    case TypeId::kInt64:
    case TypeId::kTimestamp:
      return Value::integral(type->leaf, load_integer(from, type->width_bytes));
    case TypeId::kUInt8: return Value::unsigned_integral(type->leaf, load<uint8_t>(from));
    case TypeId::kUInt16: return Value::unsigned_integral(type->leaf, load<uint16_t>(from));
    case TypeId::kUInt32: return Value::unsigned_integral(type->leaf, load<uint32_t>(from));
    case TypeId::kUInt64: return Value::unsigned_integral(type->leaf, load<uint64_t>(from));
    case TypeId::kFloat32: {
      const float value =
          type->width_bytes == 2 ? half_to_float(load<uint16_t>(from)) : load<float>(from);
      return Value::floating(type->leaf, static_cast<double>(value));
    }
    case TypeId::kFloat64: return Value::floating(type->leaf, load<double>(from));
    case TypeId::kDecimal128:
      return Value::decimal(type->leaf, type->width_bytes == 16
                                            ? load<Int128>(from)
                                            : Int128{load_integer(from, type->width_bytes)});
    case TypeId::kDate32: return Value::integral(type->leaf, date_of(*type, from));
    case TypeId::kTime64:
      return Value::integral(type->leaf, micros_of(*type, type->arrow_format[2],
                                                   load_integer(from, type->width_bytes)));
    case TypeId::kInterval: return Value::interval(interval_of(*type, from));
    case TypeId::kUtf8: return Value::utf8(std::string(all));
    case TypeId::kBinary: return Value::binary(std::string(all));
    case TypeId::kNull:
    case TypeId::kFixedSizeList:
    case TypeId::kNested: break;
  }
  VELARIA_CHECK(false);
  return Value();
}

NestedDecoder::NestedDecoder(const NestedType& type)
    : root_(empty_array(type, true)), masks_(2 * static_cast<size_t>(depth_of(type) + 1)) {}

void NestedDecoder::append(std::string_view encoded) {
  rest_ = encoded;
  append_present(&root_, 1, nullptr, nullptr);
  read_body(&root_, 1, nullptr, 1, 0);
  if (!rest_.empty()) cut_short();
}

void NestedDecoder::append_null() {
  const uint8_t none = 0;
  rest_ = {};
  append_present(&root_, 1, nullptr, &none);
  read_body(&root_, 1, &none, 0, 0);
}

const char* NestedDecoder::take(int64_t size_bytes) {
  if (size_bytes < 0 || static_cast<uint64_t>(size_bytes) > rest_.size()) cut_short();
  const char* from = rest_.data();
  rest_.remove_prefix(static_cast<size_t>(size_bytes));
  return from;
}

void NestedDecoder::read_run(NestedArray* out, int64_t slots, const uint8_t* encoded, int64_t count,
                             int depth) {
  if (slots == 0) return;
  const uint8_t* holds = encoded;
  int64_t values = count;
  if (out->type->kind != Kind::kNull && count > 0 && *take(1) != 0) {
    const auto* bits = reinterpret_cast<const uint8_t*>(take((count + 7) / 8));
    std::vector<uint8_t>& mask = masks_[static_cast<size_t>(2 * depth)];
    mask.resize(static_cast<size_t>(slots));
    values = 0;
    int64_t next = 0;
    for (int64_t i = 0; i < slots; ++i) {
      uint8_t bit = 0;
      if (encoded == nullptr || encoded[i] != 0) {
        bit = static_cast<uint8_t>((bits[next >> 3] >> (next & 7)) & 1);
        ++next;
      }
      mask[static_cast<size_t>(i)] = bit;
      values += bit;
    }
    holds = mask.data();
  }
  append_present(out, slots, encoded, holds);
  read_body(out, slots, holds, values, depth);
}

int64_t NestedDecoder::read_lengths(NestedArray* out, int64_t slots, const uint8_t* holds,
                                    int64_t count) {
  const char* lengths = take(count * int64_t{sizeof(uint32_t)});
  int64_t end = out->offsets.back();
  const int64_t first = end;
  for (int64_t i = 0; i < slots; ++i) {
    if (holds == nullptr || holds[i] != 0) {
      end += load<uint32_t>(lengths);
      lengths += sizeof(uint32_t);
    }
    out->offsets.push_back(end);
  }
  return end - first;
}

void NestedDecoder::read_body(NestedArray* out, int64_t slots, const uint8_t* holds, int64_t count,
                              int depth) {
  const NestedType& type = *out->type;
  switch (type.kind) {
    case Kind::kNull: return;
    case Kind::kBool:
    case Kind::kFixed: {
      const auto width = static_cast<size_t>(type.width_bytes);
      const char* from = take(count * int64_t{type.width_bytes});
      if (holds == nullptr) {
        out->values.insert(out->values.end(), from, from + static_cast<size_t>(count) * width);
        return;
      }
      const size_t first = out->values.size();
      out->values.resize(first + static_cast<size_t>(slots) * width, '\0');
      for (int64_t i = 0; i < slots; ++i) {
        if (holds[i] == 0) continue;
        std::memcpy(out->values.data() + first + static_cast<size_t>(i) * width, from, width);
        from += width;
      }
      return;
    }
    case Kind::kText: {
      const int64_t total = read_lengths(out, slots, holds, count);
      const char* from = take(total);
      out->values.insert(out->values.end(), from, from + total);
      return;
    }
    case Kind::kList:
    case Kind::kMap: {
      const int64_t total = read_lengths(out, slots, holds, count);
      read_run(&out->children[0], total, nullptr, total, depth + 1);
      return;
    }
    case Kind::kFixedSizeList: {
      const int64_t size = type.list_size;
      if (size == 0) return;
      if (slots > std::numeric_limits<int64_t>::max() / 64 / size) cut_short();
      const uint8_t* elements = nullptr;
      if (holds != nullptr) {
        std::vector<uint8_t>& mask = masks_[static_cast<size_t>(2 * depth + 1)];
        mask.resize(static_cast<size_t>(slots * size));
        for (int64_t i = 0; i < slots; ++i) {
          std::memset(mask.data() + i * size, holds[i], static_cast<size_t>(size));
        }
        elements = mask.data();
      }
      read_run(&out->children[0], slots * size, elements, count * size, depth + 1);
      return;
    }
    case Kind::kStruct:
      for (NestedArray& child : out->children) read_run(&child, slots, holds, count, depth + 1);
      return;
  }
}

NestedArray decode_nested(const NestedType& type, std::string_view encoded) {
  NestedDecoder decoder(type);
  decoder.append(encoded);
  return decoder.finish();
}

void append_nested_json(const NestedArray& array, int64_t slot, std::string* out) {
  if (array.is_null(slot)) {
    *out += "null";
    return;
  }
  switch (array.type->kind) {
    case Kind::kNull: return;
    case Kind::kBool:
    case Kind::kFixed:
    case Kind::kText: append_leaf_json(array, slot, out); return;
    case Kind::kMap: append_map_json(array, slot, out); return;
    case Kind::kList:
    case Kind::kFixedSizeList:
      *out += '[';
      for (int64_t i = array.begin(slot); i < array.end(slot); ++i) {
        if (i > array.begin(slot)) *out += ", ";
        append_nested_json(array.children[0], i, out);
      }
      *out += ']';
      return;
    case Kind::kStruct:
      *out += '{';
      for (size_t i = 0; i < array.children.size(); ++i) {
        if (i > 0) *out += ", ";
        *out += quote_json(array.type->fields[i].name);
        *out += ": ";
        append_nested_json(array.children[i], slot, out);
      }
      *out += '}';
      return;
  }
}

std::string nested_json(const NestedType& type, std::string_view encoded) {
  std::string out;
  append_nested_json(decode_nested(type, encoded), 0, &out);
  return out;
}

}  // namespace velaria
