// The explain text of a streaming query.
#pragma once

#include <string>

#include "src/exec/physical_plan.h"
#include "stream/strategy.h"
#include "stream/stream_plan.h"

namespace velaria {

// What each batch runs through, and what runs once at the end; they refer to `plan`'s nodes.
PhysicalPlan batch_pipelines(const StreamPlan& plan, const WindowRetention& retention);
PhysicalPlan end_pipelines(const StreamPlan& plan);

// Exactly three sections, each headed by its name on a line of its own: `logical` (the optimized
// plan), `physical` (its pipelines), `strategy` (key=value lines).
std::string explain_stream(const StreamPlan& plan, const StreamStrategy& strategy);

// The same from what a caller has at hand, without starting or opening anything.
// `sink_is_blocking`: StreamSink::blocking() of the sink it would run into.
std::string explain_stream(PlanPtr plan, const StreamOptions& options,
                           const StreamEnvironment& environment, bool sink_is_blocking = false);

}  // namespace velaria
