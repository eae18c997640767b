// Whether text is UTF-8, by the best instruction set of the processor (simdjson).
#pragma once

#include <string_view>

namespace velaria {

// find_invalid_utf8() of file_content.h finds the place when it is not.
bool is_valid_utf8(std::string_view text);

}  // namespace velaria
