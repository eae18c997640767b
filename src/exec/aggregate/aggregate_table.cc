#include "src/exec/aggregate/aggregate_table.h"

#include <algorithm>
#include <numeric>
#include <unordered_map>
#include <utility>

#include "src/base/error.h"
#include "src/column/builder.h"
#include "src/expr/filter.h"
#include "src/kernel/compare.h"
#include "src/kernel/take.h"

namespace velaria {

namespace {

uint64_t bytes_of(const Column& column) {
  uint64_t bytes = static_cast<uint64_t>(column.length()) * sizeof(StringView);
  if (column.type().has_string_views() && !column.is_constant()) {
    for (int64_t row = 0; row < column.length(); ++row) {
      if (column.validity().valid(row)) bytes += column.values<StringView>()[row].size();
    }
  }
  return bytes;
}

}  // namespace

AggregateTable::AggregateTable(const AggregateSpec& spec, const CancellationToken* cancellation)
    : spec_(spec), cancellation_(cancellation) {
  if (!spec.keys.empty()) groups_ = GroupTable::make(spec.key_types, spec.options.table);
  for (const BoundAggregate& aggregate : spec.aggregates) {
    accumulators_.push_back(Accumulator::make(aggregate, cancellation_));
  }
  if (!groups_) grow(1);
}

bool AggregateTable::clear() {
  if (!groups_ || tracks_touched_ || !groups_->clear()) return false;
  accumulators_.clear();
  for (const BoundAggregate& aggregate : spec_.aggregates) {
    accumulators_.push_back(Accumulator::make(aggregate, cancellation_));
  }
  first_positions_.clear();
  return true;
}

void AggregateTable::begin_epoch() {
  touched_.clear();
  touched_places_.clear();
  ++epoch_;
}

void AggregateTable::add(const Chunk& chunk) {
  const int64_t rows = chunk.selected_rows();
  if (rows == 0) return;
  EvaluationBatch batch(chunk);
  const uint32_t* ids = nullptr;
  if (groups_) {
    std::vector<ColumnPtr> keys;
    for (const auto& key : spec_.keys) {
      ColumnPtr column = evaluate(*key, batch);
      keys.push_back(column->is_dictionary() ? flatten(column) : std::move(column));
    }
    ids_.resize(static_cast<size_t>(rows));
    const uint32_t before = groups_->size();
    groups_->find_or_add(keys, rows, ids_.data());
    ids = ids_.data();
    if (groups_->size() > before) note_first_positions(chunk, batch, before, rows);
  }
  if (tracks_touched_) touch(ids, rows);
  positions_.clear();
  for (size_t a = 0; a < accumulators_.size(); ++a) {
    add_aggregate(spec_.aggregates[a], *accumulators_[a], chunk, batch, ids, rows);
  }
}

void AggregateTable::merge(const AggregateTable& other, const std::vector<uint32_t>& from) {
  std::vector<uint32_t> to(from.size(), 0);
  if (groups_) {
    groups_->find_or_add_groups(*other.groups_, from.data(), static_cast<int64_t>(from.size()),
                                to.data());
    grow(groups_->size());
  }
  merge_pairs(other, from, to);
}

void AggregateTable::merge_pairs(const AggregateTable& other, const std::vector<uint32_t>& from,
                                 const std::vector<uint32_t>& to) {
  const auto count = static_cast<int64_t>(from.size());
  if (groups_) {
    for (size_t i = 0; i < from.size(); ++i) {
      uint64_t& first = first_positions_[to[i]];
      first = std::min(first, other.first_positions_[from[i]]);
    }
  }
  if (tracks_touched_) touch(groups_ ? to.data() : nullptr, count);
  for (size_t a = 0; a < accumulators_.size(); ++a) {
    accumulators_[a]->merge(*other.accumulators_[a], from.data(), to.data(), count);
  }
}

void AggregateTable::merge_panes(const AggregateTable& panes, const GroupWindows& windows,
                                 std::optional<int64_t> horizon) {
  std::vector<uint32_t> order(panes.size());
  std::iota(order.begin(), order.end(), 0u);
  std::sort(order.begin(), order.end(), [&panes](uint32_t a, uint32_t b) {
    return panes.first_positions_[a] < panes.first_positions_[b];
  });
  const auto count = static_cast<int64_t>(order.size());
  const ColumnPtr start_column = panes.groups_->keys(order.data(), count)[windows.key];
  const int64_t* starts = start_column->values<int64_t>();
  std::unordered_map<int64_t, size_t> numbers;
  std::vector<PaneGroups> of_pane;
  for (size_t i = 0; i < order.size(); ++i) {
    const auto [number, is_new] = numbers.emplace(starts[i], of_pane.size());
    if (is_new) of_pane.push_back({starts[i], {}});
    of_pane[number->second].groups.push_back(order[i]);
  }
  std::sort(of_pane.begin(), of_pane.end(),
            [](const PaneGroups& a, const PaneGroups& b) { return a.start < b.start; });
  for (const PaneGroups& pane : of_pane) {
    std::vector<int64_t> window_starts;
    append_windows_of_pane(windows, pane.start, horizon, &window_starts);
    merge_pane(panes, windows.key, pane, window_starts, start_column->type());
  }
}

ColumnPtr AggregateTable::window_starts(size_t key, uint32_t from) const {
  std::vector<uint32_t> groups(size() - from);
  std::iota(groups.begin(), groups.end(), from);
  return groups_->keys(groups.data(), static_cast<int64_t>(groups.size()))[key];
}

std::vector<ColumnPtr> AggregateTable::result(const uint32_t* groups, int64_t count) const {
  std::vector<ColumnPtr> out;
  if (groups_) out = groups_->keys(groups, count);
  for (ColumnPtr& column : aggregate_columns(groups, count)) out.push_back(std::move(column));
  return out;
}

std::vector<ColumnPtr> AggregateTable::aggregate_columns(const uint32_t* groups,
                                                         int64_t count) const {
  std::vector<ColumnPtr> out;
  if (settled_) {
    for (const ColumnPtr& column : *settled_) out.push_back(take(column, groups, count));
    return out;
  }
  for (const auto& accumulator : accumulators_) out.push_back(accumulator->result(groups, count));
  return out;
}

bool AggregateTable::has_large_groups() const {
  constexpr uint64_t kLargeTableBytes = uint64_t{1} << 20;
  constexpr uint64_t kLargeGroupBytes = uint64_t{1} << 12;
  const uint64_t bytes = memory_bytes();
  return bytes >= kLargeTableBytes && bytes / kLargeGroupBytes >= size();
}

void AggregateTable::settle() {
  std::vector<uint32_t> all(size());
  std::iota(all.begin(), all.end(), 0u);
  settled_ = aggregate_columns(all.data(), static_cast<int64_t>(all.size()));
  for (const ColumnPtr& column : *settled_) settled_bytes_ += bytes_of(*column);
  accumulators_.clear();
}

// Tasks number groups as they meet them; what is written down is the order that they have.
std::vector<uint32_t> AggregateTable::groups_by_position() const {
  std::vector<uint32_t> all(size());
  std::iota(all.begin(), all.end(), 0u);
  std::stable_sort(all.begin(), all.end(), [this](uint32_t a, uint32_t b) {
    return first_positions_[a] < first_positions_[b];
  });
  return all;
}

std::vector<uint64_t> AggregateTable::snapshot_positions() const {
  std::vector<uint64_t> out;
  out.reserve(size());
  for (const uint32_t group : groups_by_position()) out.push_back(first_positions_[group]);
  return out;
}

Chunk AggregateTable::snapshot() const {
  const std::vector<uint32_t> all = groups_by_position();
  const auto count = static_cast<int64_t>(all.size());
  Chunk out;
  out.rows = count;
  if (groups_) out.columns = groups_->keys(all.data(), count);
  for (const auto& accumulator : accumulators_) {
    for (ColumnPtr& column : accumulator->state(all.data(), count)) {
      out.columns.push_back(std::move(column));
    }
  }
  return out;
}

void AggregateTable::restore(const Chunk& snapshot) {
  size_t next = 0;
  if (groups_) {
    std::vector<ColumnPtr> keys(
        snapshot.columns.begin(),
        snapshot.columns.begin() + static_cast<std::ptrdiff_t>(spec_.keys.size()));
    next = spec_.keys.size();
    ids_.resize(static_cast<size_t>(snapshot.rows));
    groups_->find_or_add(keys, snapshot.rows, ids_.data());
    if (groups_->size() != snapshot.rows) {
      throw Error(ErrorKind::kCheckpoint, "the checkpoint holds the same group twice");
    }
    // The order of the groups written down goes on to be their order.
    for (uint32_t group = 0; group < groups_->size(); ++group) first_positions_.push_back(group);
  }
  for (const auto& accumulator : accumulators_) {
    const size_t width = accumulator->state(nullptr, 0).size();
    if (next + width > snapshot.columns.size()) {
      throw Error(ErrorKind::kCheckpoint, "the checkpoint holds too few state columns");
    }
    accumulator->restore({snapshot.columns.begin() + static_cast<std::ptrdiff_t>(next),
                          snapshot.columns.begin() + static_cast<std::ptrdiff_t>(next + width)});
    accumulator->grow(size());
    next += width;
  }
  touched_epochs_.assign(size(), 0);
}

void AggregateTable::restore(const Chunk& snapshot, const uint64_t* first_positions) {
  restore(snapshot);
  first_positions_.assign(first_positions, first_positions + snapshot.rows);
}

uint64_t AggregateTable::memory_bytes() const {
  uint64_t bytes = settled_bytes_ + (groups_ ? groups_->memory_bytes() : 0);
  for (const auto& accumulator : accumulators_) bytes += accumulator->memory_bytes();
  return bytes + first_positions_.capacity() * 8 + touched_epochs_.capacity() * 8;
}

void AggregateTable::grow(uint32_t groups) {
  for (const auto& accumulator : accumulators_) accumulator->grow(groups);
  first_positions_.resize(groups, ~uint64_t{0});
}

void AggregateTable::merge_pane(const AggregateTable& panes, size_t key, const PaneGroups& pane,
                                const std::vector<int64_t>& starts, const DataType& type) {
  const std::vector<uint32_t>& groups = pane.groups;
  const size_t rows = groups.size();
  const std::vector<ColumnPtr> keys =
      panes.groups_->keys(groups.data(), static_cast<int64_t>(rows));
  // So many pairs of a group and a window at a time that what is written of them stays close by.
  constexpr size_t kPairsAtATime = 16384;
  const size_t windows_at_a_time = std::max<size_t>(1, kPairsAtATime / rows);
  std::vector<uint32_t> from;
  for (size_t begin = 0; begin < starts.size(); begin += windows_at_a_time) {
    const size_t count = std::min(windows_at_a_time, starts.size() - begin);
    ArrayBuilder<int64_t> values;
    values.append(starts.data() + begin, static_cast<int64_t>(count));
    while (from.size() < count * rows) from.insert(from.end(), groups.begin(), groups.end());
    ids_.resize(count * rows);
    groups_->find_or_add_each(
        keys, static_cast<int64_t>(rows), key,
        Column::flat(type, static_cast<int64_t>(count), values.finish(), 0, {}), ids_.data());
    grow(groups_->size());
    for (size_t i = 0; i < ids_.size(); ++i) {
      uint64_t& first = first_positions_[ids_[i]];
      first = std::min(first, panes.first_positions_[from[i]]);
    }
    const auto pairs = static_cast<int64_t>(ids_.size());
    const size_t touched_before = touched_.size();
    if (tracks_touched_) touch(ids_.data(), pairs);
    if (tracks_touched_ && spec_.options.position_column) {
      note_places(panes, pane.start, starts.data() + begin, groups, touched_before);
    }
    for (size_t a = 0; a < accumulators_.size(); ++a) {
      accumulators_[a]->merge(*panes.accumulators_[a], from.data(), ids_.data(), pairs);
    }
  }
}

void AggregateTable::note_first_positions(const Chunk& chunk, EvaluationBatch& batch,
                                          uint32_t before, int64_t rows) {
  grow(groups_->size());
  uint32_t next = before;
  if (spec_.options.position_column) {
    const ColumnPtr positions = flatten(batch.column(*spec_.options.position_column));
    for (int64_t i = 0; i < rows && next < groups_->size(); ++i) {
      if (ids_[static_cast<size_t>(i)] != next) continue;
      first_positions_[next++] = positions->values<uint64_t>()[i];
    }
    return;
  }
  for (int64_t i = 0; i < rows && next < groups_->size(); ++i) {
    if (ids_[static_cast<size_t>(i)] != next) continue;
    const uint32_t row =
        chunk.selection ? (*chunk.selection)[static_cast<size_t>(i)] : static_cast<uint32_t>(i);
    first_positions_[next++] = row_position(chunk.order, row);
  }
}

void AggregateTable::touch(const uint32_t* ids, int64_t rows) {
  touched_epochs_.resize(size(), 0);
  for (int64_t i = 0; i < rows; ++i) {
    const uint32_t group = ids == nullptr ? 0 : ids[i];
    if (touched_epochs_[group] == epoch_) continue;
    touched_epochs_[group] = epoch_;
    touched_.push_back(group);
    if (ids == nullptr) return;
  }
}

void AggregateTable::note_places(const AggregateTable& panes, int64_t pane, const int64_t* windows,
                                 const std::vector<uint32_t>& groups, size_t touched) {
  // Both go in the order of the pairs.
  for (size_t pair = 0; touched < touched_.size(); ++pair) {
    if (ids_[pair] != touched_[touched]) continue;
    touched_places_.push_back({pane, windows[pair / groups.size()],
                               panes.first_positions_[groups[pair % groups.size()]]});
    ++touched;
  }
}

void AggregateTable::add_aggregate(const BoundAggregate& aggregate, Accumulator& accumulator,
                                   const Chunk& chunk, EvaluationBatch& batch, const uint32_t* ids,
                                   int64_t rows) {
  AggregateRows out;
  if (accumulator.reads_positions() && positions_.empty()) note_positions(chunk, rows);
  if (!aggregate.filter) {
    evaluate_parts(aggregate, batch, &out);
    out.ids = ids;
    out.positions = positions_.empty() ? nullptr : positions_.data();
    out.rows = rows;
    accumulator.add_rows(out);
    return;
  }
  RowMask chosen;
  evaluate_mask(*aggregate.filter, batch, &chosen);
  std::vector<uint32_t> kept;
  mask_rows(chosen, &kept);
  EvaluationBatch subset(batch, kept);
  evaluate_parts(aggregate, subset, &out);
  std::vector<uint32_t> kept_ids;
  std::vector<uint64_t> kept_positions;
  for (uint32_t row : kept) {
    if (ids != nullptr) kept_ids.push_back(ids[row]);
    if (!positions_.empty()) kept_positions.push_back(positions_[row]);
  }
  out.ids = ids == nullptr ? nullptr : kept_ids.data();
  out.positions = positions_.empty() ? nullptr : kept_positions.data();
  out.rows = static_cast<int64_t>(kept.size());
  accumulator.add_rows(out);
}

void AggregateTable::evaluate_parts(const BoundAggregate& aggregate, EvaluationBatch& batch,
                                    AggregateRows* out) {
  const auto evaluate_part = [&](const BoundExpression& expression) {
    ColumnPtr column = evaluate(expression, batch);
    return column->is_dictionary() ? flatten(column) : column;
  };
  for (const auto& argument : aggregate.arguments) {
    out->arguments.push_back(evaluate_part(*argument));
  }
  for (const BoundSortKey& key : aggregate.order_by) {
    out->order_keys.push_back(evaluate_part(*key.expression));
  }
}

void AggregateTable::note_positions(const Chunk& chunk, int64_t rows) {
  positions_.reserve(static_cast<size_t>(rows));
  for (int64_t i = 0; i < rows; ++i) {
    const uint32_t row =
        chunk.selection ? (*chunk.selection)[static_cast<size_t>(i)] : static_cast<uint32_t>(i);
    positions_.push_back(row_position(chunk.order, row));
  }
}

}  // namespace velaria
