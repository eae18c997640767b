#include "stream/progress.h"

#include <cmath>
#include <type_traits>

#include "src/base/text.h"

namespace velaria {

std::string progress_json(const StreamingQueryProgress& progress) {
  std::string out = "{";
  visit_progress(progress, [&out](const char* name, const auto& value) {
    using Value = std::decay_t<decltype(value)>;
    if (out.size() > 1) out += ", ";
    out += quote_json(name) + ": ";
    if constexpr (std::is_same_v<Value, std::string>) {
      out += quote_json(value);
    } else if constexpr (std::is_same_v<Value, bool>) {
      out += value ? "true" : "false";
    } else if constexpr (std::is_same_v<Value, double>) {
      // JSON knows no infinity.
      out += std::isfinite(value) ? format_double(value) : "0";
    } else {
      out += std::to_string(value);
    }
  });
  return out + "}";
}

}  // namespace velaria
