#include "src/exec/physical_plan.h"

#include <algorithm>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/exec/collect_sink.h"
#include "src/exec/operator/transforms.h"
#include "src/exec/scheduler.h"
#include "src/exec/sort/sort_sink.h"

namespace velaria {

namespace {

std::vector<DataType> types_of(const Schema& schema) {
  std::vector<DataType> types;
  for (const Field& field : schema.fields()) types.push_back(field.type);
  return types;
}

std::vector<size_t> all_columns(const Schema& schema) {
  std::vector<size_t> columns(schema.size());
  for (size_t i = 0; i < columns.size(); ++i) columns[i] = i;
  return columns;
}

}  // namespace

// Walks from the root down; a pipeline is open until a node that must see all its input closes it.
struct PhysicalPlan::Builder {
  const PhysicalOptions& options;
  std::vector<Pipeline>& pipelines;

  Pipeline open(const LogicalPlan& plan) {
    switch (plan.kind()) {
      case PlanKind::kScan: {
        const auto& scan = static_cast<const ScanPlan&>(plan);
        Pipeline pipeline;
        pipeline.source = scan.source();
        pipeline.columns = scan.columns();
        pipeline.description =
            "scan " + (scan.name().empty() ? scan.source()->describe() : scan.name());
        return pipeline;
      }
      case PlanKind::kFilter:
        return with_transform(plan, make_filter(static_cast<const FilterPlan&>(plan).condition()),
                              "filter");
      case PlanKind::kProject:
        return with_transform(
            plan, make_project(static_cast<const ProjectPlan&>(plan).expressions()), "project");
      case PlanKind::kTimeWindow:
        return with_transform(plan,
                              make_time_window(static_cast<const TimeWindowPlan&>(plan).window()),
                              "time window");
      case PlanKind::kAggregate: {
        const auto& aggregate = static_cast<const AggregatePlan&>(plan);
        return close(
            plan,
            make_aggregate(aggregate.keys(), aggregate.aggregates(), options.aggregate_output),
            "aggregate");
      }
      case PlanKind::kSort:
        return close(plan,
                     make_sort(static_cast<const SortPlan&>(plan).items(), types_of(plan.schema())),
                     "sort");
      case PlanKind::kTopN: {
        const auto& top = static_cast<const TopNPlan&>(plan);
        return close(plan,
                     make_top_n(top.items(), types_of(plan.schema()), top.limit(), top.offset()),
                     "top-n");
      }
      case PlanKind::kLimit: {
        const auto& limit = static_cast<const LimitPlan&>(plan);
        return close(plan, make_limit(limit.limit(), limit.offset()), "limit");
      }
    }
    VELARIA_CHECK(false);
    return Pipeline();
  }

  Pipeline with_transform(const LogicalPlan& plan, std::unique_ptr<TransformOperator> transform,
                          const char* name) {
    Pipeline pipeline = open(*plan.child());
    pipeline.transforms.push_back(std::move(transform));
    pipeline.description += concat(" -> ", name);
    return pipeline;
  }

  // Ends the child's pipeline in `sink`, and opens one that reads it.
  Pipeline close(const LogicalPlan& plan, std::unique_ptr<SinkOperator> sink, const char* name) {
    Pipeline finished = open(*plan.child());
    finished.sink = std::move(sink);
    finished.description += concat(" -> ", name);
    pipelines.push_back(std::move(finished));
    Pipeline next;
    next.input_pipeline = pipelines.size() - 1;
    next.columns = all_columns(plan.schema());
    next.description = concat("read pipeline ", next.input_pipeline);
    return next;
  }
};

PhysicalPlan PhysicalPlan::make(const LogicalPlan& plan, const PhysicalOptions& options) {
  PhysicalPlan out;
  Builder builder{options, out.pipelines_};
  Pipeline last = builder.open(plan);
  last.sink = make_collect();
  last.description += " -> collect";
  out.pipelines_.push_back(std::move(last));
  out.schema_ = plan.schema();
  return out;
}

std::string PhysicalPlan::describe() const {
  std::string out;
  for (size_t i = 0; i < pipelines_.size(); ++i) {
    out += concat("pipeline ", i, ": ", pipelines_[i].description, "\n");
  }
  return out;
}

PlanExecution::PlanExecution(const PhysicalPlan& plan, ExecutionContext context)
    : plan_(plan), context_(std::move(context)) {
  for (const Pipeline& pipeline : plan.pipelines()) {
    states_.push_back(pipeline.sink->new_state(context_));
  }
}

PlanExecution::~PlanExecution() = default;

size_t PlanExecution::tasks_for(const Pipeline& pipeline, const TableSource* source) const {
  if (context_.pool == nullptr) return 1;
  // Handing a few chunks to other threads costs more than running them here.
  constexpr int64_t kRowsWorthTasks = 16 * 1024;
  if (source != nullptr) {
    const auto rows = source->known_rows();
    return rows && *rows < kRowsWorthTasks && context_.chunk_rows == kDefaultChunkRows
               ? 1
               : context_.tasks;
  }
  const auto& input = plan_.pipelines()[pipeline.input_pipeline];
  const int64_t rows = input.sink->result_rows(*states_[pipeline.input_pipeline]);
  return rows < kRowsWorthTasks && context_.chunk_rows == kDefaultChunkRows ? 1 : context_.tasks;
}

void PlanExecution::run(const TableSource* input) {
  const std::vector<Pipeline>& pipelines = plan_.pipelines();
  for (size_t i = 0; i < pipelines.size(); ++i) {
    const Pipeline& pipeline = pipelines[i];
    const TableSource* source =
        pipeline.source ? (input != nullptr ? input : pipeline.source.get()) : nullptr;
    ScanRequest request;
    request.columns = pipeline.columns;
    request.chunk_rows = std::min(context_.chunk_rows, kMostChunkRows);
    request.cancellation = context_.cancellation;
    request.tasks = tasks_for(pipeline, source);
    const std::unique_ptr<TableScan> scan = source != nullptr
                                                ? source->scan(request)
                                                : pipelines[pipeline.input_pipeline].sink->result(
                                                      *states_[pipeline.input_pipeline], request);
    pipeline.sink->begin_epoch(*states_[i]);
    run_pipeline(*scan, pipeline.transforms, *pipeline.sink, *states_[i], request.tasks, context_);
  }
}

std::vector<Chunk> PlanExecution::take_result() { return take_collected(*states_.back()); }

std::vector<PlanExecution::Stateful> PlanExecution::stateful_sinks() {
  std::vector<Stateful> out;
  for (size_t i = 0; i < states_.size(); ++i) {
    const auto* sink = dynamic_cast<const StatefulSink*>(plan_.pipelines()[i].sink.get());
    if (sink != nullptr) out.push_back({sink, states_[i].get()});
  }
  return out;
}

uint64_t PlanExecution::state_bytes() {
  uint64_t bytes = 0;
  for (const Stateful& stateful : stateful_sinks())
    bytes += stateful.sink->state_bytes(*stateful.state);
  return bytes;
}

}  // namespace velaria
