// How a streaming plan is divided over worker processes: what they run, by which keys the rows are
// divided, and what is left for the process that started them.
//
// An aggregate is divided by key: a group lies in one worker for its whole life, so nothing is
// merged from batch to batch. Every worker gets the position of each of its rows in the stream, and
// gives the place of each group it gives out, so that groups come out in the order of one process.
// A plan without an aggregate is divided by rows in any way.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "stream/stream_options.h"
#include "stream/stream_plan.h"

namespace velaria {

// Immutable.
struct WorkerPlan {
  bool eligible = false;
  std::string reason;  // why (not)

  // The rest of an eligible one.
  PlanPtr shipped;     // over `leaf`
  Schema leaf_schema;  // the source's, and the position of the row when rows are divided by key
  std::optional<size_t> position_column;  // of the aggregate's input
  bool divides_by_key() const { return position_column.has_value(); }
  // Over the source's columns; of an aggregate only.
  std::vector<BoundExpressionPtr> division_keys;
  std::vector<size_t> division_key_columns;  // of the snapshot's keys, in the same order
  // What is done with the groups here; null: nothing. Its stream is `groups`.
  PlanPtr after;
  TableSourcePtr groups;
};

WorkerPlan make_worker_plan(const StreamPlan& plan, const StreamOptions& options);

// The name of the column with positions in leaf_schema.
inline constexpr const char* kPositionColumnName = "position of the row";

}  // namespace velaria
