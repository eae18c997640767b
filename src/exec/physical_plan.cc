#include "src/exec/physical_plan.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <utility>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/exec/collect_sink.h"
#include "src/exec/join/join_build.h"
#include "src/exec/join/join_probe.h"
#include "src/exec/join/key_filter.h"
#include "src/exec/join/wanted_columns.h"
#include "src/exec/operator/scan_filter.h"
#include "src/exec/operator/transforms.h"
#include "src/exec/scheduler.h"
#include "src/exec/sort/sort_sink.h"
#include "src/exec/spill/spill_space.h"
#include "src/exec/vector/vector_top_k_sink.h"
#include "src/exec/window/window_sink.h"

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
  const WantedColumns wanted_columns;
  std::vector<PlanOperator>& operators;
  size_t parent = kNoPlanOperator;
  struct KeyFilterRequest {
    std::vector<size_t> columns;
    size_t table = 0;  // the pipeline that builds it
  };
  // Asked for by joins above, until the node is opened.
  std::map<const LogicalPlan*, std::vector<KeyFilterRequest>> key_filters = {};
  std::map<size_t, size_t> shared_pipelines = {};  // by the number of the shared plan

  const LogicalPlan* paned_window = nullptr;         // opened as panes
  const LogicalPlan* any_order_aggregate = nullptr;  // nobody sees the order of its rows

  bool reads_stream(const LogicalPlan& plan) const {
    if (options.stream == nullptr) return true;
    if (plan.kind() == PlanKind::kScan) {
      return static_cast<const ScanPlan&>(plan).source().get() == options.stream;
    }
    const auto& children = plan.children();
    return std::any_of(children.begin(), children.end(),
                       [this](const PlanPtr& child) { return reads_stream(*child); });
  }

  // Notes what the stages work for: those that nobody owns when a node is done were made for it.
  Pipeline open(const LogicalPlan& plan) {
    const size_t self = operators.size();
    operators.push_back({&plan, {}});
    if (parent != kNoPlanOperator) operators[parent].children.push_back(self);
    const size_t outer = std::exchange(parent, self);
    const size_t first = pipelines.size();
    Pipeline out = open_node(plan);
    parent = outer;
    for (size_t i = first; i < pipelines.size(); ++i) {
      if (pipelines[i].sink_owner == kNoPlanOperator) pipelines[i].sink_owner = self;
      own_stages(&pipelines[i], self);
      if (!reads_stream(plan)) pipelines[i].every_epoch = false;
    }
    own_stages(&out, self);
    add_key_filters(plan, &out);
    own_stages(&out, outer);
    return out;
  }

  // Filters belong to the node above, so that this one shows all rows it gave.
  void add_key_filters(const LogicalPlan& plan, Pipeline* pipeline) {
    const auto found = key_filters.find(&plan);
    if (found == key_filters.end()) return;
    VELARIA_CHECK(pipeline->inputs.size() == 1);
    for (const KeyFilterRequest& request : found->second) {
      pipeline->inputs[0].transforms.push_back(make_key_filter(request.columns, request.table));
      pipeline->description += concat(" -> key filter of pipeline ", request.table);
    }
    key_filters.erase(found);
  }

  static void own_stages(Pipeline* pipeline, size_t owner) {
    for (PipelineInput& input : pipeline->inputs) {
      input.owners.resize(input.transforms.size() + 1, owner);
    }
  }

  Pipeline open_node(const LogicalPlan& plan) {
    switch (plan.kind()) {
      case PlanKind::kScan: {
        const auto& scan = static_cast<const ScanPlan&>(plan);
        Pipeline pipeline;
        pipeline.inputs.push_back({scan.source(), 0, scan.columns(), {}});
        pipeline.description =
            "scan " + (scan.name().empty() ? scan.source()->describe() : scan.name());
        return pipeline;
      }
      case PlanKind::kFilter: return open_filter(static_cast<const FilterPlan&>(plan));
      case PlanKind::kProject:
        return with_transform(
            plan, make_project(static_cast<const ProjectPlan&>(plan).expressions()), "project");
      case PlanKind::kTimeWindow: {
        const TimeWindow& window = static_cast<const TimeWindowPlan&>(plan).window();
        if (&plan == paned_window)
          return with_transform(plan, make_time_panes(window), "time panes");
        return with_transform(plan, make_time_window(window), "time window");
      }
      case PlanKind::kAggregate: return open_aggregate(static_cast<const AggregatePlan&>(plan));
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
      case PlanKind::kVectorTopK: {
        const auto& top = static_cast<const VectorTopKPlan&>(plan);
        return close(plan, make_vector_top_k(top.top(), types_of(plan.child()->schema())),
                     "vector top-k");
      }
      case PlanKind::kUnionAll: return open_union(plan);
      case PlanKind::kJoin: return open_join(static_cast<const JoinPlan&>(plan));
      case PlanKind::kWindow: {
        const auto& window = static_cast<const WindowPlan&>(plan);
        return close(plan,
                     make_window(window.partition_by(), window.order_by(), window.functions()),
                     "window");
      }
      case PlanKind::kShared: return open_shared(static_cast<const SharedPlan&>(plan));
      case PlanKind::kLimit: {
        const auto& limit = static_cast<const LimitPlan&>(plan);
        return close(plan, make_limit(limit.limit(), limit.offset()), "limit");
      }
    }
    VELARIA_CHECK(false);
    return Pipeline();
  }

  Pipeline open_filter(const FilterPlan& plan) {
    Pipeline pipeline = with_transform(plan, make_filter(plan.condition()), "filter");
    PipelineInput& input = pipeline.inputs[0];
    const bool of_scan = plan.child()->kind() == PlanKind::kScan && input.transforms.size() == 1;
    if (!of_scan || dynamic_cast<const FilteringSource*>(input.source.get()) == nullptr) {
      return pipeline;
    }
    ScanFilterPtr filter = make_scan_filter(plan.condition());
    if (filter->columns().size() == input.columns.size()) return pipeline;
    input.filter = std::move(filter);
    pipeline.description += " (before other columns are decoded)";
    return pipeline;
  }

  Pipeline with_transform(const LogicalPlan& plan,
                          std::shared_ptr<const TransformOperator> transform, const char* name) {
    Pipeline pipeline = open(*plan.child());
    for (PipelineInput& input : pipeline.inputs) input.transforms.push_back(transform);
    pipeline.description += concat(" -> ", name);
    return pipeline;
  }

  // Ends the child's pipeline in `sink`, and opens one that reads it.
  Pipeline close(const LogicalPlan& plan, std::unique_ptr<SinkOperator> sink, const char* name) {
    Pipeline finished = open(*plan.child());
    finished.sink = std::move(sink);
    finished.description += concat(" -> ", name);
    pipelines.push_back(std::move(finished));
    return read_last(plan.schema());
  }

  // The first place computes the rows, before anything that reads them is run.
  Pipeline open_shared(const SharedPlan& plan) {
    const auto known = shared_pipelines.find(plan.number());
    if (known != shared_pipelines.end()) return read(known->second, plan.schema());
    Pipeline out = close(plan, make_shared_rows(), "share");
    shared_pipelines[plan.number()] = pipelines.size() - 1;
    return out;
  }

  Pipeline read_last(const Schema& schema) const { return read(pipelines.size() - 1, schema); }

  static Pipeline read(size_t pipeline, const Schema& schema) {
    Pipeline next;
    next.inputs.push_back({nullptr, pipeline, all_columns(schema), {}});
    next.description = concat("read pipeline ", pipeline);
    return next;
  }

  std::unique_ptr<SinkOperator> aggregate_sink(std::vector<BoundExpressionPtr> keys,
                                               std::vector<BoundAggregate> aggregates,
                                               AggregateOutput output,
                                               std::optional<GroupWindows> windows = {}) const {
    AggregateOptions aggregate_options = options.aggregate;
    aggregate_options.windows = windows;
    aggregate_options.retention = options.retention;
    aggregate_options.table.equal_hashes |= options.equal_hashes_for_tests;
    return make_aggregate(std::move(keys), std::move(aggregates), output, aggregate_options);
  }

  Pipeline open_aggregate(const AggregatePlan& plan) {
    AggregateOutput output =
        reads_stream(plan) ? options.aggregate_output : AggregateOutput::kAllGroups;
    const bool any_order = output == AggregateOutput::kAllGroups && &plan == any_order_aggregate;
    if (output == AggregateOutput::kTouchedGroups || output == AggregateOutput::kWhenAsked) {
      const std::optional<GroupWindows> windows = find_group_windows(plan);
      if (windows && windows->allows_panes) paned_window = windows->window;
      return close(plan, aggregate_sink(plan.keys(), plan.aggregates(), output, windows),
                   "aggregate");
    }
    if (output != AggregateOutput::kAllGroups || !is_of_one_set(plan)) {
      if (any_order) output = AggregateOutput::kAnyOrder;
      return close(plan, aggregate_sink(plan.keys(), plan.aggregates(), output), "aggregate");
    }
    // Grouping by the argument too leaves each value once. Groups meet in parallel, by partition;
    // the sets inside one aggregate do not.
    const BoundExpressionPtr& argument = plan.aggregates()[0].arguments[0];
    std::vector<BoundExpressionPtr> set_keys = plan.keys();
    set_keys.push_back(argument);
    std::vector<Field> fields;
    std::vector<BoundExpressionPtr> keys;
    for (const BoundExpressionPtr& key : set_keys) {
      if (fields.size() < plan.keys().size()) {
        keys.push_back(bound_column(fields.size(), key->type, key->to_string()));
      }
      fields.push_back({key->to_string(), key->type});
    }
    const BoundExpressionPtr value =
        bound_column(keys.size(), argument->type, argument->to_string());
    std::vector<BoundAggregate> aggregates;
    for (BoundAggregate aggregate : plan.aggregates()) {
      aggregate.distinct = false;
      aggregate.arguments = {value};
      for (BoundSortKey& key : aggregate.order_by) key.expression = value;
      aggregates.push_back(std::move(aggregate));
    }
    Pipeline set = open(*plan.child());
    // Without keys there is one row, and what it shows of a set has no order of rows.
    set.sink =
        aggregate_sink(std::move(set_keys), {}, keys.empty() ? AggregateOutput::kAnyOrder : output);
    set.description += " -> distinct";
    pipelines.push_back(std::move(set));
    Pipeline over = read_last(Schema(std::move(fields)));
    over.sink = aggregate_sink(std::move(keys), std::move(aggregates), output);
    over.description += " -> aggregate";
    pipelines.push_back(std::move(over));
    return read_last(plan.schema());
  }

  // Whether every aggregate is over the same set of single values: f(DISTINCT x), g(DISTINCT x).
  // A stream keeps such sets in its aggregate, since groups come out again and again.
  static bool is_of_one_set(const AggregatePlan& plan) {
    for (const BoundAggregate& aggregate : plan.aggregates()) {
      if (!aggregate.distinct || aggregate.filter || aggregate.arguments.size() != 1 ||
          !same_expression(*aggregate.arguments[0], *plan.aggregates()[0].arguments[0])) {
        return false;
      }
    }
    return !plan.aggregates().empty();
  }

  // Joins that ask of the right rows only whether there is one.
  static bool only_finds(JoinType type) {
    return type == JoinType::kSemi || type == JoinType::kAnti || type == JoinType::kMark;
  }
  // An aggregate whose rows come out, filtered and computed on, in its own order; or null.
  static const LogicalPlan* aggregate_below(const LogicalPlan& plan) {
    const LogicalPlan* node = &plan;
    while (node->kind() == PlanKind::kFilter || node->kind() == PlanKind::kProject) {
      node = node->child().get();
    }
    return node->kind() == PlanKind::kAggregate ? node : nullptr;
  }

  // The right child's pipeline ends in a table; the left child's looks into it on its way.
  Pipeline open_join(const JoinPlan& plan) {
    const std::optional<KeyFilterPlace> filter = find_key_filter_place(plan);
    const auto spec = JoinSpec::make(plan, wanted_columns.at(&plan), filter.has_value(),
                                     options.equal_hashes_for_tests);
    // The same node may stand on both sides; what is asked of the left one concerns no other.
    auto asked_from_above = std::exchange(key_filters, {});
    if (only_finds(plan.type())) any_order_aggregate = aggregate_below(*plan.right());
    Pipeline build = open(*plan.right());
    key_filters = std::move(asked_from_above);
    build.sink = make_join_build(spec);
    build.description += " -> join build";
    build.every_epoch = reads_stream(*plan.right());
    pipelines.push_back(std::move(build));
    const size_t table = pipelines.size() - 1;
    if (filter) key_filters[filter->node].push_back({filter->columns, table});
    Pipeline probe = open(*plan.left());
    const std::shared_ptr<const TransformOperator> transform = make_join_probe(spec, table);
    for (PipelineInput& input : probe.inputs) input.transforms.push_back(transform);
    probe.description += concat(" -> ", join_type_name(plan.type()), " join with pipeline ", table);
    if (!gives_left_columns(plan.type())) {
      probe.sink = make_discard();
      pipelines.push_back(std::move(probe));
      return read(table, plan.schema());
    }
    if (spec->tracks_right_matches()) {
      Pipeline unmatched = read(table, plan.schema());
      probe.inputs.push_back(std::move(unmatched.inputs[0]));
      probe.description = concat("(", probe.description, ") + (", unmatched.description, ")");
    }
    return probe;
  }

  Pipeline open_union(const LogicalPlan& plan) {
    Pipeline all;
    for (const PlanPtr& child : plan.children()) {
      Pipeline one = open(*child);
      for (PipelineInput& input : one.inputs) all.inputs.push_back(std::move(input));
      all.description += concat(all.description.empty() ? "(" : " + (", one.description, ")");
    }
    return all;
  }
};

