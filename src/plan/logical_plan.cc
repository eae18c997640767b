#include "src/plan/logical_plan.h"

#include <algorithm>
#include <set>

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

Schema join_schema(const LogicalPlan& left, const LogicalPlan& right, JoinType type,
                   const std::string& mark_name) {
  std::vector<Field> fields;
  if (gives_left_columns(type)) fields = left.schema().fields();
  if (gives_right_columns(type)) {
    fields.insert(fields.end(), right.schema().fields().begin(), right.schema().fields().end());
  }
  if (type == JoinType::kMark) fields.push_back({mark_name, DataType(TypeId::kBool)});
  return Schema(std::move(fields));
}

Schema renamed(const Schema& schema, const std::vector<std::string>& names) {
  std::vector<Field> fields = schema.fields();
  for (size_t i = 0; i < fields.size(); ++i) fields[i].name = names[i];
  return Schema(std::move(fields));
}

Schema window_function_schema(const Schema& input,
                              const std::vector<BoundWindowFunction>& functions) {
  std::vector<Field> fields = input.fields();
  for (const BoundWindowFunction& function : functions) {
    fields.push_back({function.to_string(), function.result_type});
  }
  return Schema(std::move(fields));
}

}  // namespace

LogicalPlan::LogicalPlan(PlanKind kind, Schema schema, std::vector<PlanPtr> children)
    : kind_(kind), schema_(std::move(schema)), children_(std::move(children)) {
  for (const PlanPtr& child : children_) {
    depth_ = std::max(depth_, child->depth_ + 1);
    node_count_ += child->node_count_;
  }
  if (depth_ <= kMaxPlanDepth && node_count_ <= kMaxPlanNodeCount) return;
  throw Error(
      ErrorKind::kSqlUnsupported,
      concat("this query is made of more than ",
             depth_ > kMaxPlanDepth ? kMaxPlanDepth : kMaxPlanNodeCount, " steps",
             depth_ > kMaxPlanDepth ? " in a row" : "",
             " (every verb, join, view and use of a WITH table adds its own); keep a result "
             "on the way as a table: CREATE TABLE ... AS"));
}

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
      aggregates_(std::move(aggregates)) {
  // The binder has refused them with their place in the text, but for the keys of a decorrelation.
  for (const auto& key : keys_) refuse_nested(*key, "grouping");
}

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
    : LogicalPlan(PlanKind::kSort, child->schema(), {child}), items_(std::move(items)) {
  for (const SortItem& item : items_) {
    const Field& field = schema().field(item.column);
    refuse_nested(*bound_column(item.column, field.type, field.name), "sorting");
  }
}

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

namespace {

Schema with_score(const Schema& schema, const std::string& name) {
  std::vector<Field> fields = schema.fields();
  fields.push_back({name, DataType(TypeId::kFloat64)});
  return Schema(std::move(fields));
}

}  // namespace

VectorTopKPlan::VectorTopKPlan(PlanPtr child, VectorTopK top)
    : LogicalPlan(PlanKind::kVectorTopK, with_score(child->schema(), top.score_name), {child}),
      top_(std::move(top)) {}

std::string VectorTopKPlan::describe() const {
  constexpr size_t kShownElements = 4;
  std::vector<std::string> elements;
  for (size_t i = 0; i < std::min(kShownElements, top_.query.size()); ++i) {
    elements.push_back(format_float(top_.query[i]));
  }
  if (top_.query.size() > kShownElements) elements.push_back("...");
  const std::string_view metric = top_.similarity ? "cosine similarity" : metric_name(top_.metric);
  return concat("VectorTopK ", top_.limit, top_.offset > 0 ? concat(" offset ", top_.offset) : "",
                " by ", metric, " of ", schema().field(top_.vector_column).name, " to [",
                join_texts(elements, ", "), "]",
                top_.score_threshold
                    ? concat(larger_is_nearer(top_.metric) ? ", at least " : ", at most ",
                             format_double(*top_.score_threshold))
                    : "",
                ", exact scan");
}

PlanPtr VectorTopKPlan::with_children(std::vector<PlanPtr> children) const {
  return std::make_shared<VectorTopKPlan>(std::move(children[0]), top_);
}

bool gives_left_columns(JoinType type) {
  return type != JoinType::kRightSemi && type != JoinType::kRightAnti;
}

bool gives_right_columns(JoinType type) {
  return type != JoinType::kSemi && type != JoinType::kAnti && type != JoinType::kMark;
}

