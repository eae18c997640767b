// A logical plan made ready to run as a stream: what is done with each batch, and what only when
// the stream has come to its end.
//
// Scans, filters, projections, time windows, joins with tables and one aggregate are done batch by
// batch. Where the rest needs all rows (ORDER BY, LIMIT over groups, window functions, an aggregate
// over an aggregate ...), a stream without an end is refused; over one that ends, the plan is cut
// there: the rows (or groups) below the cut are kept, and what is above runs once, over all of
// them, at the end.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "src/plan/logical_plan.h"
#include "stream/stream_source.h"

namespace velaria {

// Immutable.
struct StreamPlan {
  PlanPtr logical;    // as it was asked for
  PlanPtr whole;      // as it runs, in one piece: for explain
  PlanPtr per_batch;  // what each batch runs through; its stream is `leaf`
  PlanPtr at_end;     // over all that per_batch gave, its stream being `held`; null: nothing
  TableSourcePtr leaf;
  TableSourcePtr held;

  // Of LIMIT and OFFSET over rows in their order: the query ends by itself when they are out.
  std::optional<int64_t> limit;
  int64_t offset = 0;
  bool counts_rows() const { return limit || offset > 0; }

  StreamSourcePtr source;
  std::vector<size_t> columns;  // of the source that the plan reads
  bool has_stateful_ops = false;
  bool has_window = false;
  bool has_aggregate = false;         // in per_batch
  bool has_global_aggregate = false;  // of these, one without keys: one row, also of no rows
  // Of the plan's text and every schema in it: a checkpoint of another plan is told by it.
  uint64_t fingerprint = 0;

  const Schema& output_schema() const { return logical->schema(); }
};

// Tables beside the stream are tied to what they hold now. Throws SqlUnsupportedError naming the
// operation that a stream without an end refuses and why, TableKindError when no stream is read.
StreamPlan make_stream_plan(PlanPtr plan);

// How many windows cover a row at most: width over slide, rounded up.
int64_t windows_per_row(const TimeWindow& window);

// The leaf of a part of a plan whose rows another part gives: they are put in its place when it
// runs. `description`: for explain.
TableSourcePtr make_replaced_leaf(Schema schema, std::string description);

}  // namespace velaria
