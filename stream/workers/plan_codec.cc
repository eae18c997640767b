#include "stream/workers/plan_codec.h"

#include <unordered_map>
#include <utility>
#include <vector>

#include "src/base/error.h"
#include "src/base/text.h"
#include "stream/workers/function_address.h"

namespace velaria {

namespace {

enum class NodeMark : uint8_t { kNone, kNew, kKnown };

void write_flag(bool flag, ByteWriter* out) { out->u8(flag ? 1 : 0); }
bool read_flag(ByteReader* in) { return in->u8() != 0; }

void write_value(const Value& value, ByteWriter* out) {
  write_flag(value.is_null(), out);
  if (value.is_null()) {
    write_type(value.type(), out);
  } else {
    write_column(Column::constant(value, 1), out);
  }
}

Value read_value(ByteReader* in) {
  if (read_flag(in)) return Value::null(read_type(in));
  return read_column(in)->value(0);
}

void write_function(ScalarKernel kernel, ByteWriter* out) {
  write_flag(kernel != nullptr, out);
  if (kernel == nullptr) return;
  const FunctionAddress address = locate_function(reinterpret_cast<const void*>(kernel));
  out->text(address.module);
  out->u64(address.fingerprint);
  out->u64(address.offset);
}

ScalarKernel read_function(ByteReader* in) {
  if (!read_flag(in)) return nullptr;
  FunctionAddress address;
  address.module = in->text();
  address.fingerprint = in->u64();
  address.offset = in->u64();
  return reinterpret_cast<ScalarKernel>(const_cast<void*>(find_function(address)));
}

// Expressions that are one node in several places stay one node: their values are remembered.
class ExpressionWriter {
 public:
  explicit ExpressionWriter(ByteWriter* out) : out_(*out) {}

  void write(const BoundExpressionPtr& node) {
    if (!node) {
      out_.u8(static_cast<uint8_t>(NodeMark::kNone));
      return;
    }
    const auto known = numbers_.find(node.get());
    if (known != numbers_.end()) {
      out_.u8(static_cast<uint8_t>(NodeMark::kKnown));
      out_.u32(known->second);
      return;
    }
    out_.u8(static_cast<uint8_t>(NodeMark::kNew));
    out_.u8(static_cast<uint8_t>(node->kind));
    write_type(node->type, &out_);
    if (node->kind == BoundKind::kConstant) write_value(node->constant, &out_);
    out_.u64(node->column);
    out_.u64(node->outer_level);
    out_.text(node->name);
    write_function(node->kernel, &out_);
    for (const bool flag : {node->strict, node->try_cast, node->has_else, node->fails_itself,
                            node->is_repeated, node->can_fail}) {
      write_flag(flag, &out_);
    }
    out_.u32(static_cast<uint32_t>(node->children.size()));
    for (const BoundExpressionPtr& child : node->children) write(child);
    write(node->exact);
    numbers_.emplace(node.get(), static_cast<uint32_t>(numbers_.size()));
  }

 private:
  ByteWriter& out_;
  std::unordered_map<const BoundExpression*, uint32_t> numbers_;
};

class ExpressionReader {
 public:
  explicit ExpressionReader(ByteReader* in) : in_(*in) {}

  BoundExpressionPtr read() {
    const uint8_t mark = in_.u8();
    if (mark == static_cast<uint8_t>(NodeMark::kNone)) return nullptr;
    if (mark == static_cast<uint8_t>(NodeMark::kKnown)) {
      const uint32_t number = in_.u32();
      if (number >= nodes_.size()) in_.refuse("names an expression that it has not written");
      return nodes_[number];
    }
    auto node = std::make_shared<BoundExpression>();
    node->kind = static_cast<BoundKind>(in_.u8());
    node->type = read_type(&in_);
    if (node->kind == BoundKind::kConstant) node->constant = read_value(&in_);
    node->column = in_.u64();
    node->outer_level = in_.u64();
    node->name = in_.text();
    node->kernel = read_function(&in_);
    for (bool* flag : {&node->strict, &node->try_cast, &node->has_else, &node->fails_itself,
                       &node->is_repeated, &node->can_fail}) {
      *flag = read_flag(&in_);
    }
    const uint32_t children = in_.u32();
    for (uint32_t i = 0; i < children; ++i) node->children.push_back(read());
    node->exact = read();
    nodes_.push_back(node);
    return node;
  }

