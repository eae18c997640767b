// Conditions that a source may use while it decodes: rows they refuse need no other columns.
//
// The filter above the scan stays in the plan and is asked again, so nothing but the work depends
// on what a source makes of this.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "src/plan/table_source.h"

namespace velaria {

// Any thread.
class ScanFilter {
 public:
  virtual ~ScanFilter() = default;
  // The columns that the condition looks at: places in ScanRequest::columns, ascending.
  virtual const std::vector<size_t>& columns() const = 0;
  // The rows for which the condition is true, ascending. `chunk` has no selection; of its columns
  // only those of columns() are there, the others are null pointers. Throws what the condition
  // throws.
  virtual void select(const Chunk& chunk, std::vector<uint32_t>* rows) const = 0;
  // A source says that it left out so many rows because of the condition. Any thread.
  virtual void left_out(int64_t rows) const { static_cast<void>(rows); }
};

using ScanFilterPtr = std::shared_ptr<const ScanFilter>;

// What a source is, besides a TableSource, that can make use of such conditions.
class FilteringSource {
 public:
  virtual ~FilteringSource() = default;
  // Like TableSource::scan(), but rows that `filter` (may be null) refuses may be missing.
  virtual std::unique_ptr<TableScan> scan_filtered(const ScanRequest& request,
                                                   ScanFilterPtr filter) const = 0;
};

}  // namespace velaria
