// A logical plan that was found fit to run as a stream, with what the loop must know about it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "src/plan/logical_plan.h"
#include "stream/stream_source.h"

namespace velaria {

// Immutable.
struct StreamPlan {
  PlanPtr logical;    // as it was asked for
  PlanPtr optimized;  // as it runs
  StreamSourcePtr source;
  std::vector<size_t> columns;  // of the source that the plan reads
  bool has_stateful_ops = false;
  bool has_window = false;
  // Of the plan's text and every schema in it: a checkpoint of another plan is told by it.
  uint64_t fingerprint = 0;
};

// Throws SqlUnsupportedError naming the operation that a stream refuses (ORDER BY, LIMIT, two
// aggregates above each other) and why; TableKindError when the plan's only leaf is no stream.
StreamPlan make_stream_plan(PlanPtr plan);

}  // namespace velaria
