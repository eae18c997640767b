// Rows that were not there before, chunk after chunk: what UNION in WITH RECURSIVE keeps.
//
//   DistinctRows seen(schema_types);
//   Chunk fresh = seen.new_rows(chunk);
//
// NULL equals NULL, NaN equals NaN, as in DISTINCT. One thread at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "src/exec/aggregate/group_table.h"

namespace velaria {

class DistinctRows {
 public:
  // At least one type, none a vector.
  explicit DistinctRows(const std::vector<DataType>& types, const GroupTableOptions& options = {})
      : groups_(GroupTable::make(types, options)) {}

  // The rows of `chunk`, in their order, that neither came before in it nor in an earlier chunk.
  Chunk new_rows(const Chunk& chunk);
  uint64_t memory_bytes() const { return groups_->memory_bytes(); }

 private:
  std::unique_ptr<GroupTable> groups_;
};

}  // namespace velaria
