// Keys to dense group numbers: 0, 1, 2 ... in the order in which they are first seen.
//
// NULL is a key like any other; -0.0 and 0.0 are one key, all NaNs are one key. Which layout serves
// is decided from the key types: one word, one text, or bytes of several keys. One thread at a
// time.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "src/column/chunk.h"

namespace velaria {

class GroupTable {
 public:
  // At least one key.
  static std::unique_ptr<GroupTable> make(const std::vector<DataType>& key_types);
  virtual ~GroupTable() = default;

  // ids[i] = the group of row i; new keys make new groups. Keys are flat or constant.
  virtual void find_or_add(const std::vector<ColumnPtr>& keys, int64_t rows, uint32_t* ids) = 0;
  // Key columns of `count` groups.
  virtual std::vector<ColumnPtr> keys(const uint32_t* groups, int64_t count) const = 0;
  // One hash per group, for partitioning: equal keys have equal hashes in every table.
  virtual const std::vector<uint64_t>& hashes() const = 0;
  virtual uint64_t memory_bytes() const = 0;
  virtual std::string_view layout() const = 0;  // "word", "text", "bytes": for explain and tests

  uint32_t size() const { return static_cast<uint32_t>(hashes().size()); }
};

}  // namespace velaria