PhysicalPlan PhysicalPlan::make(const LogicalPlan& plan, const PhysicalOptions& options) {
  PhysicalPlan out;
  out.stream_ = options.stream;
  Builder builder{options, out.pipelines_, find_wanted_columns(plan), out.operators_};
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
  for (size_t i = 0; i < plan.pipelines().size(); ++i) {
    sink_spills_.push_back(
        std::make_shared<SpillSpace>(context_.temp_dir, context_.spill_after_bytes));
    if (context_.profile != nullptr) {
      sink_budgets_.push_back(std::make_shared<MemoryBudget>(0, context_.budget));
    }
    states_.push_back(plan.pipelines()[i].sink->new_state(sink_context(i)));
  }
}

PlanExecution::~PlanExecution() = default;

ExecutionContext PlanExecution::sink_context(size_t pipeline) const {
  ExecutionContext context = context_;
  if (!sink_budgets_.empty()) context.budget = sink_budgets_[pipeline];
  context.spill = sink_spills_[pipeline];
  return context;
}

size_t PlanExecution::tasks_for(const PipelineInput& input, const TableSource* source) const {
  if (context_.pool == nullptr) return 1;
  // Handing a few chunks to other threads costs more than running them here.
  constexpr int64_t kRowsWorthTasks = 16 * 1024;
  if (source != nullptr) {
    const auto rows = source->known_rows();
    return rows && *rows < kRowsWorthTasks && context_.chunk_rows == kDefaultChunkRows
               ? 1
               : context_.tasks;
  }
  const Pipeline& before = plan_.pipelines()[input.input_pipeline];
  const int64_t rows = before.sink->result_rows(*states_[input.input_pipeline]);
  return rows < kRowsWorthTasks && context_.chunk_rows == kDefaultChunkRows ? 1 : context_.tasks;
}

