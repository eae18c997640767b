#include "src/session/copy_to_file.h"

#include <map>
#include <string>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/session/file_writers.h"

namespace velaria {

int64_t copy_to_file(Engine& engine, const PlanPtr& plan, const sql::CopyStatement& copy) {
  std::map<std::string, std::string> options;
  for (const auto& [key, value] : copy.options) {
    if (!options.emplace(to_lower_ascii(key), value.to_string()).second) {
      throw Error(ErrorKind::kInvalidArgument,
                  concat("option '", to_lower_ascii(key), "' is given twice"));
    }
  }
  return write_file(engine, plan, copy.path, options, "COPY");
}

}  // namespace velaria
