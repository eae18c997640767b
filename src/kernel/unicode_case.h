// Upper and lower case of Unicode code points: simple mappings, so one code point stays one (the
// sharp s has no upper case here). The same in every locale.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace velaria {

uint32_t upper_code_point(uint32_t code);
uint32_t lower_code_point(uint32_t code);
// Letters, marks and numbers: what words are made of.
bool is_word_code_point(uint32_t code);

std::string to_upper_text(std::string_view text);
std::string to_lower_text(std::string_view text);
// Every word with its first letter in upper case and the others in lower case.
std::string to_title_text(std::string_view text);

}  // namespace velaria