PipelineInputEnd PlanExecution::run_input(const PipelineInput& input, const TableSource* source,
                                          const SinkOperator& sink, SinkState& sink_state,
                                          uint64_t first_order, PipelineInputProfile* profile) {
  ScanRequest request;
  request.columns = input.columns;
  request.chunk_rows = std::min(context_.chunk_rows, kMostChunkRows);
  request.cancellation = context_.cancellation;
  request.tasks = tasks_for(input, source);
  std::unique_ptr<TableScan> scan;
  if (source == nullptr) {
    const SinkOperator& before = *plan_.pipelines()[input.input_pipeline].sink;
    scan = before.result(*states_[input.input_pipeline], request);
  } else if (const auto* filtering = dynamic_cast<const FilteringSource*>(source);
             filtering != nullptr && input.filter) {
    scan = filtering->scan_filtered(request, input.filter);
  } else {
    scan = source->scan(request);
  }
  if (profile != nullptr) profile->tasks = request.tasks;
  std::vector<Replaced> replaced;
  size_t done = 0;
  for (size_t i = 0; i < input.transforms.size(); ++i) {
    std::unique_ptr<SinkOperator> in_its_place = input.transforms[i]->replacing_sink(states_);
    if (!in_its_place) continue;
    replaced.push_back(
        run_replaced(input, {done, i}, *scan, request, std::move(in_its_place), profile));
    scan = replaced.back().sink->result(*replaced.back().state, request);
    done = i + 1;
  }
  if (replaced.empty()) {
    return run_pipeline_input(
        {*scan, input.transforms, states_, sink, sink_state, request.tasks, first_order, profile},
        context_);
  }
  const std::vector<std::shared_ptr<const TransformOperator>> rest(
      input.transforms.begin() + static_cast<std::ptrdiff_t>(done), input.transforms.end());
  PipelineInputProfile part;
  const PipelineInputEnd end =
      run_pipeline_input({*scan, rest, states_, sink, sink_state, request.tasks, first_order,
                          profile != nullptr ? &part : nullptr},
                         context_);
  if (profile != nullptr) profile->add_stages(done, part);
  return end;
}

