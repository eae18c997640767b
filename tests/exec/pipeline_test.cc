#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cmath>
#include <future>
#include <limits>
#include <random>
#include <stdexcept>
#include <thread>

#include "src/base/error.h"
#include "src/base/thread_pool.h"
#include "src/column/builder.h"
#include "src/exec/physical_plan.h"
#include "src/exec/scheduler.h"
#include "src/io/memory/memory_table_source.h"
#include "src/plan/logical_plan.h"

namespace velaria {
namespace {

const DataType kInt64(TypeId::kInt64);

std::shared_ptr<MemoryTableSource> numbers(int64_t rows) {
  FixedBuilder<int64_t> builder(kInt64);
  for (int64_t i = 0; i < rows; ++i) builder.append(i);
  Chunk chunk;
  chunk.rows = rows;
  chunk.columns = {builder.finish()};
  return std::make_shared<MemoryTableSource>(Schema({{"n", kInt64}}), std::vector<Chunk>{chunk});
}

std::vector<int64_t> run(const PlanPtr& plan, size_t tasks, int64_t chunk_rows = 2048) {
  ThreadPool pool(tasks);
  ExecutionContext context;
  context.pool = &pool;
  context.tasks = tasks;
  context.chunk_rows = chunk_rows;
  const PhysicalPlan physical = PhysicalPlan::make(*plan, PhysicalOptions());
  PlanExecution execution(physical, context);
  execution.run(nullptr);
  std::vector<int64_t> out;
  for (const Chunk& chunk : execution.take_result()) {
    for (int64_t i = 0; i < chunk.rows; ++i) out.push_back(chunk.columns[0]->value(i).as_int64());
  }
  return out;
}

TEST(PipelineTest, RowsComeOutInTheOrderOfTheSource) {
  for (size_t tasks : {1, 2, 4}) {
    const auto out = run(ScanPlan::all_columns(numbers(200000), "t"), tasks);
    ASSERT_EQ(out.size(), 200000u);
    for (size_t i = 0; i < out.size(); ++i) ASSERT_EQ(out[i], static_cast<int64_t>(i));
  }
}

TEST(PipelineTest, LimitTakesTheFirstRowsForAnyNumberOfTasks) {
  for (size_t tasks : {1, 2, 4}) {
    for (int64_t offset : {0, 5, 70000}) {
      const PlanPtr plan =
          std::make_shared<LimitPlan>(ScanPlan::all_columns(numbers(100000), "t"), 4000, offset);
      const auto out = run(plan, tasks, 100);
      ASSERT_EQ(out.size(), 4000u);
      for (size_t i = 0; i < out.size(); ++i) ASSERT_EQ(out[i], offset + static_cast<int64_t>(i));
    }
  }
}

TEST(PipelineTest, TheRowsOfALimitAreHeldAgainstTheMemoryLimit) {
  const PlanPtr plan =
      std::make_shared<LimitPlan>(ScanPlan::all_columns(numbers(100000), "t"), std::nullopt, 10);
  ExecutionContext context;
  context.budget = std::make_shared<MemoryBudget>(100000);
  const PhysicalPlan physical = PhysicalPlan::make(*plan, PhysicalOptions());
  PlanExecution execution(physical, context);
  try {
    execution.run(nullptr);
    FAIL() << "100 kB were enough";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kResource);
    EXPECT_NE(error.message().find("the rows of LIMIT"), std::string::npos) << error.message();
  }
}

TEST(PipelineTest, TheRowsOfAnOffsetAreNotHeld) {
  const PlanPtr plan =
      std::make_shared<LimitPlan>(ScanPlan::all_columns(numbers(100000), "t"), 7, 90000);
  ThreadPool pool(1);
  ExecutionContext context;
  context.budget = std::make_shared<MemoryBudget>(100000);
  context.pool = &pool;
  context.tasks = 1;
  context.chunk_rows = 256;
  const PhysicalPlan physical = PhysicalPlan::make(*plan, PhysicalOptions());
  PlanExecution execution(physical, context);
  execution.run(nullptr);
  int64_t at = 90000;
  for (const Chunk& chunk : execution.take_result()) {
    for (int64_t i = 0; i < chunk.rows; ++i) EXPECT_EQ(chunk.columns[0]->value(i).as_int64(), at++);
  }
  EXPECT_EQ(at, 90007);
}

TEST(PipelineTest, TiesOfATopNKeepTheInputsOrder) {
  // All keys are equal, so the first rows must win.
  FixedBuilder<int64_t> keys(kInt64);
  FixedBuilder<int64_t> ids(kInt64);
  for (int64_t i = 0; i < 150000; ++i) {
    keys.append(7);
    ids.append(i);
  }
  Chunk chunk;
  chunk.rows = 150000;
  chunk.columns = {ids.finish(), keys.finish()};
  const auto source = std::make_shared<MemoryTableSource>(Schema({{"id", kInt64}, {"k", kInt64}}),
                                                          std::vector<Chunk>{chunk});
  for (size_t tasks : {1, 3}) {
    const PlanPtr plan = std::make_shared<TopNPlan>(ScanPlan::all_columns(source, "t"),
                                                    std::vector<SortItem>{{1, true, false}}, 10, 3);
    const auto out = run(plan, tasks);
    EXPECT_EQ(out, (std::vector<int64_t>{3, 4, 5, 6, 7, 8, 9, 10, 11, 12}));
  }
}

// Top-n drops rows by its boundary; a full sort with a limit behind it does not: they must agree.
TEST(PipelineTest, TopNAgreesWithSortAndLimit) {
  const uint64_t seed = std::random_device()();
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  const DataType float64(TypeId::kFloat64);
  for (int round = 0; round < 12; ++round) {
    FixedBuilder<int64_t> ids(kInt64);
    FixedBuilder<double> keys(float64);
    const int64_t rows = 90000;
    const uint64_t distinct = round % 3 == 0 ? 50 : 1000000;
    for (int64_t i = 0; i < rows; ++i) {
      ids.append(i);
      const uint64_t pick = random() % distinct;
      if (pick % 97 == 3) {
        keys.append_null();
      } else if (pick % 97 == 5) {
        keys.append(std::nan(""));
      } else {
        keys.append(static_cast<double>(pick) - 20);
      }
    }
    Chunk chunk;
    chunk.rows = rows;
    chunk.columns = {ids.finish(), keys.finish()};
    const auto source = std::make_shared<MemoryTableSource>(
        Schema({{"id", kInt64}, {"k", float64}}), std::vector<Chunk>{chunk});
    const PlanPtr scan = ScanPlan::all_columns(source, "t");
    const std::vector<SortItem> items{{1, round % 2 == 0, round % 4 >= 2},
                                      {0, round % 5 == 0, false}};
    const int64_t limit = round % 2 == 0 ? 20 : 3000;
    const PlanPtr sorted =
        std::make_shared<LimitPlan>(std::make_shared<SortPlan>(scan, items), limit, 7);
    const PlanPtr top = std::make_shared<TopNPlan>(scan, items, limit, 7);
    const auto expected = run(sorted, 1);
    ASSERT_EQ(expected.size(), static_cast<size_t>(limit));
    EXPECT_EQ(run(top, 1), expected) << "round " << round;
    EXPECT_EQ(run(top, 2), expected) << "round " << round;
  }
}

// A scan that fails, waits, or asks to be interrupted.
class TroubledSource : public TableSource {
 public:
  explicit TroubledSource(std::function<void(uint64_t)> on_chunk)
      : schema_({{"n", kInt64}}), on_chunk_(std::move(on_chunk)) {}
  const Schema& schema() const override { return schema_; }
  std::string describe() const override { return "troubled"; }
  std::unique_ptr<TableScan> scan(const ScanRequest&) const override {
    return std::make_unique<Scan>(*this);
  }

