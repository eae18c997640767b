// How wide a text is on a terminal.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace velaria {

// Columns of one code point: two for Chinese, Japanese and Korean characters and most emoji, none
// for marks that stand on the character before them, one for all others.
int display_width_of(uint32_t code_point);

// Columns of a text in UTF-8; a byte that is no part of a character counts as one.
size_t display_width(std::string_view text);

}  // namespace velaria
