// Batches run by workers give what they give in one process: the same rows in the same order.
#include "stream/workers/worker_execution.h"

#include <optional>

#include "src/expr/function_registry.h"
#include "stream/connectors/realtime_stream_source.h"
#include "stream/explain.h"
#include "stream/workers/batch_divider.h"
#include "stream/workers/worker_process.h"
#include "tests/stream/stream_testing.h"

namespace velaria {
namespace {

struct Transport {
  const char* name;
  bool shared_memory;
  uint64_t least_bytes;
};
constexpr Transport kTransports[] = {{"shared memory", true, 0},
                                     {"shared memory for the larger ones", true, 20'000},
                                     {"copies", false, 0}};

StreamPlan stream_plan(const std::function<PlanPtr(PlanPtr)>& make) {
  return make_stream_plan(make(
      event_scan(std::make_shared<RealtimeStreamSource>(event_schema(), RealtimeSourceOptions{}))));
}

WorkerSettings settings_of(const StreamPlan& plan, const Transport& transport, size_t workers) {
  WorkerSettings settings;
  settings.command = worker_command();
  settings.workers = workers;
  settings.shared_memory = transport.shared_memory;
  settings.shared_memory_min_bytes = transport.least_bytes;
  settings.aggregate_output =
      plan.at_end ? AggregateOutput::kWhenAsked : AggregateOutput::kTouchedGroups;
  settings.columns = plan.columns;
  return settings;
}

std::vector<std::string> texts_of(const std::vector<Chunk>& chunks) {
  std::vector<std::string> out;
  for (const Chunk& any : chunks) {
    const Chunk chunk = compact(any);
    for (int64_t row = 0; row < chunk.rows; ++row) {
      std::string text;
      for (const ColumnPtr& column : chunk.columns) text += column->value(row).to_string() + "|";
      out.push_back(std::move(text));
    }
  }
  return out;
}

constexpr uint64_t kFirstOrder = 64;

using MakePlan = std::function<PlanPtr(PlanPtr)>;
struct NamedPlan {
  const char* name;
  MakePlan make;
};

BoundExpressionPtr call(const std::string& name, std::vector<BoundExpressionPtr> arguments) {
  return FunctionRegistry::builtin().bind(name, std::move(arguments));
}

BoundExpressionPtr number(int64_t value) { return bound_constant(Value::int64(value)); }

const std::vector<NamedPlan>& plans() {
  static const std::vector<NamedPlan> all = {
      {"filter and projection",
       [](PlanPtr scan) -> PlanPtr {
         scan = std::make_shared<FilterPlan>(scan,
                                             call(">", {column_of(*scan, "amount"), number(-200)}));
         return std::make_shared<ProjectPlan>(
             scan,
             std::vector<BoundExpressionPtr>{call("upper", {column_of(*scan, "name")}),
                                             call("+", {column_of(*scan, "amount"), number(1)})},
             std::vector<std::string>{"name", "more"});
       }},
      {"by a column", [](PlanPtr scan) { return totals(std::move(scan), {"name"}); }},
      {"by two columns", [](PlanPtr scan) { return totals(std::move(scan), {"name", "amount"}); }},
      {"tumbling", [](PlanPtr scan) { return windowed_totals(std::move(scan), 1000, 1000); }},
      {"panes", [](PlanPtr scan) { return windowed_totals(std::move(scan), 3000, 1000); }},
      {"uneven panes", [](PlanPtr scan) { return windowed_totals(std::move(scan), 2500, 1000); }},
      {"behind a filter, by a computed key, with having and a projection",
       [](PlanPtr scan) -> PlanPtr {
         scan = std::make_shared<FilterPlan>(scan,
                                             call("<", {column_of(*scan, "amount"), number(700)}));
         scan = std::make_shared<ProjectPlan>(
             scan,
             std::vector<BoundExpressionPtr>{call("upper", {column_of(*scan, "name")}),
                                             column_of(*scan, "amount")},
             std::vector<std::string>{"name", "amount"});
         PlanPtr groups = totals(scan, {"name"});
         groups = std::make_shared<FilterPlan>(
             groups, call(">", {bound_column(1, DataType(TypeId::kInt64), "n"), number(2)}));
         return std::make_shared<ProjectPlan>(
             groups,
             std::vector<BoundExpressionPtr>{
                 column_of(*groups, "name"),
                 call("*", {bound_column(1, DataType(TypeId::kInt64), "n"), number(2)})},
             std::vector<std::string>{"name", "twice"});
       }},
  };
  return all;
}

// Both executions of a plan, and whatever they need.
class Pair {
 public:
  Pair(const MakePlan& make, const Transport& transport, size_t workers)
      : plan_(stream_plan(make)),
        physical_(batch_pipelines(plan_, {})),
        worker_plan_(make_worker_plan(plan_, {})) {
    EXPECT_TRUE(worker_plan_.eligible) << worker_plan_.reason;
    here_ = make_in_process_execution(physical_, plan_.source->schema(), {}, {});
    workers_ = make_worker_execution(worker_plan_, plan_.source->schema(),
                                     settings_of(plan_, transport, workers), {}, {});
  }

  void check_batch(const Chunk& batch) {
    uint64_t order = next_order_;
    const auto expected = texts_of(here_->run({batch}, &order));
    const auto got = texts_of(workers_->run({batch}, &next_order_));
    EXPECT_EQ(order, next_order_);
    EXPECT_EQ(got, expected);
  }

  void check_all() { EXPECT_EQ(texts_of(workers_->run_all()), texts_of(here_->run_all())); }

  // Each goes on with what the other has written down.
  void exchange_states(const Transport& transport, size_t workers) {
    const std::vector<Chunk> here = here_->state_parts();
    const std::vector<Chunk> there = workers_->state_parts();
    ASSERT_EQ(here.size(), there.size());
    EXPECT_EQ(texts_of(there), texts_of(here));
    here_ = make_in_process_execution(physical_, plan_.source->schema(), {}, {});
    workers_ = make_worker_execution(worker_plan_, plan_.source->schema(),
                                     settings_of(plan_, transport, workers), {}, {});
    here_->restore(there);
    workers_->restore(here);
  }

 private:
  const StreamPlan plan_;
  const PhysicalPlan physical_;
  const WorkerPlan worker_plan_;
  std::unique_ptr<BatchExecution> here_;
  std::unique_ptr<BatchExecution> workers_;
  uint64_t next_order_ = kFirstOrder;
};

TEST(WorkerExecution, GivesWhatOneProcessGives) {
  std::mt19937_64 random(test_seed());
  for (const NamedPlan& plan : plans()) {
    for (const Transport& transport : kTransports) {
      for (const size_t workers : {1, 2, 3}) {
        SCOPED_TRACE(concat(plan.name, ", ", transport.name, ", ", workers, " workers"));
        Pair pair(plan.make, transport, workers);
        for (int half = 0; half < 2; ++half) {
          for (const Chunk& batch : random_batches(random_events(2500, random), random)) {
            pair.check_batch(batch);
            if (testing::Test::HasFailure()) return;
          }
          pair.exchange_states(transport, workers);
        }
        pair.check_batch(event_chunk(random_events(6000, random)));
        pair.check_all();
        if (testing::Test::HasFailure()) return;
      }
    }
  }
}

TEST(WorkerExecution, UsesSharedMemoryForLargeBatchesOnly) {
  const StreamPlan plan = stream_plan(plans()[1].make);
  const WorkerPlan worker_plan = make_worker_plan(plan, {});
  std::mt19937_64 random(test_seed());
  WorkerSettings settings = settings_of(plan, {"", true, 50'000}, 2);
  const auto execution =
      make_worker_execution(worker_plan, plan.source->schema(), settings, {}, {});
  uint64_t order = kFirstOrder;
  execution->run({event_chunk(random_events(10, random))}, &order);
  EXPECT_FALSE(execution->choice().used_shared_memory);
  execution->run({event_chunk(random_events(5000, random))}, &order);
  EXPECT_TRUE(execution->choice().used_shared_memory);
  EXPECT_EQ(execution->choice().transport_mode, "shared-memory");
  EXPECT_GT(execution->state_bytes(), 0u);
  EXPECT_GT(execution->last_cost().wall_ns, 0);
  EXPECT_GT(execution->last_cost().compute_cpu_ns, 0);
}

TEST(WorkerExecution, ManyLargeBatchesReuseTheSameMemory) {
  const StreamPlan plan = stream_plan(plans()[1].make);
  const WorkerPlan worker_plan = make_worker_plan(plan, {});
  std::mt19937_64 random(test_seed());
  const auto execution = make_worker_execution(worker_plan, plan.source->schema(),
                                               settings_of(plan, kTransports[0], 2), {}, {});
  // 300 batches of about 3 MB are more than shared memory may hold at a time.
  const Chunk batch = event_chunk(random_events(60'000, random));
  uint64_t order = kFirstOrder;
  for (int i = 0; i < 300; ++i) execution->run({batch}, &order);
  EXPECT_TRUE(execution->choice().used_shared_memory);
}

TEST(WorkerExecution, ErrorsOfWorkersAreTheErrorsOfTheQuery) {
  const auto failing = [](PlanPtr scan) -> PlanPtr {
    return std::make_shared<ProjectPlan>(scan,
                                         std::vector<BoundExpressionPtr>{bound_cast(
                                             column_of(*scan, "name"), DataType(TypeId::kInt64))},
                                         std::vector<std::string>{"n"});
  };
  const StreamPlan plan = stream_plan(failing);
  const WorkerPlan worker_plan = make_worker_plan(plan, {});
  const auto execution = make_worker_execution(worker_plan, plan.source->schema(),
                                               settings_of(plan, kTransports[2], 2), {}, {});
  uint64_t order = kFirstOrder;
  try {
    execution->run({event_chunk({{1, "no number", 1}})}, &order);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kTypeMismatch);
    EXPECT_NE(error.message().find("no number"), std::string::npos) << error.message();
  }
}

TEST(BatchDivider, OwnersAreSpreadAndFollowTheKeyAlone) {
  FixedBuilder<int64_t> builder{DataType(TypeId::kInt64)};
  for (int64_t i = 0; i < 10'000; ++i) builder.append(i);
  const ColumnPtr key = builder.finish();
  for (const size_t workers : {1, 2, 3, 7, 64}) {
    const std::vector<uint8_t> owners = owners_of_keys({key}, key->length(), workers);
    std::vector<int64_t> rows(workers, 0);
    for (const uint8_t owner : owners) {
      ASSERT_LT(owner, workers);
      ++rows[owner];
    }
    for (const int64_t count : rows) {
      EXPECT_NEAR(static_cast<double>(count), 10'000.0 / static_cast<double>(workers),
                  0.25 * 10'000.0 / static_cast<double>(workers) + 20);
    }
    const ColumnPtr part = key->slice(1234, 100);
    const std::vector<uint8_t> again = owners_of_keys({part}, part->length(), workers);
    EXPECT_TRUE(std::equal(again.begin(), again.end(), owners.begin() + 1234));
  }
}

}  // namespace
}  // namespace velaria
