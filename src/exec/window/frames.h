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

// Row i looks at rows [begin[i], end[i]); none when end[i] <= begin[i]. Neither ever goes back as i
// grows, not even from one partition to the next.
struct Frames {
  std::vector<uint32_t> begin;
  std::vector<uint32_t> end;
};

// `order_key`: the flat first key of ORDER BY over all rows, for RANGE with an offset; else null.
Frames find_frames(const BoundWindowFrame& frame, const ColumnPtr& order_key,
                   const SortOrder& order, WindowItem& item);

}  // namespace velaria