std::string_view join_type_name(JoinType type) {
  switch (type) {
    case JoinType::kInner: return "inner";
    case JoinType::kLeft: return "left";
    case JoinType::kRight: return "right";
    case JoinType::kFull: return "full";
    case JoinType::kSemi: return "semi";
    case JoinType::kAnti: return "anti";
    case JoinType::kRightSemi: return "right semi";
    case JoinType::kRightAnti: return "right anti";
    case JoinType::kMark: return "mark";
    case JoinType::kSingle: return "single";
  }
  return "";
}

JoinPlan::JoinPlan(PlanPtr left, PlanPtr right, JoinType type, std::vector<JoinKey> keys,
                   BoundExpressionPtr condition, bool null_aware, std::string mark_name)
    : LogicalPlan(PlanKind::kJoin, join_schema(*left, *right, type, mark_name), {left, right}),
      type_(type),
      keys_(std::move(keys)),
      condition_(std::move(condition)),
      null_aware_(null_aware) {
  for (const JoinKey& key : keys_) {
    VELARIA_CHECK(key.left->type == key.right->type);
    refuse_nested(*key.left, "a join key");
  }
  VELARIA_CHECK(!null_aware_ || (keys_.size() == 1 && !condition_));
}

std::string JoinPlan::mark_name() const {
  return type_ == JoinType::kMark ? schema().fields().back().name : "";
}

std::string JoinPlan::describe() const {
  const bool cross = type_ == JoinType::kInner && keys_.empty() && !condition_;
  std::string out = concat("Join ", cross ? "cross" : join_type_name(type_));
  std::vector<std::string> parts;
  for (const JoinKey& key : keys_) {
    parts.push_back(concat(key.left->to_string(),
                           key.null_equals_null ? " IS NOT DISTINCT FROM " : " = ",
                           key.right->to_string()));
  }
  if (condition_) parts.push_back(condition_->to_string());
  if (!parts.empty()) out += " on " + join_texts(parts, " AND ");
  if (null_aware_) out += " (NULLs as in IN)";
  return out;
}

PlanPtr JoinPlan::with_children(std::vector<PlanPtr> children) const {
  return std::make_shared<JoinPlan>(std::move(children[0]), std::move(children[1]), type_, keys_,
                                    condition_, null_aware_, mark_name());
}

WindowPlan::WindowPlan(PlanPtr child, std::vector<BoundExpressionPtr> partition_by,
                       std::vector<BoundSortKey> order_by,
                       std::vector<BoundWindowFunction> functions)
    : LogicalPlan(PlanKind::kWindow, window_function_schema(child->schema(), functions), {child}),
      partition_by_(std::move(partition_by)),
      order_by_(std::move(order_by)),
      functions_(std::move(functions)) {
  for (const auto& expression : partition_by_) refuse_nested(*expression, "PARTITION BY");
  for (const BoundSortKey& key : order_by_) refuse_nested(*key.expression, "ORDER BY");
}

std::string WindowPlan::describe() const {
  std::vector<std::string> parts;
  for (const BoundWindowFunction& function : functions_) parts.push_back(function.to_string());
  std::string out = "Window " + join_texts(parts, ", ");
  parts.clear();
  for (const auto& expression : partition_by_) parts.push_back(expression->to_string());
  if (!parts.empty()) out += " partition by " + join_texts(parts, ", ");
  parts.clear();
  for (const BoundSortKey& key : order_by_) parts.push_back(key.to_string());
  if (!parts.empty()) out += " order by " + join_texts(parts, ", ");
  return out;
}

PlanPtr WindowPlan::with_children(std::vector<PlanPtr> children) const {
  return std::make_shared<WindowPlan>(std::move(children[0]), partition_by_, order_by_, functions_);
}

UnionAllPlan::UnionAllPlan(std::vector<PlanPtr> children)
    : LogicalPlan(PlanKind::kUnionAll, children[0]->schema(), children) {
  for (const PlanPtr& child : this->children()) {
    VELARIA_CHECK(child->schema().size() == schema().size());
    for (size_t i = 0; i < schema().size(); ++i) {
      VELARIA_CHECK(child->schema().field(i).type == schema().field(i).type);
    }
  }
}

std::string UnionAllPlan::describe() const { return "UnionAll"; }

PlanPtr UnionAllPlan::with_children(std::vector<PlanPtr> children) const {
  return std::make_shared<UnionAllPlan>(std::move(children));
}

SharedPlan::SharedPlan(PlanPtr child, size_t number, const std::vector<std::string>& names)
    : LogicalPlan(PlanKind::kShared, renamed(child->schema(), names), {child}), number_(number) {}

std::string SharedPlan::describe() const { return concat("Shared ", number_); }

PlanPtr SharedPlan::with_children(std::vector<PlanPtr> children) const {
  return std::make_shared<SharedPlan>(std::move(children[0]), number_, schema().names());
}

