// ORDER BY of all rows in memory, on all threads.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "src/column/chunk.h"
#include "src/exec/operator.h"
#include "src/plan/logical_plan.h"

namespace velaria {

// The rows of `chunks` in the order of `items`, but for the first `offset`. `chunks` stand in their
// order and have no selections; ties keep that order. At most 2^32 - 1 rows. Needs about twice the
// rows' own bytes, 40 bytes a row and a flat copy of the keys. Errors and Ctrl-C as in
// run_parallel().
std::vector<Chunk> sort_chunks(std::vector<Chunk> chunks, const std::vector<DataType>& types,
                               const std::vector<SortItem>& items, int64_t offset,
                               const ExecutionContext& context);

// Each of `columns` columns over `chunks` chunks as one flat column, by the tasks of `context`.
// `part(column, chunk)` is asked once for each, by several threads. At least one chunk.
std::vector<ColumnPtr> whole_columns(size_t columns, size_t chunks,
                                     const std::function<ColumnPtr(size_t, size_t)>& part,
                                     const ExecutionContext& context);

}  // namespace velaria
