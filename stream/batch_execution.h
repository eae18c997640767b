// How a streaming query runs its batches: in this process, or in worker processes. The answers are
// the same, and so is what is written down of the state.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "src/exec/physical_plan.h"

namespace velaria {

// What is done now and why, for progress. The names are those of StreamingQueryProgress.
struct ExecutionChoice {
  std::string execution_mode;
  std::string execution_reason;
  std::string transport_mode;
  bool used_actor_runtime = false;
  bool used_shared_memory = false;
  double actor_speedup = 0;
  double compute_to_overhead_ratio = 0;
};

// One thread at a time.
class BatchExecution {
 public:
  virtual ~BatchExecution() = default;

  // What one batch gives out. `chunks` have the source's columns; the orders from *next_order on
  // are theirs, and it is moved on.
  virtual std::vector<Chunk> run(std::vector<Chunk> chunks, uint64_t* next_order) = 0;
  // All groups, touched or not.
  virtual std::vector<Chunk> run_all() = 0;

  // The state as checkpoints hold it, between batches; empty without any.
  virtual std::vector<Chunk> state_parts() = 0;
  virtual size_t state_parts_count() = 0;
  virtual void restore(const std::vector<Chunk>& parts) = 0;
  virtual uint64_t state_bytes() = 0;
  virtual uint64_t late_rows() = 0;

  virtual ExecutionChoice choice() const = 0;
};

// With the threads of `context`. `plan`, `schema` (the source's) and what `context` points at
// outlive it; `choice` is what it says of itself.
std::unique_ptr<BatchExecution> make_in_process_execution(const PhysicalPlan& plan,
                                                          const Schema& schema,
                                                          ExecutionContext context,
                                                          ExecutionChoice choice);

}  // namespace velaria
