// FROM read_csv(...), generate_series(...) and the other functions that give rows.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "src/column/value.h"
#include "src/plan/logical_plan.h"

namespace velaria {

class Engine;

// SqlSemanticError with a suggestion for an unknown function or argument, TypeMismatchError for an
// argument of the wrong type.
PlanPtr make_table_function(const Engine& engine, const std::string& name,
                            const std::vector<Value>& arguments,
                            const std::vector<std::pair<std::string, Value>>& named_arguments);

}  // namespace velaria