void visit_expressions(const LogicalPlan& plan,
                       const std::function<void(const BoundExpression&)>& f) {
  switch (plan.kind()) {
    case PlanKind::kFilter: f(*static_cast<const FilterPlan&>(plan).condition()); break;
    case PlanKind::kProject:
      for (const auto& e : static_cast<const ProjectPlan&>(plan).expressions()) f(*e);
      break;
    case PlanKind::kAggregate: {
      const auto& aggregate = static_cast<const AggregatePlan&>(plan);
      for (const auto& key : aggregate.keys()) f(*key);
      for (const BoundAggregate& one : aggregate.aggregates()) visit_expressions(one, f);
      break;
    }
    case PlanKind::kJoin: {
      const auto& join = static_cast<const JoinPlan&>(plan);
      for (const JoinKey& key : join.keys()) {
        f(*key.left);
        f(*key.right);
      }
      if (join.condition()) f(*join.condition());
      break;
    }
    case PlanKind::kWindow: {
      const auto& window = static_cast<const WindowPlan&>(plan);
      for (const auto& key : window.partition_by()) f(*key);
      for (const BoundSortKey& key : window.order_by()) f(*key.expression);
      for (const BoundWindowFunction& function : window.functions()) visit_expressions(function, f);
      break;
    }
    case PlanKind::kScan:
    case PlanKind::kTimeWindow:
    case PlanKind::kSort:
    case PlanKind::kLimit:
    case PlanKind::kTopN:
    case PlanKind::kVectorTopK:
    case PlanKind::kUnionAll:
    case PlanKind::kShared: break;
  }
}

PlanPtr map_expressions(const PlanPtr& plan,
                        const std::function<BoundExpressionPtr(const BoundExpressionPtr&)>& f) {
  const auto map_all = [&f](std::vector<BoundExpressionPtr> expressions) {
    for (BoundExpressionPtr& expression : expressions) expression = f(expression);
    return expressions;
  };
  switch (plan->kind()) {
    case PlanKind::kFilter:
      return std::make_shared<FilterPlan>(plan->child(),
                                          f(static_cast<const FilterPlan&>(*plan).condition()));
    case PlanKind::kProject:
      return std::make_shared<ProjectPlan>(
          plan->child(), map_all(static_cast<const ProjectPlan&>(*plan).expressions()),
          plan->schema().names());
    case PlanKind::kAggregate: {
      const auto& aggregate = static_cast<const AggregatePlan&>(*plan);
      std::vector<BoundAggregate> aggregates = aggregate.aggregates();
      for (BoundAggregate& one : aggregates) one = map_expressions(std::move(one), f);
      return std::make_shared<AggregatePlan>(plan->child(), map_all(aggregate.keys()),
                                             aggregate.key_names(), std::move(aggregates));
    }
    case PlanKind::kJoin: {
      const auto& join = static_cast<const JoinPlan&>(*plan);
      std::vector<JoinKey> keys = join.keys();
      for (JoinKey& key : keys) {
        key.left = f(key.left);
        key.right = f(key.right);
      }
      return std::make_shared<JoinPlan>(join.left(), join.right(), join.type(), std::move(keys),
                                        join.condition() ? f(join.condition()) : nullptr,
                                        join.null_aware(), join.mark_name());
    }
    case PlanKind::kWindow: {
      const auto& window = static_cast<const WindowPlan&>(*plan);
      std::vector<BoundSortKey> order_by = window.order_by();
      for (BoundSortKey& key : order_by) key.expression = f(key.expression);
      std::vector<BoundWindowFunction> functions = window.functions();
      for (BoundWindowFunction& one : functions) one = map_expressions(std::move(one), f);
      return std::make_shared<WindowPlan>(plan->child(), map_all(window.partition_by()),
                                          std::move(order_by), std::move(functions));
    }
    case PlanKind::kScan:
    case PlanKind::kTimeWindow:
    case PlanKind::kSort:
    case PlanKind::kLimit:
    case PlanKind::kTopN:
    case PlanKind::kVectorTopK:
    case PlanKind::kUnionAll:
    case PlanKind::kShared: break;
  }
  return plan;
}

namespace {

void explain_node(const LogicalPlan& plan, size_t depth, std::set<size_t>* shown,
                  std::string* out) {
  *out += std::string(2 * depth, ' ') + plan.describe();
  const bool again = plan.kind() == PlanKind::kShared &&
                     !shown->insert(static_cast<const SharedPlan&>(plan).number()).second;
  *out += again ? " (see above)\n" : "\n";
  if (again) return;
  for (const PlanPtr& child : plan.children()) explain_node(*child, depth + 1, shown, out);
}

}  // namespace

std::string explain_plan(const LogicalPlan& plan) {
  std::string out;
  std::set<size_t> shown;
  explain_node(plan, 0, &shown, &out);
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
