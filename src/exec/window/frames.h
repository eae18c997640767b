// The rows that a window function looks at for each row.
#pragma once

#include <cstdint>
#include <vector>

#include "src/exec/operator.h"
#include "src/exec/sort/order_keys.h"
#include "src/expr/window_function.h"

namespace velaria {

// Whole partitions, one after the other. All positions count from the item's first row.
class WindowItem {
 public:
  // `rows`: the item's; `starts`: of its partitions among them, and the end.
  WindowItem(const SortedRow* rows, std::vector<uint32_t> starts, const OrderKeys& keys);

  uint32_t size() const { return starts_.back(); }
  const std::vector<uint32_t>& starts() const { return starts_; }
  const SortedRow& row(uint32_t i) const { return rows_[i]; }
  // Row numbers among all rows.
  const uint32_t* row_numbers() const { return row_numbers_.data(); }
  const OrderKeys& keys() const { return keys_; }

  // Peers: rows of a partition that ORDER BY does not tell apart. Made when first asked for.
  // peer_group()[i] is the number of row i's group, peer_starts()[g] where group g begins; one more
  // entry is the end of the last.
  const std::vector<uint32_t>& peer_groups();
  const std::vector<uint32_t>& peer_starts();

 private:
  void find_peers();

  const SortedRow* rows_;
  std::vector<uint32_t> starts_;
  const OrderKeys& keys_;
  std::vector<uint32_t> row_numbers_;
  std::vector<uint32_t> peer_groups_;
  std::vector<uint32_t> peer_starts_;
};

// Row i looks at rows [begin[i], end[i]); none when end[i] <= begin[i].
struct Frames {
  std::vector<uint32_t> begin;
  std::vector<uint32_t> end;
  // Of frames that are not those of every row: whose they are, as numbers among all rows.
  std::vector<uint32_t> rows;

  uint32_t size() const { return static_cast<uint32_t>(begin.size()); }
  const uint32_t* row_numbers(const WindowItem& item) const {
    return rows.empty() ? item.row_numbers() : rows.data();
  }
};

// The frame of every row of the item, for those who do not mind frames that go back.
// `order_key`: the flat first key of ORDER BY over all rows, for RANGE with an offset; else null.
Frames find_frames(const BoundWindowFrame& frame, const ColumnPtr& order_key,
                   const SortOrder& order, WindowItem& item);

// The same in lists in which neither begin nor end ever goes back as i grows, not even from one
// partition to the next. One list holds all, except for RANGE with months over times of day: 31
// March 01:00 less a month is before 30 March 23:00 less a month, as both are on the last day of
// February. Days of one number never go back, so there are at most four lists.
std::vector<Frames> find_frames_in_order(const BoundWindowFrame& frame, const ColumnPtr& order_key,
                                         const SortOrder& order, WindowItem& item);

}  // namespace velaria