 private:
  class Scan : public TableScan {
   public:
    explicit Scan(const TroubledSource& source) : source_(source) {}
    std::unique_ptr<ScanTask> new_task() override { return std::make_unique<Task>(*this); }
    const TroubledSource& source_;
    std::atomic<uint64_t> next_{0};
  };
  class Task : public ScanTask {
   public:
    explicit Task(Scan& scan) : scan_(scan) {}
    bool next(Chunk* chunk) override {
      const uint64_t at = scan_.next_.fetch_add(1);
      scan_.source_.on_chunk_(at);
      *chunk = Chunk();
      chunk->rows = 1;
      chunk->order = at;
      chunk->columns = {Column::constant(Value::int64(static_cast<int64_t>(at)), 1)};
      return true;  // never ends by itself
    }
    Scan& scan_;
  };
  Schema schema_;
  std::function<void(uint64_t)> on_chunk_;
};

TEST(PipelineTest, TheFirstErrorOfATaskEndsTheQuery) {
  for (size_t tasks : {1, 4}) {
    const auto source = std::make_shared<TroubledSource>([](uint64_t at) {
      if (at == 100) throw Error(ErrorKind::kFileFormat, "broken at 100");
    });
    try {
      run(ScanPlan::all_columns(source, "t"), tasks);
      FAIL() << "no error";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kFileFormat);
      EXPECT_STREQ(error.what(), "broken at 100");
    }
  }
}

