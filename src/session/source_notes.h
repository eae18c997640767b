// What the sources of a plan have to say: warnings, and the rows they left out.
#pragma once

#include <string>
#include <vector>

#include "src/io/file_source.h"
#include "src/plan/logical_plan.h"

namespace velaria {

// Of every source that the plan scans, each once.
std::vector<std::string> warnings_of_plan(const LogicalPlan& plan);
// Appends those that are not in the list yet.
void add_warnings_of_plan(const LogicalPlan& plan, std::vector<std::string>* warnings);

// The rejected rows of all sources of the plan (src/io/rejects.h). `name` is what the table is
// called in errors. Throws InvalidArgumentError when none of them leaves rows out.
TableSourcePtr rejects_of_plan(const LogicalPlan& plan, const std::string& name);

}  // namespace velaria
