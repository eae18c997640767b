// COPY t|(query) TO 'path' [(options)].
#pragma once

#include <cstdint>

#include "src/plan/logical_plan.h"
#include "src/session/engine.h"
#include "src/sql/ast.h"

namespace velaria {

// Runs `plan` and writes its rows; gives their number. The path holds either what it held before or
// the whole new file. Options: format (csv), header, delimiter, quote, null_text. Throws
// SqlUnsupportedError for another format, FileAccessError for a path that cannot be written (or is
// outside of the session's allowed_paths), InvalidArgumentError for a bad option.
int64_t copy_to_file(Engine& engine, const PlanPtr& plan, const sql::CopyStatement& copy);

}  // namespace velaria