TEST(PipelineTest, AnInterruptEndsAnEndlessQuery) {
  const auto source = std::make_shared<TroubledSource>(
      [](uint64_t) { std::this_thread::sleep_for(std::chrono::microseconds(50)); });
  const PhysicalPlan physical = PhysicalPlan::make(
      *std::make_shared<LimitPlan>(ScanPlan::all_columns(source, "t"), 1000000000, 0),
      PhysicalOptions());
  for (size_t tasks : {1, 2}) {
    ThreadPool pool(2);
    ExecutionContext context;
    context.pool = tasks == 1 ? nullptr : &pool;
    context.tasks = tasks;
    int asked = 0;
    context.interrupt_check = [&] {
      if (++asked == 3) throw Error(ErrorKind::kCancelled, "stop");
    };
    PlanExecution execution(physical, context);
    try {
      execution.run(nullptr);
      FAIL() << "no error";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kCancelled);
    }
    EXPECT_EQ(asked, 3);
  }
}

TEST(PipelineTest, ACancelledTokenEndsAQuery) {
  const auto source = std::make_shared<TroubledSource>([](uint64_t) {});
  CancellationToken token;
  token.cancel();
  const PhysicalPlan physical =
      PhysicalPlan::make(*ScanPlan::all_columns(source, "t"), PhysicalOptions());
  ExecutionContext context;
  context.cancellation = &token;
  PlanExecution execution(physical, context);
  EXPECT_THROW(execution.run(nullptr), Error);
}

TEST(PipelineTest, RunParallelDoesEveryPieceOnce) {
  ThreadPool pool(3);
  ExecutionContext context;
  context.pool = &pool;
  context.tasks = 3;
  std::vector<std::atomic<int>> done(1000);
  run_parallel(done.size(), [&](size_t i) { done[i].fetch_add(1); }, context);
  for (const auto& count : done) EXPECT_EQ(count.load(), 1);
  EXPECT_THROW(run_parallel(
                   10,
                   [](size_t i) {
                     if (i == 4) throw Error(ErrorKind::kInternal, "x");
                   },
                   context),
               Error);
}

// Ctrl-C reaches the middle of a long piece, and is what comes out, not the pieces' own errors.
TEST(PipelineTest, AnInterruptEndsLongPieces) {
  for (size_t tasks : {1, 2}) {
    ThreadPool pool(tasks);
    CancellationToken token;
    ExecutionContext context;
    context.pool = &pool;
    context.tasks = tasks;
    context.cancellation = &token;
    context.interrupt_check = [&token] {
      token.cancel();
      throw std::runtime_error("interrupted");
    };
    const auto wait = [&token](size_t) {
      while (true) {
        token.throw_if_cancelled();
        std::this_thread::yield();
      }
    };
    EXPECT_THROW(run_long_pieces(1, wait, context), std::runtime_error);
  }
}

TEST(PipelineTest, AShortQueryEndsBesideAnEndlessOne) {
  ThreadPool pool(2);
  std::atomic<uint64_t> chunks{0};
  std::atomic<uint64_t> pieces{0};
  CancellationToken token;
  ExecutionContext context;
  context.pool = &pool;
  context.tasks = 2;
  context.cancellation = &token;
  const auto source = std::make_shared<TroubledSource>([&](uint64_t) {
    ++chunks;
    std::this_thread::sleep_for(std::chrono::microseconds(50));
  });
  const PlanPtr endless = std::make_shared<LimitPlan>(ScanPlan::all_columns(source, "t"),
                                                      int64_t{1} << 60, int64_t{1} << 59);
  const PhysicalPlan physical = PhysicalPlan::make(*endless, PhysicalOptions());
  std::thread endless_scan([&] {
    PlanExecution execution(physical, context);
    EXPECT_THROW(execution.run(nullptr), Error);
  });
  std::thread endless_pieces([&] {
    EXPECT_THROW(run_parallel(
                     std::numeric_limits<size_t>::max() / 2, [&](size_t) { ++pieces; }, context),
                 Error);
  });
  // Each of them goes on though the other never ends.
  while (chunks == 0 || pieces == 0) std::this_thread::yield();
  std::future<int64_t> rows = std::async(std::launch::async, [&] {
    const PhysicalPlan plan =
        PhysicalPlan::make(*ScanPlan::all_columns(numbers(300000), "t"), PhysicalOptions());
    ExecutionContext own = context;
    own.cancellation = nullptr;
    PlanExecution execution(plan, own);
    execution.run(nullptr);
    int64_t count = 0;
    for (const Chunk& chunk : execution.take_result()) count += chunk.rows;
    return count;
  });
  const bool ended = rows.wait_for(std::chrono::seconds(30)) == std::future_status::ready;
  token.cancel();
  endless_scan.join();
  endless_pieces.join();
  EXPECT_TRUE(ended);
  EXPECT_EQ(rows.get(), 300000);
}

}  // namespace
}  // namespace velaria
