#include "stream/workers/plan_codec.h"

#include <thread>

#include "src/expr/function_registry.h"
#include "src/io/memory/memory_table_source.h"
#include "stream/workers/function_address.h"
#include "tests/stream/stream_testing.h"

namespace velaria {
namespace {

BoundExpressionPtr call(const std::string& name, std::vector<BoundExpressionPtr> arguments) {
  return FunctionRegistry::builtin().bind(name, std::move(arguments));
}

std::string texts_of(const PlanPtr& plan) {
  const PhysicalPlan physical = PhysicalPlan::make(*plan, {});
  PlanExecution execution(physical, {});
  execution.run(nullptr);
  std::string out;
  for (const Chunk& chunk : execution.take_result()) {
    for (int64_t row = 0; row < chunk.rows; ++row) {
      for (const ColumnPtr& column : chunk.columns) out += column->value(row).to_string() + "|";
      out += "\n";
    }
  }
  return out;
}

TEST(PlanCodec, APlanComesBackAndComputesTheSame) {
  std::mt19937_64 random(test_seed());
  const auto table = std::make_shared<MemoryTableSource>(
      event_schema(), std::vector<Chunk>{event_chunk(random_events(3000, random))});
  PlanPtr plan = event_scan(table);
  const BoundExpressionPtr twice =
      call("*", {column_of(*plan, "amount"), bound_constant(Value::int64(2))});
  auto repeated = std::make_shared<BoundExpression>(*twice);
  repeated->is_repeated = true;
  plan = std::make_shared<FilterPlan>(
      plan,
      bound_logic(BoundKind::kOr,
                  {call("LIKE", {column_of(*plan, "name"), bound_constant(Value::utf8("%name%"))}),
                   call(">", {repeated, bound_constant(Value::null(DataType(TypeId::kInt64)))}),
                   call("<", {repeated, bound_constant(Value::int64(-5))})}));
  plan = add_time_window(plan, "ts", 3000, "w", 1000);
  plan = std::make_shared<ProjectPlan>(
      plan,
      std::vector<BoundExpressionPtr>{
          column_of(*plan, "w"), call("upper", {column_of(*plan, "name")}),
          bound_cast(column_of(*plan, "amount"), DataType::decimal(20, 3)),
          call("coalesce", {column_of(*plan, "amount"), bound_constant(Value::int64(7))})},
      std::vector<std::string>{"w", "name", "exact", "amount"});
  std::vector<BoundAggregate> aggregates = {aggregate_of(*plan, AggregateKind::kSum, "exact"),
                                            aggregate_of(*plan, AggregateKind::kCountRows, "")};
  aggregates[0].filter = call(">", {column_of(*plan, "amount"), bound_constant(Value::int64(0))});
  BoundAggregate list = aggregate_of(*plan, AggregateKind::kStringAgg, "name");
  list.parameters = {Value::utf8("; ")};
  list.order_by = {{column_of(*plan, "amount"), true, false}};
  aggregates.push_back(list);
  plan = std::make_shared<AggregatePlan>(
      plan, std::vector<BoundExpressionPtr>{column_of(*plan, "w"), column_of(*plan, "name")},
      std::vector<std::string>{"start", "who"}, aggregates);

  EXPECT_EQ(why_not_writable(*plan), std::nullopt);
  ByteWriter out;
  write_plan(*plan, &out);
  ByteReader in(out.bytes(), "the plan");
  const PlanPtr read = read_plan(&in, table);
  EXPECT_EQ(in.left(), 0u);
  EXPECT_EQ(explain_plan(*read), explain_plan(*plan));
  EXPECT_EQ(read->schema(), plan->schema());
  const std::string expected = texts_of(plan);
  EXPECT_GT(expected.size(), 1000u);
  EXPECT_EQ(texts_of(read), expected);

  for (size_t size = 0; size < out.bytes().size(); size += 1 + size / 20) {
    const std::string torn = out.bytes().substr(0, size);
    ByteReader torn_in(torn, "the plan");
    EXPECT_THROW(read_plan(&torn_in, table), Error) << size;
  }
}

TEST(PlanCodec, ANodeInSeveralPlacesStaysOneNode) {
  auto shared = std::make_shared<BoundExpression>(
      *call("upper", {bound_column(0, DataType(TypeId::kUtf8), "name")}));
  shared->is_repeated = true;
  ByteWriter out;
  write_expression(call("||", {shared, shared}), &out);
  ByteReader in(out.bytes(), "the expression");
  const BoundExpressionPtr read = read_expression(&in);
  EXPECT_EQ(read->children[0], read->children[1]);
  EXPECT_TRUE(read->children[0]->is_repeated);
}

TEST(PlanCodec, WhatOnlyThisProcessHasIsNamed) {
  const auto table =
      std::make_shared<MemoryTableSource>(event_schema(), std::vector<Chunk>{event_chunk({})});
  const PlanPtr scan = event_scan(table);
  const PlanPtr sorted = std::make_shared<SortPlan>(scan, std::vector<SortItem>{{0}});
  EXPECT_NE(why_not_writable(*sorted)->find("Sort"), std::string::npos);
  const PlanPtr joined =
      std::make_shared<JoinPlan>(scan, scan, JoinType::kInner, std::vector<JoinKey>{}, nullptr);
  EXPECT_NE(why_not_writable(*joined)->find("joins"), std::string::npos);
}

TEST(FunctionAddress, IsFoundAgainAndOtherBuildsAreRefused) {
  const ScalarKernel kernel =
      call("upper", {bound_column(0, DataType(TypeId::kUtf8), "name")})->kernel;
  FunctionAddress address = locate_function(reinterpret_cast<const void*>(kernel));
  EXPECT_EQ(find_function(address), reinterpret_cast<const void*>(kernel));
  FunctionAddress other_build = address;
  ++other_build.fingerprint;
  std::string message;
  EXPECT_EQ(kind_of([&] { find_function(other_build); }, &message), ErrorKind::kStream);
  EXPECT_NE(message.find("another build"), std::string::npos) << message;
  FunctionAddress not_loaded = address;
  not_loaded.module = "lib_of_nobody.so";
  EXPECT_EQ(kind_of([&] { find_function(not_loaded); }, &message), ErrorKind::kStream);
  EXPECT_NE(message.find("has not loaded lib_of_nobody.so"), std::string::npos) << message;
  // The refusals have not kept the lock of the loader.
  std::thread([&] {
    EXPECT_EQ(find_function(address), reinterpret_cast<const void*>(kernel));
  }).join();
}

}  // namespace
}  // namespace velaria
