// Which part on disk the rows of a key belong to: equal keys belong to one part, also those that
// differ in the sign of zero, in the bits of a NaN, or as one month and 30 days do.
#pragma once

#include <cstdint>
#include <vector>

#include "src/column/chunk.h"

namespace velaria {

constexpr size_t kSpillPartitions = 32;

// A hash of each row's keys, the same for equal ones. `keys` are of any encoding, all of `rows`
// rows.
std::vector<uint64_t> hash_keys(const std::vector<ColumnPtr>& keys, int64_t rows);

// `keys` as above. rows_of[p]: the rows of part p, ascending.
void partition_by_keys(const std::vector<ColumnPtr>& keys, int64_t rows,
                       std::vector<std::vector<uint32_t>>* rows_of);

}  // namespace velaria