 private:
  ByteReader& in_;
  std::vector<BoundExpressionPtr> nodes_;
};

void write_aggregate(const BoundAggregate& aggregate, ExpressionWriter* expressions,
                     ByteWriter* out) {
  out->u32(static_cast<uint32_t>(aggregate.kind));
  out->u32(static_cast<uint32_t>(aggregate.arguments.size()));
  for (const BoundExpressionPtr& argument : aggregate.arguments) expressions->write(argument);
  out->u32(static_cast<uint32_t>(aggregate.parameters.size()));
  for (const Value& parameter : aggregate.parameters) write_value(parameter, out);
  write_flag(aggregate.distinct, out);
  out->u32(static_cast<uint32_t>(aggregate.order_by.size()));
  for (const BoundSortKey& key : aggregate.order_by) {
    expressions->write(key.expression);
    write_flag(key.descending, out);
    write_flag(key.nulls_first, out);
  }
  expressions->write(aggregate.filter);
  write_type(aggregate.result_type, out);
}

BoundAggregate read_aggregate(ExpressionReader* expressions, ByteReader* in) {
  BoundAggregate out;
  out.kind = static_cast<AggregateKind>(in->u32());
  for (uint32_t n = in->u32(); n > 0; --n) out.arguments.push_back(expressions->read());
  for (uint32_t n = in->u32(); n > 0; --n) out.parameters.push_back(read_value(in));
  out.distinct = read_flag(in);
  for (uint32_t n = in->u32(); n > 0; --n) {
    BoundSortKey key;
    key.expression = expressions->read();
    key.descending = read_flag(in);
    key.nulls_first = read_flag(in);
    out.order_by.push_back(std::move(key));
  }
  out.filter = expressions->read();
  out.result_type = read_type(in);
  return out;
}

}  // namespace

std::optional<std::string> why_not_writable(const LogicalPlan& plan) {
  switch (plan.kind()) {
    case PlanKind::kScan:
    case PlanKind::kFilter:
    case PlanKind::kProject:
    case PlanKind::kTimeWindow:
    case PlanKind::kAggregate: break;
    case PlanKind::kJoin: return "it joins the stream with a table, which only this process has";
    default: return concat("'", plan.describe(), "' is not done by workers");
  }
  std::optional<std::string> reason;
  visit_expressions(plan, [&reason](const BoundExpression& root) {
    const auto look = [&reason](const auto& self, const BoundExpression& node) -> void {
      if (node.user_function) {
        reason = concat("the function ", node.user_function->name(),
                        " belongs to this process, and workers do not have it");
      }
      for (const BoundExpressionPtr& child : node.children) self(self, *child);
    };
    look(look, root);
  });
  for (const PlanPtr& child : plan.children()) {
    if (!reason) reason = why_not_writable(*child);
  }
  return reason;
}

void write_expression(const BoundExpressionPtr& expression, ByteWriter* out) {
  ExpressionWriter(out).write(expression);
}

BoundExpressionPtr read_expression(ByteReader* in) { return ExpressionReader(in).read(); }

void write_fields(const Schema& schema, ByteWriter* out) {
  out->u32(static_cast<uint32_t>(schema.size()));
  for (size_t i = 0; i < schema.size(); ++i) {
    out->text(schema.field(i).name);
    write_type(schema.field(i).type, out);
  }
}

Schema read_fields(ByteReader* in) {
  std::vector<Field> fields;
  for (uint32_t n = in->u32(); n > 0; --n) {
    Field field;
    field.name = in->text();
    field.type = read_type(in);
    fields.push_back(std::move(field));
  }
  return Schema(std::move(fields));
}

void write_plan(const LogicalPlan& plan, ByteWriter* out) {
  out->u8(static_cast<uint8_t>(plan.kind()));
  ExpressionWriter expressions(out);
  switch (plan.kind()) {
    case PlanKind::kScan: {
      const auto& scan = static_cast<const ScanPlan&>(plan);
      out->text(scan.name());
      out->u32(static_cast<uint32_t>(scan.columns().size()));
      for (const size_t column : scan.columns()) out->u64(column);
      return;
    }
    case PlanKind::kFilter:
      expressions.write(static_cast<const FilterPlan&>(plan).condition());
      break;
    case PlanKind::kProject: {
      const auto& nodes = static_cast<const ProjectPlan&>(plan).expressions();
      out->u32(static_cast<uint32_t>(nodes.size()));
      for (size_t i = 0; i < nodes.size(); ++i) {
        expressions.write(nodes[i]);
        out->text(plan.schema().field(i).name);
      }
      break;
    }
    case PlanKind::kTimeWindow: {
      const TimeWindow& window = static_cast<const TimeWindowPlan&>(plan).window();
      out->u64(window.time_column);
      out->u64(static_cast<uint64_t>(window.width_ms));
      out->u64(static_cast<uint64_t>(window.slide_ms));
      out->text(window.output_column);
      break;
    }
    case PlanKind::kAggregate: {
      const auto& aggregate = static_cast<const AggregatePlan&>(plan);
      const std::vector<std::string> names = aggregate.key_names();
      out->u32(static_cast<uint32_t>(names.size()));
      for (size_t i = 0; i < names.size(); ++i) {
        expressions.write(aggregate.keys()[i]);
        out->text(names[i]);
      }
      out->u32(static_cast<uint32_t>(aggregate.aggregates().size()));
      for (const BoundAggregate& each : aggregate.aggregates()) {
        write_aggregate(each, &expressions, out);
      }
      break;
    }
    default: VELARIA_CHECK(false);
  }
  write_plan(*plan.child(), out);
}

PlanPtr read_plan(ByteReader* in, const TableSourcePtr& leaf) {
  const auto kind = static_cast<PlanKind>(in->u8());
  ExpressionReader expressions(in);
  switch (kind) {
    case PlanKind::kScan: {
      std::string name(in->text());
      std::vector<size_t> columns;
      for (uint32_t n = in->u32(); n > 0; --n) columns.push_back(in->u64());
      return std::make_shared<ScanPlan>(leaf, std::move(name), std::move(columns));
    }
    case PlanKind::kFilter: {
      BoundExpressionPtr condition = expressions.read();
      return std::make_shared<FilterPlan>(read_plan(in, leaf), std::move(condition));
    }
    case PlanKind::kProject: {
      std::vector<BoundExpressionPtr> nodes;
      std::vector<std::string> names;
      for (uint32_t n = in->u32(); n > 0; --n) {
        nodes.push_back(expressions.read());
        names.emplace_back(in->text());
      }
      return std::make_shared<ProjectPlan>(read_plan(in, leaf), std::move(nodes), std::move(names));
    }
    case PlanKind::kTimeWindow: {
      TimeWindow window;
      window.time_column = in->u64();
      window.width_ms = static_cast<int64_t>(in->u64());
      window.slide_ms = static_cast<int64_t>(in->u64());
      window.output_column = in->text();
      return std::make_shared<TimeWindowPlan>(read_plan(in, leaf), std::move(window));
    }
    case PlanKind::kAggregate: {
      std::vector<BoundExpressionPtr> keys;
      std::vector<std::string> names;
      for (uint32_t n = in->u32(); n > 0; --n) {
        keys.push_back(expressions.read());
        names.emplace_back(in->text());
      }
      std::vector<BoundAggregate> aggregates;
      for (uint32_t n = in->u32(); n > 0; --n) {
        aggregates.push_back(read_aggregate(&expressions, in));
      }
      return std::make_shared<AggregatePlan>(read_plan(in, leaf), std::move(keys), std::move(names),
                                             std::move(aggregates));
    }
    default: in->refuse("holds a plan of an unknown kind");
  }
}

}  // namespace velaria
