// Runs what WITH RECURSIVE defines, step by step. Internal to the session.
#pragma once

#include <functional>

#include "src/plan/recursive_table.h"
#include "src/session/engine.h"

namespace velaria {

// All rows of `table`: the first ones, then those of each step. Every step is planned anew, since
// how many rows the one before gave decides the best order of joins.
//
// ResourceError when the rows do not fit into the session's memory_limit, or after
// kMostRecursiveSteps; the engine's interrupt check is asked between steps.
//
// `run` runs the plan of a step.
TableSourcePtr run_recursive_table(const RecursiveTableSource& table, Engine& engine,
                                   const std::function<QueryResult(const PlanPtr&)>& run);

constexpr int64_t kMostRecursiveSteps = 1000000;

}  // namespace velaria
