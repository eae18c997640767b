// Operators that change chunks on their way: filter, project, time windows.
#pragma once

#include <memory>
#include <vector>

#include "src/exec/operator.h"
#include "src/expr/bound_expression.h"
#include "src/plan/logical_plan.h"

namespace velaria {

// Keeps the rows whose condition is true, as a selection: no column is moved.
std::unique_ptr<TransformOperator> make_filter(BoundExpressionPtr condition);

// New columns from expressions.
std::unique_ptr<TransformOperator> make_project(std::vector<BoundExpressionPtr> expressions);

// Adds the window start; a row of overlapping windows comes out once for each, earliest first.
std::unique_ptr<TransformOperator> make_time_window(TimeWindow window);

// Adds the start of the row's pane instead (see aggregate/group_windows.h): each row once.
std::unique_ptr<TransformOperator> make_time_panes(TimeWindow window);

}  // namespace velaria
