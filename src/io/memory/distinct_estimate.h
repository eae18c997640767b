// How many different values a column of a table in memory has, guessed from a sample.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>

#include "src/io/memory/block_scan.h"

namespace velaria {

// Computes a column's guess when it is first asked for and keeps it. Any thread may ask.
class DistinctEstimates {
 public:
  int64_t of(const TableBlocks& blocks, size_t column) const;

 private:
  mutable std::mutex mutex_;
  mutable std::map<size_t, int64_t> known_;
};

}  // namespace velaria
