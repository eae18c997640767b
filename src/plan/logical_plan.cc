#include "src/plan/logical_plan.h"

#include <sstream>

#include "src/base/error.h"
#include "src/base/text.h"

namespace velaria {

namespace {

Schema pick_fields(const Schema& schema, const std::vector<size_t>& columns) {
  std::vector<Field> fields;
  for (size_t column : columns) fields.push_back(schema.field(column));
  return Schema(std::move(fields));
}

Schema project_schema(const std::vector<BoundExpressionPtr>& expressions,
                      const std::vector<std::string>& names) {
  std::vector<Field> fields;
  for (size_t i = 0; i < expressions.size(); ++i)
    fields.push_back({names[i], expressions[i]->type});
  return Schema(std::move(fields));
}

Schema window_schema(const Schema& input, const TimeWindow& window) {
  std::vector<Field> fields = input.fields();
  fields.push_back({window.output_column, input.field(window.time_column).type});
  return Schema(std::move(fields));
}

Schema aggregate_schema(const std::vector<BoundExpressionPtr>& keys,
                        const std::vector<std::string>& key_names,
                        const std::vector<BoundAggregate>& aggregates) {
  Schema schema = project_schema(keys, key_names);
  std::vector<Field> fields = schema.fields();
  for (const BoundAggregate& aggregate : aggregates) {
    fields.push_back({aggregate.to_string(), aggregate.result_type});
  }
  return Schema(std::move(fields));
}

}  // namespace

ScanPlan::ScanPlan(TableSourcePtr source, std::string name, std::vector<size_t> columns)
    : LogicalPlan(PlanKind::kScan, pick_fields(source->schema(), columns), {}),
      source_(std::move(source)),
      name_(std::move(name)),
      columns_(std::move(columns)) {}

PlanPtr ScanPlan::all_columns(TableSourcePtr source, std::string name) {
  std::vector<size_t> columns(source->schema().size());
  for (size_t i = 0; i < columns.size(); ++i) columns[i] = i;
  return std::make_shared<ScanPlan>(std::move(source), std::move(name), std::move(columns));
}

std::string ScanPlan::describe() const {
  return concat("Scan ", name_.empty() ? "" : name_ + ", ", source_->describe(), " [",
                join_texts(schema().names(), ", "), "]");
}

PlanPtr ScanPlan::with_children(std::vector<PlanPtr>) const {
  return std::make_shared<ScanPlan>(source_, name_, columns_);
}

FilterPlan::FilterPlan(PlanPtr child, BoundExpressionPtr condition)
    : LogicalPlan(PlanKind::kFilter, child->schema(), {child}), condition_(std::move(condition)) {}

std::string FilterPlan::describe() const { return "Filter " + condition_->to_string(); }

PlanPtr FilterPlan::with_children(std::vector<PlanPtr> children) const {
  return std::make_shared<FilterPlan>(std::move(children[0]), condition_);
}

ProjectPlan::ProjectPlan(PlanPtr child, std::vector<BoundExpressionPtr> expressions,
                         std::vector<std::string> names)
    : LogicalPlan(PlanKind::kProject, project_schema(expressions, names), {child}),
      expressions_(std::move(expressions)) {}

std::string ProjectPlan::describe() const {
  std::vector<std::string> parts;
  for (size_t i = 0; i < expressions_.size(); ++i) {
    const std::string text = expressions_[i]->to_string();
    const std::string& name = schema().field(i).name;
    parts.push_back(text == name ? text : text + " AS " + name);
  }
  return "Project " + join_texts(parts, ", ");
}

PlanPtr ProjectPlan::with_children(std::vector<PlanPtr> children) const {
  return std::make_shared<ProjectPlan>(std::move(children[0]), expressions_, schema().names());
}

TimeWindowPlan::TimeWindowPlan(PlanPtr child, TimeWindow window)
    : LogicalPlan(PlanKind::kTimeWindow, window_schema(child->schema(), window), {child}),
      window_(std::move(window)) {}

std::string TimeWindowPlan::describe() const {
  return concat(
      "TimeWindow ", child()->schema().field(window_.time_column).name, " every ", window_.width_ms,
      " ms", window_.slide_ms == window_.width_ms ? "" : concat(" slide ", window_.slide_ms, " ms"),
      " as ", window_.output_column);
}

PlanPtr TimeWindowPlan::with_children(std::vector<PlanPtr> children) const {
  return std::make_shared<TimeWindowPlan>(std::move(children[0]), window_);
}

AggregatePlan::AggregatePlan(PlanPtr child, std::vector<BoundExpressionPtr> keys,
                             std::vector<std::string> key_names,
                             std::vector<BoundAggregate> aggregates)
    : LogicalPlan(PlanKind::kAggregate, aggregate_schema(keys, key_names, aggregates), {child}),
      keys_(std::move(keys)),
      aggregates_(std::move(aggregates)) {}

std::vector<std::string> AggregatePlan::key_names() const {
  std::vector<std::string> names = schema().names();
  names.resize(keys_.size());
  return names;
}

std::string AggregatePlan::describe() const {
  std::vector<std::string> parts;
  for (const BoundAggregate& aggregate : aggregates_) parts.push_back(aggregate.to_string());
  std::string out = "Aggregate " + (parts.empty() ? "distinct" : join_texts(parts, ", "));
  if (!keys_.empty()) {
    std::vector<std::string> keys;
    for (const auto& key : keys_) keys.push_back(key->to_string());
    out += " by " + join_texts(keys, ", ");
  }
  return out;
}

PlanPtr AggregatePlan::with_children(std::vector<PlanPtr> children) const {
  return std::make_shared<AggregatePlan>(std::move(children[0]), keys_, key_names(), aggregates_);
}

std::string describe_sort_items(const std::vector<SortItem>& items, const Schema& schema) {
  std::vector<std::string> parts;
  for (const SortItem& item : items) {
    parts.push_back(concat(schema.field(item.column).name, item.descending ? " desc" : "",
                           item.nulls_first ? " nulls first" : ""));
  }
  return join_texts(parts, ", ");
}

SortPlan::SortPlan(PlanPtr child, std::vector<SortItem> items)
    : LogicalPlan(PlanKind::kSort, child->schema(), {child}), items_(std::move(items)) {}

std::string SortPlan::describe() const { return "Sort " + describe_sort_items(items_, schema()); }

PlanPtr SortPlan::with_children(std::vector<PlanPtr> children) const {
  return std::make_shared<SortPlan>(std::move(children[0]), items_);
}

LimitPlan::LimitPlan(PlanPtr child, std::optional<int64_t> limit, int64_t offset)
    : LogicalPlan(PlanKind::kLimit, child->schema(), {child}), limit_(limit), offset_(offset) {}

std::string LimitPlan::describe() const {
  return concat("Limit ", limit_ ? std::to_string(*limit_) : std::string("all"),
                offset_ > 0 ? concat(" offset ", offset_) : "");
}

PlanPtr LimitPlan::with_children(std::vector<PlanPtr> children) const {
  return std::make_shared<LimitPlan>(std::move(children[0]), limit_, offset_);
}

TopNPlan::TopNPlan(PlanPtr child, std::vector<SortItem> items, int64_t limit, int64_t offset)
    : LogicalPlan(PlanKind::kTopN, child->schema(), {child}),
      items_(std::move(items)),
      limit_(limit),
      offset_(offset) {}

std::string TopNPlan::describe() const {
  return concat("TopN ", limit_, offset_ > 0 ? concat(" offset ", offset_) : "", " by ",
                describe_sort_items(items_, schema()));
}

PlanPtr TopNPlan::with_children(std::vector<PlanPtr> children) const {
  return std::make_shared<TopNPlan>(std::move(children[0]), items_, limit_, offset_);
}

std::string explain_plan(const LogicalPlan& plan) {
  std::string out = plan.describe() + "\n";
  for (const PlanPtr& child : plan.children()) {
    std::istringstream lines(explain_plan(*child));
    for (std::string line; std::getline(lines, line);) out += "  " + line + "\n";
  }
  return out;
}

bool is_bounded(const LogicalPlan& plan) {
  if (plan.kind() == PlanKind::kScan) {
    return static_cast<const ScanPlan&>(plan).source()->bounded();
  }
  for (const PlanPtr& child : plan.children()) {
    if (!is_bounded(*child)) return false;
  }
  return true;
}

const LogicalPlan* find_node(const LogicalPlan& plan, PlanKind kind) {
  if (plan.kind() == kind) return &plan;
  for (const PlanPtr& child : plan.children()) {
    if (const LogicalPlan* found = find_node(*child, kind)) return found;
  }
  return nullptr;
}

}  // namespace velaria
