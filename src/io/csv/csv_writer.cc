#include "src/io/csv/csv_writer.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/column/calendar.h"
#include "src/column/decimal.h"
#include "src/column/nested_array.h"
#include "src/io/file_content.h"

namespace velaria {

namespace {

// "3" would read back as an integer.
void append_float(std::string text, double value, std::string* out) {
  if (std::isfinite(value) && text.find_first_of(".e") == std::string::npos) text += ".0";
  *out += text;
}

}  // namespace

CsvWriter::CsvWriter(Schema schema, CsvOptions options)
    : schema_(std::move(schema)), options_(std::move(options)) {
  check_csv_options(options_);
  if (options_.quote == '\0') {
    throw Error(ErrorKind::kInvalidArgument,
                "CSV cannot be written without a quote character; name one");
  }
  // NULL is written as it is, without quotes: a text that begins with one would open them.
  if (!options_.null_texts.empty() && !options_.null_texts[0].empty() &&
      options_.null_texts[0][0] == options_.quote) {
    throw Error(ErrorKind::kInvalidArgument,
                concat("null_text is '", excerpt(options_.null_texts[0]),
                       "', which begins with the quote and would swallow what follows; name "
                       "another text for NULL"));
  }
}

void CsvWriter::write_text(std::string_view text, std::string* out) const {
  const char quote = options_.quote;
  const bool must_quote =
      text.empty() || text.find(options_.delimiter) != std::string_view::npos ||
      // Outside of quotes a zero byte is a sign of binary data to the reader.
      text.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos ||
      text.find(quote) != std::string_view::npos ||
      // With a long delimiter the text's end and the delimiter behind it could match too early.
      (options_.delimiter.size() > 1 &&
       options_.delimiter.find(text.back()) != std::string::npos) ||
      // At the start of a file these bytes would be a byte order mark.
      text.substr(0, 3) == "\xEF\xBB\xBF" ||
      std::find(options_.null_texts.begin(), options_.null_texts.end(), text) !=
          options_.null_texts.end();
  if (!must_quote) {
    out->append(text);
    return;
  }
  *out += quote;
  for (char c : text) {
    if (c == quote) *out += quote;
    *out += c;
  }
  *out += quote;
}

void CsvWriter::write_value(const Column& column, const std::string& name, int64_t row,
                            std::string* out) const {
  const DataType& type = column.type();
  int64_t at = row;
  const Column& flat = flat_row(column, &at);
  std::string text;
  switch (type.id()) {
    case TypeId::kBool: text = flat.values<uint8_t>()[at] != 0 ? "true" : "false"; break;
    case TypeId::kInt8: append_integer(int{flat.values<int8_t>()[at]}, &text); break;
    case TypeId::kInt16: append_integer(flat.values<int16_t>()[at], &text); break;
    case TypeId::kInt32: append_integer(flat.values<int32_t>()[at], &text); break;
    case TypeId::kInt64: append_integer(flat.values<int64_t>()[at], &text); break;
    case TypeId::kUInt8: append_integer(unsigned{flat.values<uint8_t>()[at]}, &text); break;
    case TypeId::kUInt16: append_integer(flat.values<uint16_t>()[at], &text); break;
    case TypeId::kUInt32: append_integer(flat.values<uint32_t>()[at], &text); break;
    case TypeId::kUInt64: append_integer(flat.values<uint64_t>()[at], &text); break;
    case TypeId::kFloat32: {
      const float value = flat.values<float>()[at];
      append_float(format_float(value), value, &text);
      break;
    }
    case TypeId::kFloat64: {
      const double value = flat.values<double>()[at];
      append_float(format_double(value), value, &text);
      break;
    }
    case TypeId::kDecimal128: text = format_decimal(flat.values<Int128>()[at], type.scale()); break;
    case TypeId::kDate32: text = format_date(flat.values<int32_t>()[at]); break;
    case TypeId::kTime64: text = format_time(flat.values<int64_t>()[at]); break;
    case TypeId::kTimestamp:
      text = format_timestamp(flat.values<int64_t>()[at], DataType::timestamp(type.unit()));
      if (!type.time_zone().empty()) text += 'Z';
      break;
    case TypeId::kInterval: text = format_interval(flat.values<Interval>()[at]); break;
    case TypeId::kUtf8: write_text(flat.values<StringView>()[at].text(), out); return;
    case TypeId::kBinary: {
      const std::string_view bytes = flat.values<StringView>()[at].text();
      if (find_invalid_utf8(bytes) < bytes.size()) {
        throw Error(ErrorKind::kTypeMismatch,
                    concat("column '", excerpt(name), "' is binary and holds a value of ",
                           bytes.size(), " bytes that is not UTF-8, which CSV has no form for; ",
                           "write JSON, Arrow or Parquet, or select another form of the column"));
      }
      write_text(bytes, out);
      return;
    }
    case TypeId::kFixedSizeList: {
      const float* elements = flat.vector_at(at);
      text = "[";
      for (int32_t i = 0; i < type.list_size(); ++i) {
        if (i > 0) text += ',';
        text += format_float(elements[i]);
      }
      text += ']';
      break;
    }
    case TypeId::kNested:
      text = nested_json(type.nested_type(), flat.values<StringView>()[at].text());
      break;
    case TypeId::kNull: return;
  }
  write_text(text, out);
}

void CsvWriter::write_header(std::string* out) const {
  if (!options_.header.value_or(true)) return;
  for (size_t i = 0; i < schema_.size(); ++i) {
    if (i > 0) *out += options_.delimiter;
    write_text(schema_.field(i).name, out);
  }
  *out += '\n';
}

void CsvWriter::write_chunk(const Chunk& chunk, std::string* out) const {
  VELARIA_CHECK(chunk.columns.size() == schema_.size());
  const int64_t rows = chunk.selected_rows();
  for (int64_t i = 0; i < rows; ++i) {
    const int64_t row = chunk.selection ? (*chunk.selection)[static_cast<size_t>(i)] : i;
    for (size_t c = 0; c < chunk.columns.size(); ++c) {
      if (c > 0) *out += options_.delimiter;
      if (!chunk.columns[c]->is_null(row)) {
        write_value(*chunk.columns[c], schema_.field(c).name, row, out);
      } else if (!options_.null_texts.empty()) {
        *out += options_.null_texts.front();
      }
    }
    *out += '\n';
  }
}

}  // namespace velaria
