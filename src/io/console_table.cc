#include "src/io/console_table.h"

#include <algorithm>

#include "src/base/display_width.h"
#include "src/base/text.h"

namespace velaria {

namespace {

constexpr size_t kWidestCell = 40;

std::string pad(const std::string& text, size_t width, bool right) {
  const size_t length = display_width(text);
  const std::string blanks(width > length ? width - length : 0, ' ');
  return right ? blanks + text : text + blanks;
}

}  // namespace

std::string format_table(const Schema& schema, const std::vector<Chunk>& chunks, int64_t most_rows,
                         TableRows given) {
  std::vector<std::vector<std::string>> rows;
  rows.push_back(schema.names());
  std::vector<std::string> types;
  for (const Field& field : schema.fields()) types.push_back(field.type.to_string());
  rows.push_back(types);
  int64_t total = 0;
  for (const Chunk& chunk : chunks) {
    for (int64_t row = 0; row < chunk.rows && total + row < most_rows; ++row) {
      rows.emplace_back();
      for (const ColumnPtr& column : chunk.columns) {
        rows.back().push_back(excerpt(column->value(row).to_string(), kWidestCell));
      }
    }
    total += chunk.rows;
  }
  std::vector<size_t> widths(schema.size(), 0);
  for (const auto& row : rows) {
    for (size_t c = 0; c < row.size(); ++c) {
      widths[c] = std::max(widths[c], display_width(row[c]));
    }
  }
  std::string out;
  for (size_t r = 0; r < rows.size(); ++r) {
    std::string line;
    for (size_t c = 0; c < rows[r].size(); ++c) {
      if (c > 0) line += "  ";
      line += pad(rows[r][c], widths[c], schema.field(c).type.is_numeric());
    }
    while (!line.empty() && line.back() == ' ') line.pop_back();
    out += line + "\n";
    if (r == 1) {
      std::string rule;
      for (size_t c = 0; c < widths.size(); ++c) {
        rule += (c > 0 ? "  " : "") + std::string(widths[c], '-');
      }
      out += rule + "\n";
    }
  }
  if (total > most_rows && given == TableRows::kAll) {
    out += concat("(", most_rows, " of ", total, " rows)\n");
  } else if (total > most_rows) {
    out += concat("... more than ", most_rows, " rows\n");
  } else {
    out += concat("(", total, total == 1 ? " row)\n" : " rows)\n");
  }
  return out;
}

}  // namespace velaria
