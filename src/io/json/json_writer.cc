#include "src/io/json/json_writer.h"

#include <charconv>
#include <cmath>
#include <set>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/column/calendar.h"
#include "src/column/decimal.h"
#include "src/column/nested_array.h"

namespace velaria {

namespace {

void append_float(const std::string& text, double value, std::string* out) {
  if (!std::isfinite(value)) {
    *out += '"';
    *out += text;
    *out += '"';
    return;
  }
  *out += text;
  // "3" would read back as an integer.
  if (text.find_first_of(".e") == std::string::npos) *out += ".0";
}

bool is_plain(unsigned char c) { return c >= 0x20 && c != '"' && c != '\\'; }

void append_string(std::string_view text, std::string* out) {
  *out += '"';
  size_t begin = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (is_plain(c)) continue;
    out->append(text, begin, i - begin);
    begin = i + 1;
    *out += '\\';
    switch (c) {
      case '"':
      case '\\': *out += text[i]; break;
      case '\b': *out += 'b'; break;
      case '\f': *out += 'f'; break;
      case '\n': *out += 'n'; break;
      case '\r': *out += 'r'; break;
      case '\t': *out += 't'; break;
      default: {
        constexpr char kDigits[] = "0123456789abcdef";
        *out += "u00";
        *out += kDigits[c >> 4];
        *out += kDigits[c & 15];
      }
    }
  }
  out->append(text, begin, text.size() - begin);
  *out += '"';
}

void append_hex(std::string_view bytes, std::string* out) {
  constexpr char kDigits[] = "0123456789abcdef";
  *out += "\"\\\\x";
  for (const char byte : bytes) {
    *out += kDigits[static_cast<unsigned char>(byte) >> 4];
    *out += kDigits[static_cast<unsigned char>(byte) & 15];
  }
  *out += '"';
}

void append_quoted(const std::string& text, std::string* out) {
  *out += '"';
  *out += text;
  *out += '"';
}

void append_value(const Column& column, int64_t row, std::string* out) {
  const DataType& type = column.type();
  int64_t at = row;
  const Column& flat = flat_row(column, &at);
  switch (type.id()) {
    case TypeId::kBool: *out += flat.values<uint8_t>()[at] != 0 ? "true" : "false"; break;
    case TypeId::kInt8: append_integer(int{flat.values<int8_t>()[at]}, out); break;
    case TypeId::kInt16: append_integer(int{flat.values<int16_t>()[at]}, out); break;
    case TypeId::kInt32: append_integer(flat.values<int32_t>()[at], out); break;
    case TypeId::kInt64: append_integer(flat.values<int64_t>()[at], out); break;
    case TypeId::kUInt8: append_integer(unsigned{flat.values<uint8_t>()[at]}, out); break;
    case TypeId::kUInt16: append_integer(unsigned{flat.values<uint16_t>()[at]}, out); break;
    case TypeId::kUInt32: append_integer(flat.values<uint32_t>()[at], out); break;
    case TypeId::kUInt64: append_integer(flat.values<uint64_t>()[at], out); break;
    case TypeId::kFloat32: {
      const float value = flat.values<float>()[at];
      append_float(format_float(value), static_cast<double>(value), out);
      break;
    }
    case TypeId::kFloat64: {
      const double value = flat.values<double>()[at];
      append_float(format_double(value), value, out);
      break;
    }
    case TypeId::kDecimal128:
      *out += format_decimal(flat.values<Int128>()[at], type.scale());
      break;
    case TypeId::kDate32: append_quoted(format_date(flat.values<int32_t>()[at]), out); break;
    case TypeId::kTime64: append_quoted(format_time(flat.values<int64_t>()[at]), out); break;
    case TypeId::kTimestamp: {
      std::string text =
          format_timestamp(flat.values<int64_t>()[at], DataType::timestamp(type.unit()));
      const size_t space = text.find(' ');
      if (space != std::string::npos) text[space] = 'T';
      if (!type.time_zone().empty()) text += 'Z';
      append_quoted(text, out);
      break;
    }
    case TypeId::kInterval: append_quoted(format_interval(flat.values<Interval>()[at]), out); break;
    case TypeId::kUtf8: append_string(flat.values<StringView>()[at].text(), out); break;
    case TypeId::kBinary: append_hex(flat.values<StringView>()[at].text(), out); break;
    case TypeId::kFixedSizeList: {
      const float* elements = flat.vector_at(at);
      *out += '[';
      for (int32_t i = 0; i < type.list_size(); ++i) {
        if (i > 0) *out += ',';
        append_float(format_float(elements[i]), static_cast<double>(elements[i]), out);
      }
      *out += ']';
      break;
    }
    case TypeId::kNested:
      *out += nested_json(type.nested_type(), flat.values<StringView>()[at].text());
      break;
    case TypeId::kNull: *out += "null"; break;
  }
}

}  // namespace

JsonWriter::JsonWriter(Schema schema) : schema_(std::move(schema)) {
  std::set<std::string> seen;
  for (const Field& field : schema_.fields()) {
    if (!seen.insert(field.name).second) {
      throw Error(ErrorKind::kInvalidArgument,
                  concat("two columns are named '", excerpt(field.name),
                         "', but a JSON object has each key once; rename one with AS"));
    }
    std::string key = keys_.empty() ? "{" : ",";
    append_string(field.name, &key);
    key += ':';
    keys_.push_back(std::move(key));
  }
}

void JsonWriter::write_chunk(const Chunk& chunk, std::string* out) const {
  VELARIA_CHECK(chunk.columns.size() == schema_.size());
  const int64_t rows = chunk.selected_rows();
  for (int64_t i = 0; i < rows; ++i) {
    const int64_t row = chunk.selection ? (*chunk.selection)[static_cast<size_t>(i)] : i;
    if (chunk.columns.empty()) *out += '{';
    for (size_t c = 0; c < chunk.columns.size(); ++c) {
      *out += keys_[c];
      if (chunk.columns[c]->is_null(row)) {
        *out += "null";
      } else {
        append_value(*chunk.columns[c], row, out);
      }
    }
    *out += "}\n";
  }
}

}  // namespace velaria
