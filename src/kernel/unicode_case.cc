#include "src/kernel/unicode_case.h"

#include <algorithm>
#include <iterator>

#include "src/base/code_point.h"

namespace velaria {

namespace {

// first, first + step, ... last move by delta.
struct CaseRange {
  uint32_t first;
  uint32_t last;
  int32_t delta;
  uint32_t step;
};
struct CodeRange {
  uint32_t first;
  uint32_t last;
};

#include "src/kernel/unicode_case_table.inc"

template <typename Range, size_t N>
const Range* find_range(const Range (&ranges)[N], uint32_t code) {
  const Range* found =
      std::lower_bound(std::begin(ranges), std::end(ranges), code,
                       [](const Range& range, uint32_t wanted) { return range.last < wanted; });
  return found == std::end(ranges) || code < found->first ? nullptr : found;
}

template <size_t N>
uint32_t mapped(const CaseRange (&ranges)[N], uint32_t code) {
  const CaseRange* range = find_range(ranges, code);
  if (range == nullptr || (code - range->first) % range->step != 0) return code;
  return static_cast<uint32_t>(static_cast<int32_t>(code) + range->delta);
}

template <typename F>
std::string map_text(std::string_view text, F f) {
  std::string out;
  out.reserve(text.size());
  for (size_t at = 0; at < text.size();) {
    const auto byte = static_cast<uint8_t>(text[at]);
    if (byte < 0x80) {
      out += static_cast<char>(f(byte));
      ++at;
      continue;
    }
    size_t bytes = 0;
    const uint32_t code = decode_code_point(text, at, &bytes);
    const uint32_t other = f(code);
    if (other == code) {
      out += text.substr(at, bytes);
    } else {
      append_code_point(&out, other);
    }
    at += bytes;
  }
  return out;
}

}  // namespace

uint32_t upper_code_point(uint32_t code) {
  if (code < 0x80) return code >= 'a' && code <= 'z' ? code - 32 : code;
  return mapped(kToUpper, code);
}

uint32_t lower_code_point(uint32_t code) {
  if (code < 0x80) return code >= 'A' && code <= 'Z' ? code + 32 : code;
  return mapped(kToLower, code);
}

bool is_word_code_point(uint32_t code) {
  if (code < 0x80) {
    return (code >= 'a' && code <= 'z') || (code >= 'A' && code <= 'Z') ||
           (code >= '0' && code <= '9');
  }
  return find_range(kWordRanges, code) != nullptr;
}

std::string to_upper_text(std::string_view text) { return map_text(text, upper_code_point); }

std::string to_lower_text(std::string_view text) { return map_text(text, lower_code_point); }

std::string to_title_text(std::string_view text) {
  bool inside = false;
  return map_text(text, [&inside](uint32_t code) {
    const uint32_t other = inside ? lower_code_point(code) : upper_code_point(code);
    inside = is_word_code_point(code);
    return other;
  });
}

}  // namespace velaria
