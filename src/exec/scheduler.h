// The one loop that moves chunks: scan -> transforms -> sink, by several tasks at a time.
//
// Queries that run at the same time share the pool in turns: a task gives its thread up after some
// milliseconds when others wait for one, so a short query ends soon beside an endless one.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "src/exec/execution_profile.h"
#include "src/exec/operator.h"

namespace velaria {

// One input of a pipeline on its way to the sink.
struct PipelineInputRun {
  TableScan& scan;
  const std::vector<std::shared_ptr<const TransformOperator>>& transforms;
  const PipelineStates& states;  // of the pipelines before
  const SinkOperator& sink;
  SinkState& sink_state;
  size_t tasks = 1;
  // Where the orders of this input's chunks begin, so that they follow those of the inputs before.
  uint64_t first_order = 0;
  PipelineInputProfile* profile = nullptr;  // filled when given
};

struct PipelineInputEnd {
  uint64_t next_order = 0;     // first_order of the next input
  bool sink_finished = false;  // the sink wants no more rows
};

// Runs one input to its end: every task pulls, transforms and sinks. The first error of any task
// cancels the others and is thrown here. With one task (or no pool) all runs on the calling thread.
// The caller finishes the sink after the last input.
PipelineInputEnd run_pipeline_input(const PipelineInputRun& input, const ExecutionContext& context);

// The same, bit by bit: for a result that somebody takes as he needs it. Between two calls nothing
// runs. One thread at a time.
class PipelineSteps {
 public:
  // What `input` and `context` point at outlives this. A profile is not made.
  PipelineSteps(const PipelineInputRun& input, const ExecutionContext& context);
  ~PipelineSteps();
  PipelineSteps(const PipelineSteps&) = delete;
  PipelineSteps& operator=(const PipelineSteps&) = delete;

  // Every task takes up to `chunks` chunks to the sink; waits for all. False: the input is at its
  // end, or the sink wants no more. After an error, which is thrown here, all is over.
  bool advance(size_t chunks);
  PipelineInputEnd end() const;

 private:
  struct State;
  const std::unique_ptr<State> state_;
};

// f(0) ... f(count - 1) on the pool; waits for all. Errors and Ctrl-C as above. One piece alone
// runs on the calling thread, which asks for interrupts between pieces only.
void run_parallel(size_t count, const std::function<void(size_t)>& f,
                  const ExecutionContext& context);

// The same for pieces that take more than some milliseconds each: none runs on the calling thread,
// which asks for interrupts all the time. `f` looks at the context's cancellation now and then.
void run_long_pieces(size_t count, const std::function<void(size_t)>& f,
                     const ExecutionContext& context);

}  // namespace velaria
