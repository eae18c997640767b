#include "src/exec/aggregate/distinct_rows.h"

#include <utility>

#include "src/kernel/take.h"

namespace velaria {

Chunk DistinctRows::new_rows(const Chunk& chunk) {
  Chunk rows = compact(chunk);
  std::vector<ColumnPtr> keys;
  for (const ColumnPtr& column : rows.columns) keys.push_back(flatten(column));
  uint32_t known = groups_->size();
  std::vector<uint32_t> ids(static_cast<size_t>(rows.rows));
  groups_->find_or_add(keys, rows.rows, ids.data());
  // Groups are numbered as they come, so the first row of a new one has the next number.
  auto fresh = std::make_shared<Selection>();
  for (size_t i = 0; i < ids.size(); ++i) {
    if (ids[i] != known) continue;
    fresh->push_back(static_cast<uint32_t>(i));
    ++known;
  }
  rows.selection = std::move(fresh);
  return compact(rows);
}

}  // namespace velaria