PlanExecution::Replaced PlanExecution::run_replaced(const PipelineInput& input,
                                                    std::pair<size_t, size_t> transforms,
                                                    TableScan& scan, const ScanRequest& request,
                                                    std::unique_ptr<SinkOperator> sink,
                                                    PipelineInputProfile* profile) {
  using Clock = std::chrono::steady_clock;
  const auto [first, last] = transforms;
  const std::vector<std::shared_ptr<const TransformOperator>> before(
      input.transforms.begin() + static_cast<std::ptrdiff_t>(first),
      input.transforms.begin() + static_cast<std::ptrdiff_t>(last));
  ExecutionContext context = context_;
  context.spill = std::make_shared<SpillSpace>(context_.temp_dir, context_.spill_after_bytes);
  Replaced out;
  out.sink = std::move(sink);
  out.state = out.sink->new_state(context);
  out.sink->begin_epoch(*out.state);
  PipelineInputProfile part;
  run_pipeline_input({scan, before, states_, *out.sink, *out.state, request.tasks, 0,
                      profile != nullptr ? &part : nullptr},
                     context_);
  const Clock::time_point start = Clock::now();
  out.sink->finish(*out.state, context);
  if (profile != nullptr) {
    // What the sink does is the work of the transform that it stands for.
    part.stages.back().rows = part.stages.back().chunks = part.stages.back().bytes = 0;
    part.stages.back().time_ns +=
        std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - start).count();
    profile->add_stages(first, part);
    profile->spilled_bytes.resize(input.transforms.size());
    profile->spilled_bytes[last] = context.spill->written_bytes();
  }
  return out;
}

