// COPY t|(query) TO 'path' [(options)].
#pragma once

#include <cstdint>

#include "src/plan/logical_plan.h"
#include "src/session/engine.h"
#include "src/sql/ast.h"

namespace velaria {

// See write_file().
int64_t copy_to_file(Engine& engine, const PlanPtr& plan, const sql::CopyStatement& copy);

}  // namespace velaria
