// Groups of one task or of the whole aggregate, and their running values. Internal to this room.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "src/base/large_memory.h"
#include "src/exec/aggregate/accumulator.h"
#include "src/exec/aggregate/aggregate_sink.h"
#include "src/exec/aggregate/group_table.h"
#include "src/exec/aggregate/group_windows.h"
#include "src/expr/evaluator.h"

namespace velaria {

struct AggregateSpec {
  std::vector<BoundExpressionPtr> keys;
  std::vector<BoundAggregate> aggregates;
  std::vector<DataType> key_types;
  AggregateOptions options;
};

// Groups and their running values. Without keys there is exactly one group, number 0.
class AggregateTable {
 public:
  // `cancellation`, which outlives it, breaks off work on groups of very many values; may be null.
  AggregateTable(const AggregateSpec& spec, const CancellationToken* cancellation);

  // Without groups again, for rows like those before; false: make another one instead.
  bool clear();

  uint32_t size() const { return groups_ ? groups_->size() : 1; }
  uint64_t first_position(uint32_t group) const { return first_positions_[group]; }
  const std::vector<uint32_t>& touched() const { return touched_; }
  // With panes and a position column: of touched().
  const std::vector<OutputPlace>& touched_places() const { return touched_places_; }
  std::vector<uint64_t> hashes() const { return groups_->hashes(); }
  std::string_view layout() const { return groups_->layout(); }
  void make_general() { groups_->make_general(); }
  // See GroupTable.
  bool finds_groups() const { return groups_->finds_groups(); }
  void find_groups(const AggregateTable& other, const uint32_t* from, int64_t count,
                   uint32_t* groups) const {
    groups_->find_groups(*other.groups_, from, count, groups);
  }
  // Of group 0, 1, 2 ...
  const LargeVector<uint64_t>& first_positions() const { return first_positions_; }

  void begin_epoch();
  void track_touched() { tracks_touched_ = true; }

  void add(const Chunk& chunk);

  // Adds the given groups of another table.
  void merge(const AggregateTable& other, const std::vector<uint32_t>& from);
  // Adds group from[i] of another table to group to[i].
  void merge_pairs(const AggregateTable& other, const std::vector<uint32_t>& from,
                   const std::vector<uint32_t>& to);

  // Adds the groups of panes to the windows that cover them: pane after pane in the order of their
  // starts, of a pane window after window, of a window group after group as they first came.
  void merge_panes(const AggregateTable& panes, const GroupWindows& windows,
                   std::optional<int64_t> horizon);

  // The start of each of the given groups' window.
  ColumnPtr window_starts(size_t key, uint32_t from) const;

  std::vector<ColumnPtr> result(const uint32_t* groups, int64_t count) const;

  // Whether result() may take long for a chunk of groups, since they have very many values.
  bool has_large_groups() const;
  // Works all results out, for result() to give them; what they were made of goes. Nothing is added
  // any more.
  void settle();

  Chunk snapshot() const;
  // Of its rows.
  std::vector<uint64_t> snapshot_positions() const;

  void restore(const Chunk& snapshot);
  // Of a table of a batch: where the first rows of the snapshot's groups are.
  void restore(const Chunk& snapshot, const uint64_t* first_positions);

  uint64_t memory_bytes() const;

 private:
  void grow(uint32_t groups);

  struct PaneGroups {
    int64_t start;
    std::vector<uint32_t> groups;
  };
  // The groups of a pane into the windows that start there.
  void merge_pane(const AggregateTable& panes, size_t key, const PaneGroups& pane,
                  const std::vector<int64_t>& starts, const DataType& type);

  void note_first_positions(const Chunk& chunk, EvaluationBatch& batch, uint32_t before,
                            int64_t rows);

  void touch(const uint32_t* ids, int64_t rows);
  // Of the groups that touch() has added since there were `touched` of them; ids_ are the groups
  // from[...] of `panes` in one window after the other.
  void note_places(const AggregateTable& panes, int64_t pane, const int64_t* windows,
                   const std::vector<uint32_t>& groups, size_t touched);

  std::vector<uint32_t> groups_by_position() const;

  void add_aggregate(const BoundAggregate& aggregate, Accumulator& accumulator, const Chunk& chunk,
                     EvaluationBatch& batch, const uint32_t* ids, int64_t rows);

  // Of the aggregates, without the keys.
  std::vector<ColumnPtr> aggregate_columns(const uint32_t* groups, int64_t count) const;

  static void evaluate_parts(const BoundAggregate& aggregate, EvaluationBatch& batch,
                             AggregateRows* out);

  void note_positions(const Chunk& chunk, int64_t rows);

  const AggregateSpec& spec_;
  const CancellationToken* cancellation_;
  std::unique_ptr<GroupTable> groups_;
  std::vector<std::unique_ptr<Accumulator>> accumulators_;
  // After settle(): what the accumulators gave for all groups.
  std::optional<std::vector<ColumnPtr>> settled_;
  uint64_t settled_bytes_ = 0;
  LargeVector<uint64_t> first_positions_;
  std::vector<uint32_t> ids_;        // scratch
  std::vector<uint64_t> positions_;  // scratch: of the chunk's rows, when somebody reads them
  // Streams only: which groups the running epoch has met.
  bool tracks_touched_ = false;
  uint64_t epoch_ = 1;
  std::vector<uint64_t> touched_epochs_;
  std::vector<uint32_t> touched_;
  std::vector<OutputPlace> touched_places_;
};

}  // namespace velaria
