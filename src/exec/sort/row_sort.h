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

// How many low bits of a word hold a row's number when its keys have room above them; 0 when they
// have not. Half the memory of SortedRow, which is what a long sort waits for.
int packed_row_bits(uint32_t count, const OrderKeys& keys);

// As sort_all_rows(); `row_bits` is packed_row_bits(), and not 0.
void sort_packed_rows(uint64_t* rows, uint64_t* scratch, uint32_t count, int row_bits,
                      const OrderKeys& keys, const ExecutionContext& context);

}  // namespace velaria
