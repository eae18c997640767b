// A ScanFilter at work on the batches of one scan task: which rows the other columns are decoded
// for.
//
//   if (filter.wanted()) {
//     ... decode filter.columns() into `chunk`, for all rows ...
//     if (!filter.look_at(&chunk)) continue;          // no row is wanted
//   }
//   ... decode the other columns for filter.rows(), or for all rows when that is null ...
//
// Where most rows are kept nothing is gained: it looks at a batch now and then only, then. One
// thread per object.
#pragma once

#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "src/plan/scan_filter.h"

namespace velaria {

class BatchFilter {
 public:
  // `filter` may be null.
  explicit BatchFilter(ScanFilterPtr filter) : filter_(std::move(filter)) {}

  // Whether the filter looks at the batch that begins now.
  bool wanted();
  const std::vector<size_t>& columns() const { return filter_->columns(); }
  // False when no row is kept. Else `chunk` has the rows that are to be decoded, its columns those
  // rows only.
  bool look_at(Chunk* chunk);
  // Of the batch, ascending; null: all.
  const std::vector<uint32_t>* rows() const { return few_ ? &rows_ : nullptr; }

 private:
  const ScanFilterPtr filter_;
  std::vector<uint32_t> rows_;
  bool few_ = false;
  int batches_to_pass_ = 0;
};

// Whether a filter saves work without hiding a value that does not fit its type: it leaves columns
// to be decoded, and all of them (by their place in the schema) always fit.
bool may_filter_first(const ScanFilter& filter, const ScanRequest& request,
                      const std::function<bool(size_t column)>& always_fits);

}  // namespace velaria
