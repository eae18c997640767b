// Batches run in this process until workers are measured to be faster.
//
// The first kSampledBatches batches run here. Where their cost says that workers may win, the query
// goes on here until a trial costs hardly a share of what it has taken. Then the state moves to
// workers, which run the next batches; they keep the query when they were faster, or it comes back
// for good.
#pragma once

#include <atomic>
#include <functional>
#include <memory>

#include "src/base/clock.h"
#include "stream/batch_execution.h"
#include "stream/workers/worker_execution.h"

namespace velaria {

struct MeasuredExecutionParts {
  // Makes the execution in this process; `pool_cpu_ns` goes into its context.
  std::function<std::unique_ptr<BatchExecution>(ExecutionChoice, std::atomic<int64_t>* pool_cpu_ns)>
      make_in_process;
  std::function<std::unique_ptr<WorkerExecution>(ExecutionChoice)> make_workers;
  // What handing a batch over and taking its output back would take.
  std::function<int64_t(const std::vector<Chunk>& batch, const std::vector<Chunk>& output)>
      measure_handing_over_ns;
  size_t workers = 1;
  size_t cores = 1;
  ExecutionChoice choice;                  // before anything is measured
  std::shared_ptr<Clock> clock;            // null: system_clock()
  std::function<int64_t()> thread_cpu_ns;  // null: that of clock.h
};

std::unique_ptr<BatchExecution> make_measured_execution(MeasuredExecutionParts parts);

}  // namespace velaria
