// The numbers in the offsets of sources.
#pragma once

#include <charconv>
#include <string_view>
#include <system_error>

namespace velaria {

// False unless the whole of `text` is a number that fits.
template <typename Number>
bool read_offset_number(std::string_view text, Number* out, int base = 10) {
  const char* end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, *out, base);
  return !text.empty() && result.ec == std::errc() && result.ptr == end;
}

}  // namespace velaria
