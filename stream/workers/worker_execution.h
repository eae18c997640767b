// Batches run by worker processes.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "stream/batch_execution.h"
#include "stream/workers/worker_plan.h"

namespace velaria {

struct WorkerSettings {
  std::vector<std::string> command;  // see worker_command()
  size_t workers = 1;
  bool shared_memory = true;
  uint64_t shared_memory_min_bytes = 65536;
  AggregateOutput aggregate_output = AggregateOutput::kTouchedGroups;
  std::vector<size_t> columns;  // of the source, that the plan reads
};

// What the last batch took, for the choice between workers and none.
struct WorkerBatchCost {
  int64_t wall_ns = 0;
  int64_t compute_cpu_ns = 0;  // of all workers together
};

class WorkerExecution : public BatchExecution {
 public:
  virtual WorkerBatchCost last_cost() const = 0;
};

// Starts the workers. `plan`, `schema` (the source's) and what `context` points at outlive it; its
// pool is not used. Errors of a worker come out of run() as they would in this process; a worker
// that ends is a StreamError with its name. Must be used and destroyed by the thread that makes it.
std::unique_ptr<WorkerExecution> make_worker_execution(const WorkerPlan& plan, const Schema& schema,
                                                       WorkerSettings settings,
                                                       ExecutionContext context,
                                                       ExecutionChoice choice);

// What workers would cost this process for a batch, without any worker: dividing it, writing it
// down, taking what it gives out and merging it. Measured on some of the rows.
int64_t measure_handing_over_ns(const WorkerPlan& plan, const Schema& schema,
                                const WorkerSettings& settings, const std::vector<Chunk>& batch,
                                const std::vector<Chunk>& output, int64_t chunk_rows);

}  // namespace velaria
