#include "tests/slt/result_text.h"

#include <cmath>
#include <cstring>

#include "src/base/text.h"

namespace velaria {

namespace {

std::string escaped(const std::string& text) {
  if (text.empty()) return "(empty)";
  if (text == "NULL" || text == "(empty)") return "'" + text + "'";
  std::string out;
  for (char c : text) {
    if (c == '\n') {
      out += "\\n";
    } else if (c == '\r') {
      out += "\\r";
    } else if (c == '\t') {
      out += "\\t";
    } else if (c == '\0') {
      out += "\\0";
    } else {
      if (c == '\\' || c == '|') out += '\\';
      out += c;
    }
  }
  return out;
}

std::string float_bits(const Value& value) {
  const double number = value.as_double();
  if (std::isnan(number)) return "nan";  // one value, whatever its sign and payload
  uint64_t bits = 0;
  std::memcpy(&bits, &number, sizeof(bits));
  return concat(value.to_string(), "#", bits);
}

template <typename Text>
std::vector<std::string> each_row(const QueryResult& result, Text text) {
  std::vector<std::string> rows;
  for (const Chunk& chunk : result.chunks) {
    for (int64_t row = 0; row < chunk.rows; ++row) {
      std::vector<std::string> values;
      for (const ColumnPtr& column : chunk.columns) values.push_back(text(column->value(row)));
      rows.push_back(join_texts(values, "|"));
    }
  }
  return rows;
}

}  // namespace

std::string value_text(const Value& value) {
  if (value.is_null()) return "NULL";
  return value.type().id() == TypeId::kUtf8 ? escaped(value.as_text()) : value.to_string();
}

std::vector<std::string> row_texts(const QueryResult& result) {
  return each_row(result, value_text);
}

std::vector<std::string> row_bits(const QueryResult& result) {
  return each_row(result, [](const Value& value) {
    return !value.is_null() && value.type().is_float() ? float_bits(value) : value_text(value);
  });
}

}  // namespace velaria