void PlanExecution::run(const TableSource* replacement) {
  using Clock = std::chrono::steady_clock;
  const auto since = [](Clock::time_point start) {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - start).count();
  };
  const std::vector<Pipeline>& pipelines = plan_.pipelines();
  if (context_.profile != nullptr) context_.profile->pipelines.resize(pipelines.size());
  for (size_t i = 0; i < pipelines.size(); ++i) {
    if (ran_before_ && !pipelines[i].every_epoch) continue;
    PipelineProfile* profile =
        context_.profile != nullptr ? &context_.profile->pipelines[i] : nullptr;
    if (profile != nullptr) profile->inputs.resize(pipelines[i].inputs.size());
    const Clock::time_point start = Clock::now();
    const SinkOperator& sink = *pipelines[i].sink;
    sink.begin_epoch(*states_[i]);
    PipelineInputEnd end;
    for (size_t k = 0; k < pipelines[i].inputs.size() && !end.sink_finished; ++k) {
      const PipelineInput& input = pipelines[i].inputs[k];
      const TableSource* source = input.source.get();
      const bool replaced = plan_.stream_ == nullptr || source == plan_.stream_;
      if (source != nullptr && replacement != nullptr && replaced) source = replacement;
      end = run_input(input, source, sink, *states_[i], end.next_order,
                      profile != nullptr ? &profile->inputs[k] : nullptr);
    }
    const Clock::time_point all_rows = Clock::now();
    sink.finish(*states_[i], sink_context(i));
    if (profile != nullptr) {
      profile->finish_ns += since(all_rows);
      profile->wall_ns += since(start);
      profile->peak_bytes = sink_budgets_[i]->peak_bytes();
      profile->spilled_bytes = sink_spills_[i]->written_bytes();
    }
  }
  ran_before_ = true;
}

std::vector<Chunk> PlanExecution::take_result() { return take_collected(*states_.back()); }

std::vector<PlanExecution::Stateful> PlanExecution::stateful_sinks() {
  std::vector<Stateful> out;
  for (size_t i = 0; i < states_.size(); ++i) {
    const auto* sink = dynamic_cast<const StatefulSink*>(plan_.pipelines()[i].sink.get());
    if (sink != nullptr && plan_.pipelines()[i].every_epoch) {
      out.push_back({sink, states_[i].get()});
    }
  }
  return out;
}

uint64_t PlanExecution::late_rows() {
  uint64_t rows = 0;
  for (const Stateful& stateful : stateful_sinks()) {
    rows += stateful.sink->late_rows(*stateful.state);
  }
  return rows;
}

void PlanExecution::ask_for_all() {
  for (const Stateful& stateful : stateful_sinks()) stateful.sink->ask_for_all(*stateful.state);
}

uint64_t PlanExecution::state_bytes() {
  uint64_t bytes = 0;
  for (const Stateful& stateful : stateful_sinks())
    bytes += stateful.sink->state_bytes(*stateful.state);
  return bytes;
}

}  // namespace velaria
