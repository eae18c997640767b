// The rows that sinks are checked with. Internal to this room.
#pragma once

#include <cstdint>
#include <vector>

#include "src/column/chunk.h"

namespace velaria {

Chunk conformance_chunk(int64_t first, int64_t rows);
// A chunk for each size, counting on.
std::vector<Chunk> conformance_batches(const std::vector<int64_t>& sizes);

}  // namespace velaria
