#include "src/sql/source_position.h"

#include <algorithm>

#include "src/base/code_point.h"
#include "src/base/display_width.h"
#include "src/base/text.h"

namespace velaria::sql {

int32_t next_code_point(std::string_view text, size_t* position) {
  const auto byte_at = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  const uint8_t first = byte_at((*position)++);
  if (first < 0x80) return first;
  const int extra = first >= 0xF0 ? 3 : first >= 0xE0 ? 2 : 1;
  if (first < 0xC2 || first > 0xF4 || *position + static_cast<size_t>(extra) > text.size())
    return -1;
  int32_t code = first & (0x3F >> extra);
  for (int i = 0; i < extra; ++i) {
    const uint8_t next = byte_at(*position + static_cast<size_t>(i));
    if ((next & 0xC0) != 0x80) return -1;
    code = (code << 6) | (next & 0x3F);
  }
  constexpr int32_t kSmallest[] = {0, 0x80, 0x800, 0x10000};
  if (code < kSmallest[extra] || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) return -1;
  *position += static_cast<size_t>(extra);
  return code;
}

namespace {

constexpr size_t kShownBefore = 70;
constexpr size_t kShownAfter = 50;

}  // namespace

std::string point_at(std::string_view text, int64_t position) {
  const size_t place =
      static_cast<size_t>(std::clamp<int64_t>(position, 0, static_cast<int64_t>(text.size())));
  size_t line = 1;
  size_t line_start = 0;
  for (size_t i = 0; i < place; ++i) {
    if (text[i] == '\n') {
      ++line;
      line_start = i + 1;
    }
  }
  size_t line_end = std::min(text.find('\n', line_start), text.size());
  if (line_end > place && text[line_end - 1] == '\r') --line_end;
  size_t column = 1;
  for (size_t i = line_start; i < place; ++column) next_code_point(text, &i);

  size_t first = line_start;
  if (place - line_start > kShownBefore + 10) {
    first = place - kShownBefore;
    while (first < place && continues_code_point(text[first])) ++first;
  }
  size_t last = line_end;
  if (last > place + kShownAfter + 10) {
    last = place + kShownAfter;
    while (last > place && continues_code_point(text[last])) --last;
  }
  std::string shown = first > line_start ? "  ..." : "  ";
  size_t caret = shown.size();
  for (size_t i = first; i < last;) {
    const size_t start = i;
    const int32_t code = next_code_point(text, &i);
    const bool plain = code >= 0x20 && code != 0x7F;
    if (plain) {
      shown += text.substr(start, i - start);
    } else {
      shown += code == '\t' ? ' ' : '?';
    }
    // Under the place also behind Chinese text.
    if (start < place) {
      caret += static_cast<size_t>(plain ? display_width_of(static_cast<uint32_t>(code)) : 1);
    }
  }
  if (last < line_end) shown += "...";
  return concat("line ", line, ":", column, "\n", shown, "\n", std::string(caret, ' '), "^");
}

void fail_at(ErrorKind kind, std::string_view message, std::string_view text, int64_t position) {
  throw Error(kind, concat(message, "\n", point_at(text, position)));
}

}  // namespace velaria::sql
