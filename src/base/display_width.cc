#include "src/base/display_width.h"

#include <algorithm>
#include <iterator>

#include "src/base/code_point.h"

namespace velaria {

namespace {

struct CodeRange {
  uint32_t first;
  uint32_t last;
};

#include "src/base/display_width_table.inc"

template <size_t N>
bool is_in(const CodeRange (&ranges)[N], uint32_t code) {
  const CodeRange* found =
      std::lower_bound(std::begin(ranges), std::end(ranges), code,
                       [](const CodeRange& range, uint32_t wanted) { return range.last < wanted; });
  return found != std::end(ranges) && code >= found->first;
}

}  // namespace

int display_width_of(uint32_t code_point) {
  if (code_point < 0x300) return 1;  // what most texts are made of
  if (is_in(kWithoutWidth, code_point)) return 0;
  return is_in(kWide, code_point) ? 2 : 1;
}

size_t display_width(std::string_view text) {
  size_t columns = 0;
  for (size_t at = 0; at < text.size();) {
    const auto first = static_cast<uint8_t>(text[at++]);
    const size_t more = first >= 0xF0 ? 3 : first >= 0xE0 ? 2 : first >= 0xC0 ? 1 : 0;
    uint32_t code = more == 0 ? first : first & (0x3Fu >> more);
    for (size_t i = 0; i < more && at < text.size() && continues_code_point(text[at]); ++i) {
      code = (code << 6) | (static_cast<uint8_t>(text[at++]) & 0x3Fu);
    }
    columns += static_cast<size_t>(display_width_of(code));
  }
  return columns;
}

}  // namespace velaria
