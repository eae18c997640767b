// The running values of one aggregate for all groups, as flat arrays indexed by group number.
//
// Sums do not depend on the order of the rows: integers add up in 128 bits and are checked at the
// end, floats in double-double (two doubles per sum, error near 2^-100), so that one thread and
// many give the same answer. Source of the error-free addition: D. E. Knuth, The Art of Computer
// Programming, vol. 2, 4.2.2.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "src/base/cancellation.h"
#include "src/column/column.h"
#include "src/expr/aggregate.h"

namespace velaria {

// Rows for an accumulator. Columns are flat or constant.
struct AggregateRows {
  std::vector<ColumnPtr> arguments;     // of the aggregate, in order
  std::vector<ColumnPtr> order_keys;    // of its ORDER BY
  const uint32_t* ids = nullptr;        // row i goes to group ids[i]; null: all to group 0
  const uint64_t* positions = nullptr;  // places of the rows; of accumulators that read them
  int64_t rows = 0;
};

class Accumulator {
 public:
  // `cancellation`, which outlives it, is looked at in work on very many values of one group; null:
  // such work cannot be broken off.
  static std::unique_ptr<Accumulator> make(const BoundAggregate& aggregate,
                                           const CancellationToken* cancellation = nullptr);
  virtual ~Accumulator() = default;

  // Room for groups [0, groups); new ones start empty.
  virtual void grow(uint32_t groups) = 0;
  // Row i goes to group ids[i]; all rows to group 0 when `ids` is null. `argument` is flat or
  // constant, null for COUNT(*).
  virtual void add(const ColumnPtr& argument, const uint32_t* ids, int64_t rows) = 0;
  // The same with all that an aggregate may read; accumulators of one argument need not know it.
  virtual void add_rows(const AggregateRows& rows) {
    add(rows.arguments.empty() ? nullptr : rows.arguments[0], rows.ids, rows.rows);
  }
  // Whether add_rows() looks at the rows' positions: ties go by them, so they must be given.
  virtual bool reads_positions() const { return false; }
  // Group from[i] of `other` (of the same kind) is added to group to[i] of this, one pair after the
  // other. Where a group is a few words (not of quantiles, modes, texts and sketches) `other` may
  // be this accumulator, and then later pairs see what earlier ones added.
  virtual void merge(const Accumulator& other, const uint32_t* from, const uint32_t* to,
                     int64_t count) = 0;
  // Values of the given groups. TypeMismatchError when a sum does not fit its type.
  virtual ColumnPtr result(const uint32_t* groups, int64_t count) const = 0;
  virtual uint64_t memory_bytes() const = 0;

  // The state as columns, to be written down and to go on from later.
  virtual std::vector<ColumnPtr> state(const uint32_t* groups, int64_t count) const = 0;
  // Groups [0, n) from the columns of state(); before any add().
  virtual void restore(const std::vector<ColumnPtr>& state) = 0;
};

}  // namespace velaria
