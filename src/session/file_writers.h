// Rows of a query -> a file: COPY ... TO, and the write verbs of frames.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "src/plan/logical_plan.h"

namespace velaria {

class Engine;

// Runs `plan` and writes its rows; gives their number. The path holds either what it held before or
// the whole new file. Options: format (csv, or json: JSON lines; without it the ending of the path
// decides), and for csv header, delimiter, quote, null_text. `verb` is for errors: "COPY". Throws
// SqlUnsupportedError for another format, FileAccessError for a path that cannot be written (or is
// outside of the session's allowed_paths), InvalidArgumentError for a bad option.
int64_t write_file(Engine& engine, const PlanPtr& plan, const std::string& path,
                   const std::map<std::string, std::string>& options, const std::string& verb);

}  // namespace velaria
