#include "src/exec/aggregate/grouped_values.h"

#include <limits>
#include <numeric>

#include "src/column/builder.h"

namespace velaria {

namespace {

constexpr uint32_t kNotWanted = std::numeric_limits<uint32_t>::max();

ColumnPtr group_column(const uint32_t* ids, int64_t rows) {
  ArrayBuilder<uint32_t> values;
  values.append(ids, rows);
  return Column::flat(DataType(TypeId::kUInt32), rows, values.finish(), 0, Validity());
}

}  // namespace

GroupedValues::GroupedValues(std::vector<DataType> types)
    : types_(std::move(types)), table_(GroupTable::make(types_)) {}

void GroupedValues::grow(uint32_t groups) {
  groups_ = groups;
  if (groups > 1 && !has_group_column_) add_group_column();
}

void GroupedValues::add_group_column() {
  has_group_column_ = true;
  std::vector<DataType> types{DataType(TypeId::kUInt32)};
  types.insert(types.end(), types_.begin(), types_.end());
  auto wider = GroupTable::make(types);
  if (size() > 0) {
    std::vector<uint32_t> entries(size());
    std::iota(entries.begin(), entries.end(), 0u);
    std::vector<ColumnPtr> keys = table_->keys(entries.data(), size());
    keys.insert(keys.begin(), group_column(entry_groups_.data(), size()));
    wider->find_or_add(keys, size(), entries.data());  // the same numbers, in the same order
  }
  table_ = std::move(wider);
}

void GroupedValues::find_or_add(const std::vector<ColumnPtr>& values, const uint32_t* ids,
                                int64_t rows, uint32_t* entries) {
  if (!has_group_column_) {
    table_->find_or_add(values, rows, entries);
    entry_groups_.resize(table_->size(), 0);
    return;
  }
  std::vector<ColumnPtr> keys;
  if (ids == nullptr) {
    const std::vector<uint32_t> zeros(static_cast<size_t>(rows), 0);
    keys.push_back(group_column(zeros.data(), rows));
  } else {
    keys.push_back(group_column(ids, rows));
  }
  keys.insert(keys.end(), values.begin(), values.end());
  table_->find_or_add(keys, rows, entries);
  for (int64_t i = 0; i < rows; ++i) {
    if (entries[i] == size()) entry_groups_.push_back(ids == nullptr ? 0 : ids[i]);
  }
}

std::vector<ColumnPtr> GroupedValues::values(const uint32_t* entries, int64_t count) const {
  std::vector<ColumnPtr> keys = table_->keys(entries, count);
  if (has_group_column_) keys.erase(keys.begin());
  return keys;
}

uint64_t GroupedValues::memory_bytes() const {
  return table_->memory_bytes() + entry_groups_.capacity() * sizeof(uint32_t);
}

void GroupedValues::select(const uint32_t* from, const uint32_t* to, int64_t count,
                           std::vector<uint32_t>* entries, std::vector<uint32_t>* to_groups) const {
  std::vector<uint32_t> target(groups_, kNotWanted);
  for (int64_t i = 0; i < count; ++i) target[from[i]] = to[i];
  for (uint32_t entry = 0; entry < size(); ++entry) {
    const uint32_t group = target[entry_groups_[entry]];
    if (group == kNotWanted) continue;
    entries->push_back(entry);
    to_groups->push_back(group);
  }
}

std::vector<std::vector<uint32_t>> GroupedValues::entries_of(const uint32_t* groups,
                                                             int64_t count) const {
  std::vector<uint32_t> place(static_cast<size_t>(count));
  std::iota(place.begin(), place.end(), 0u);
  std::vector<uint32_t> entries;
  std::vector<uint32_t> places;
  select(groups, place.data(), count, &entries, &places);
  std::vector<std::vector<uint32_t>> out(static_cast<size_t>(count));
  for (size_t i = 0; i < entries.size(); ++i) out[places[i]].push_back(entries[i]);
  return out;
}

}  // namespace velaria
