// Sorting rows by their order keys, many small runs or one long one, on all threads.
#pragma once

#include <cstdint>

#include "src/exec/operator.h"
#include "src/exec/sort/order_keys.h"

namespace velaria {

// Each partition [starts[p], starts[p + 1]) of `rows` on its own; ties by row number. `scratch` has
// as many rows.
void sort_partitions(SortedRow* rows, SortedRow* scratch, const uint32_t* starts, size_t partitions,
                     const OrderKeys& keys, const ExecutionContext& context);

// All rows 0 ... count - 1: fills `rows` with them in the order of `keys`; ties by row number.
void sort_all_rows(SortedRow* rows, SortedRow* scratch, uint32_t count, const OrderKeys& keys,
                   const ExecutionContext& context);

}  // namespace velaria
