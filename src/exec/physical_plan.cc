#include "src/exec/physical_plan.h"

#include <algorithm>
#include <map>
#include <utility>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/exec/collect_sink.h"
#include "src/exec/join/join_build.h"
#include "src/exec/join/join_probe.h"
#include "src/exec/join/join_spec.h"
#include "src/exec/join/key_filter.h"
#include "src/exec/join/wanted_columns.h"
#include "src/exec/operator/scan_filter.h"
#include "src/exec/operator/transforms.h"
#include "src/exec/sort/sort_sink.h"
#include "src/exec/vector/vector_top_k_sink.h"
#include "src/exec/window/window_sink.h"

namespace velaria {

namespace {

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
        return close(
            plan,
            make_sort(static_cast<const SortPlan&>(plan).items(), column_types(plan.schema())),
            "sort");
      case PlanKind::kTopN: {
        const auto& top = static_cast<const TopNPlan&>(plan);
        return close(
            plan, make_top_n(top.items(), column_types(plan.schema()), top.limit(), top.offset()),
            "top-n");
      }
      case PlanKind::kVectorTopK: {
        const auto& top = static_cast<const VectorTopKPlan&>(plan);
        return close(plan, make_vector_top_k(top.top(), column_types(plan.child()->schema())),
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
    const LogicalPlan* any_order_above = std::exchange(
        any_order_aggregate, only_finds(plan.type()) ? aggregate_below(*plan.right()) : nullptr);
    Pipeline build = open(*plan.right());
    any_order_aggregate = any_order_above;
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

}  // namespace velaria
