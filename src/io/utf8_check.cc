#include "src/io/utf8_check.h"

#include "simdjson.h"

namespace velaria {

bool is_valid_utf8(std::string_view text) { return simdjson::validate_utf8(text); }

}  // namespace velaria
