// GROUP BY as a sink: keys to group numbers, accumulators as flat arrays, one table per task, one
// merge at the end (by hash partition and in parallel when there are many groups).
//
// Groups come out in the order in which their first row lies in the input, for any number of tasks.
// As a stream's state the table lives on between epochs, and each epoch gives out the groups that
// it touched.
#pragma once

#include <memory>
#include <optional>
#include <tuple>
#include <vector>

#include "src/exec/aggregate/group_table.h"
#include "src/exec/aggregate/group_windows.h"
#include "src/exec/operator.h"
#include "src/expr/aggregate.h"

namespace velaria {

enum class AggregateOutput {
  kAllGroups,      // batch
  kAnyOrder,       // the same, for who reads all of them and looks at no order
  kTouchedGroups,  // stream: the groups of this epoch, with their values so far
  kWhenAsked,      // stream: nothing, until all groups are asked for
};

// When which way of grouping is taken; all give the same answers.
struct AggregateOptions {
  GroupTableOptions table;
  // Rows that a task looks at before it tells whether nearly every one is a group of its own.
  int64_t rows_before_choice = int64_t{1} << 17;
  // From so many groups on, of all tasks, it is looked at whether hardly any is in two tables,
  // which then stay as they are.
  size_t groups_worth_staying = 20000;
  // Fewer groups than this, of all tasks, are merged on one thread: more would be over too soon to
  // be worth tables of their own and the interleaving of what they give out.
  size_t groups_worth_partitions = 500000;
  // Streams only. With panes the key comes as the start of a pane (make_time_panes), and each
  // epoch's groups are added to all windows that cover it.
  std::optional<GroupWindows> windows = std::nullopt;
  WindowRetention retention = {};
  // Streams whose rows are divided by key: the input's uint64 column with the place of each row
  // among all rows of the stream, by which groups are put in order.
  std::optional<size_t> position_column = std::nullopt;
};

std::unique_ptr<SinkOperator> make_aggregate(std::vector<BoundExpressionPtr> keys,
                                             std::vector<BoundAggregate> aggregates,
                                             AggregateOutput output,
                                             const AggregateOptions& options = {});

// Where a group stands in what an epoch gives out: groups of several states whose rows were divided
// by key come out in this order.
struct OutputPlace {
  int64_t pane = 0;       // with panes: the start of the first pane that touched it in the epoch
  int64_t window = 0;     // with panes: the start of its window
  uint64_t position = 0;  // of its first row, with panes of its first row in that pane

  bool operator<(const OutputPlace& other) const {
    return std::tie(pane, window, position) < std::tie(other.pane, other.window, other.position);
  }
};

// Stateful sinks can be written down and restored, between epochs only.
class StatefulSink {
 public:
  virtual ~StatefulSink() = default;
  // One chunk, a row for each group, in the order of their positions: first the keys, then columns
  // that only restore() understands. Any rows of it are a snapshot of these groups.
  virtual Chunk snapshot(const SinkState& state) const = 0;
  virtual void restore(SinkState& state, const Chunk& snapshot) const = 0;
  // The positions of the groups' first rows, a row each, in the order of snapshot().
  virtual std::vector<uint64_t> positions(const SinkState& state) const = 0;
  // The groups of a snapshot with their positions.
  virtual void restore(SinkState& state, const Chunk& snapshot,
                       const std::vector<uint64_t>& positions) const = 0;
  // Of the groups that the last epoch gave out, in their order; with a position column only.
  virtual std::vector<OutputPlace> output_places(const SinkState& state) const = 0;
  virtual uint64_t state_bytes(const SinkState& state) const = 0;
  virtual int64_t state_groups(const SinkState& state) const = 0;
  // The next epoch gives out all groups instead of those it touches.
  virtual void ask_for_all(SinkState& state) const = 0;
  // Rows that came for a window already dropped, once for each such window.
  virtual uint64_t late_rows(const SinkState& state) const = 0;
};

}  // namespace velaria
