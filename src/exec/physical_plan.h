// A logical plan cut at its sinks into pipelines, and one run of it.
//
//   PhysicalPlan plan = PhysicalPlan::make(*logical, {});
//   PlanExecution execution(plan, context);
//   execution.run(nullptr);
//   std::vector<Chunk> rows = execution.take_result();
//
// A stream keeps its execution and runs it once per epoch over that epoch's chunks.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "src/exec/aggregate/aggregate_sink.h"
#include "src/exec/operator.h"
#include "src/exec/scheduler.h"
#include "src/plan/logical_plan.h"
#include "src/plan/scan_filter.h"

namespace velaria {

constexpr size_t kNoPlanOperator = static_cast<size_t>(-1);

struct PhysicalOptions {
  // What run() replaces, and what the plan is entered with again and again. Pipelines that do not
  // read it run once, and aggregates that do not are those of a batch. Null: every source.
  const TableSource* stream = nullptr;
  AggregateOutput aggregate_output = AggregateOutput::kAllGroups;
  AggregateOptions aggregate;
  WindowRetention retention = {};  // of the stream's windows
  // All hashes are the same and nothing may do without hashing: answers must not change.
  bool equal_hashes_for_tests = false;
};

// Reads either a source of the plan or the result of an earlier pipeline's sink.
struct PipelineInput {
  TableSourcePtr source;  // null: `input_pipeline`
  size_t input_pipeline = 0;
  std::vector<size_t> columns;
  std::vector<std::shared_ptr<const TransformOperator>> transforms;
  // The plan operators (see PhysicalPlan::operators) that the scan and each transform work for.
  std::vector<size_t> owners = {};
  // What the first transform lets through, for sources that use it while they decode; may be null.
  ScanFilterPtr filter = nullptr;
};

// The inputs run one after the other into one sink; their rows come in this order.
struct Pipeline {
  std::vector<PipelineInput> inputs;
  std::unique_ptr<SinkOperator> sink;
  std::string description;  // "scan flights -> filter -> aggregate"
  size_t sink_owner = kNoPlanOperator;
  bool every_epoch = true;  // false: what it reads never changes, so its first run is its last
};

// A node of the logical plan at one place of the tree, for profiles.
struct PlanOperator {
  const LogicalPlan* node;  // alive as long as the plan that was given to make()
  std::vector<size_t> children;
};

class PhysicalPlan {
 public:
  static PhysicalPlan make(const LogicalPlan& plan, const PhysicalOptions& options);

  // In the order in which they must run; the last one collects the result.
  const std::vector<Pipeline>& pipelines() const { return pipelines_; }
  const Schema& schema() const { return schema_; }
  // The first one is the root.
  const std::vector<PlanOperator>& operators() const { return operators_; }
  std::string describe() const;  // one line a pipeline

 private:
  struct Builder;
  friend class PlanExecution;
  const TableSource* stream_ = nullptr;
  std::vector<Pipeline> pipelines_;
  std::vector<PlanOperator> operators_;
  Schema schema_;
};

class PlanExecution {
 public:
  // `plan` and what `context` points at outlive the execution. Its operators see a token of the
  // execution's own: cancelled with that of `context`, and when the interrupt check throws.
  PlanExecution(const PhysicalPlan& plan, ExecutionContext context);
  ~PlanExecution();
  PlanExecution(const PlanExecution&) = delete;
  PlanExecution& operator=(const PlanExecution&) = delete;

  // Runs every pipeline once. `replacement`, when given, replaces the plan's stream (see
  // PhysicalOptions) for this epoch.
  void run(const TableSource* replacement);
  // The rows of the last run, in order, without selections. May be called once per run.
  std::vector<Chunk> take_result();

  // Instead of run(): runs every pipeline but the last, whose rows next_chunk() gives.
  void begin_result();
  // The next rows of the result, in order, without a selection; false at the end. Runs the last
  // pipeline as far as that needs. After an error, which is thrown here, all is over.
  bool next_chunk(Chunk* chunk);

  // Stateful sinks in pipeline order, each with its state: for checkpoints, between runs.
  struct Stateful {
    const StatefulSink* sink;
    SinkState* state;
  };
  std::vector<Stateful> stateful_sinks();
  uint64_t state_bytes();
  uint64_t late_rows();
  // The next run gives out all groups of the state, touched or not.
  void ask_for_all();

 private:
  ExecutionContext sink_context(size_t pipeline) const;
  size_t tasks_for(const PipelineInput& input, const TableSource* source) const;
  struct StartedInput;
  StartedInput start_input(const PipelineInput& input, const TableSource* source,
                           PipelineInputProfile* profile);
  void run_pipeline(size_t pipeline, const TableSource* replacement);
  PipelineInputEnd run_input(const PipelineInput& input, const TableSource* source,
                             const SinkOperator& sink, SinkState& sink_state, uint64_t first_order,
                             PipelineInputProfile* profile);
  // A sink that took the place of a transform, and what it gathered.
  struct Replaced {
    std::unique_ptr<SinkOperator> sink;
    std::unique_ptr<SinkState> state;
  };
  // Runs the input's transforms [first, last) of `transforms` into `sink`.
  Replaced run_replaced(const PipelineInput& input, std::pair<size_t, size_t> transforms,
                        TableScan& scan, const ScanRequest& request,
                        std::unique_ptr<SinkOperator> sink, PipelineInputProfile* profile);

  const PhysicalPlan& plan_;
  CancellationToken cancellation_;
  ExecutionContext context_;
  // One a pipeline, when a profile is wanted: what its sink holds.
  std::vector<std::shared_ptr<MemoryBudget>> sink_budgets_;
  std::vector<std::shared_ptr<SpillSpace>> sink_spills_;  // one a pipeline
  PipelineStates states_;
  bool ran_before_ = false;
  struct ResultSteps;
  std::unique_ptr<ResultSteps> result_steps_;
};

}  // namespace velaria
