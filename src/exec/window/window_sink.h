// Window functions as a sink: rows are collected with the values that the functions need, brought
// together by partition, sorted, and given out in their input order with a column more for each
// function. The input's own columns are never moved.
#pragma once

#include <memory>
#include <vector>

#include "src/exec/operator.h"
#include "src/expr/window_function.h"

namespace velaria {

std::unique_ptr<SinkOperator> make_window(std::vector<BoundExpressionPtr> partition_by,
                                          std::vector<BoundSortKey> order_by,
                                          std::vector<BoundWindowFunction> functions);

}  // namespace velaria
