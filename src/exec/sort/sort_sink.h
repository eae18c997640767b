// ORDER BY, ORDER BY with LIMIT, and LIMIT alone, as sinks. Ties keep the input's order, and every
// result is the same for any number of tasks.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "src/exec/operator.h"
#include "src/plan/logical_plan.h"

namespace velaria {

// All rows, sorted.
std::unique_ptr<SinkOperator> make_sort(std::vector<SortItem> items, std::vector<DataType> types);

// Rows [offset, offset + limit) of the sorted input. Each task keeps only the rows that can still
// be among them.
std::unique_ptr<SinkOperator> make_top_n(std::vector<SortItem> items, std::vector<DataType> types,
                                         int64_t limit, int64_t offset);

// Rows [offset, offset + limit) of the input in its order; stops the input when they are known.
// Without a limit all rows from offset on.
std::unique_ptr<SinkOperator> make_limit(std::optional<int64_t> limit, int64_t offset);

}  // namespace velaria
