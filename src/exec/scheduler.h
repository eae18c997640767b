// The one loop that moves chunks: scan -> transforms -> sink, by several tasks at a time.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "src/exec/operator.h"

namespace velaria {

// Runs one pipeline to its end: every task pulls, transforms and sinks; then the sink finishes.
// The first error of any task cancels the others and is thrown here. With one task (or no pool) all
// runs on the calling thread.
void run_pipeline(TableScan& scan,
                  const std::vector<std::unique_ptr<TransformOperator>>& transforms,
                  const SinkOperator& sink, SinkState& sink_state, size_t tasks,
                  const ExecutionContext& context);

// f(0) ... f(count - 1) on the pool; waits for all. Errors and Ctrl-C as above.
void run_parallel(size_t count, const std::function<void(size_t)>& f,
                  const ExecutionContext& context);

}  // namespace velaria
