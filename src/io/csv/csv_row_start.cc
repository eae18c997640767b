#include "src/io/csv/csv_row_start.h"

#include <string>
#include <string_view>
#include <vector>

#include "src/io/csv/csv_careful.h"

namespace velaria {

namespace {

constexpr size_t kRowSearchBytes = size_t{1} << 20;

bool rows_look_right(const CsvLayout& layout, std::string_view text) {
  CarefulTokenizer rows(layout.dialect, text);
  std::vector<RawField> fields;
  size_t good = 0;
  try {
    while (good < 64 && rows.next_row(&fields)) {
      if (!rows.row_was_ended()) break;  // cut off by the window
      if (rows.row_is_blank()) continue;
      if (fields.size() != layout.schema.size()) return false;
      ++good;
    }
  } catch (const CsvDefect&) {
    return good >= 2;  // a quoted field that the window cuts off
  }
  return good > 0;
}

}  // namespace

std::optional<uint64_t> guess_row_start(const CsvLayout& layout, const TextPass& pass,
                                        uint64_t offset) {
  const std::string window = pass.text_at(offset, kRowSearchBytes);
  const std::string_view text = window;
  size_t begin = text.find_first_of("\r\n");
  const auto behind_line_end = [&](size_t at) {
    return at + (text[at] == '\r' && at + 1 < text.size() && text[at + 1] == '\n' ? 2 : 1);
  };
  if (begin == std::string_view::npos) return std::nullopt;
  begin = behind_line_end(begin);
  if (rows_look_right(layout, text.substr(begin))) return offset + begin;
  if (!layout.dialect.quoting) return std::nullopt;
  // Or the window begins inside of quotes, and so the rest of its first row does.
  const std::string quoted = layout.dialect.quote + window;
  CarefulTokenizer rows(layout.dialect, quoted);
  if (!rows.skip_row() || !rows.row_was_ended()) return std::nullopt;
  begin = rows.position() - 1;
  if (rows_look_right(layout, text.substr(begin))) return offset + begin;
  return std::nullopt;
}

}  // namespace velaria
