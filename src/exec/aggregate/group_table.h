// Keys to dense group numbers: 0, 1, 2 ... in the order in which they are first seen.
//
// NULL is a key like any other; -0.0 and 0.0 are one key, all NaNs are one key. Which layout serves
// is decided from the key types, and for some from the keys as they come. One thread at a time.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <string_view>
#include <vector>

#include "src/base/error.h"
#include "src/column/chunk.h"

namespace velaria {

constexpr uint32_t kNoGroup = std::numeric_limits<uint32_t>::max();

struct GroupTableOptions {
  // For tests: every key in one chain of the hash table.
  bool equal_hashes = false;
  // For tests: only the layouts that suit all keys, as the others are compared with.
  bool general_layouts = false;
};

class GroupTable {
 public:
  // At least one key.
  static std::unique_ptr<GroupTable> make(const std::vector<DataType>& key_types,
                                          const GroupTableOptions& options = {});
  virtual ~GroupTable() = default;

  uint32_t size() const { return size_; }

  // ids[i] = the group of row i; new keys make new groups. Keys are flat or constant.
  virtual void find_or_add(const std::vector<ColumnPtr>& keys, int64_t rows, uint32_t* ids) = 0;
  // to[i] = the group here of group from[i] of `other`, a table over the same types.
  virtual void find_or_add_groups(const GroupTable& other, const uint32_t* from, int64_t count,
                                  uint32_t* to) {
    find_or_add(other.keys(from, count), count, to);
  }
  // The same rows with one value of key `each` after the other: ids[v * rows + i] is the group of
  // row i with values[v], which new groups are made in the order of. keys[each] is not looked at.
  virtual void find_or_add_each(const std::vector<ColumnPtr>& keys, int64_t rows, size_t each,
                                const ColumnPtr& values, uint32_t* ids);
  // Whether find_groups() may be asked: not every layout can look without adding.
  virtual bool finds_groups() const { return false; }
  // groups[i] = the group here of group from[i] of `other`, of the same layout; kNoGroup when there
  // is none.
  virtual void find_groups(const GroupTable& /*other*/, const uint32_t* /*from*/, int64_t /*count*/,
                           uint32_t* /*groups*/) const {
    VELARIA_CHECK(false);
  }
  // Key columns of `count` groups.
  virtual std::vector<ColumnPtr> keys(const uint32_t* groups, int64_t count) const = 0;
  // One hash per group, for partitioning: equal keys have equal hashes in every table of the same
  // layout.
  virtual std::vector<uint64_t> hashes() const = 0;
  // "word", "text", "codes", "bytes": also for explain and tests.
  virtual std::string_view layout() const = 0;
  // Forgets all groups, so that other ones of about the same keys are numbered from 0 on: what was
  // learned of single keys may stay. False, with nothing changed: this layout is better made anew.
  virtual bool clear() { return false; }
  // From "codes" to "bytes", so that all tables to be merged are of one layout.
  virtual void make_general() {}
  virtual uint64_t memory_bytes() const = 0;

 protected:
  uint32_t size_ = 0;
};

}  // namespace velaria
