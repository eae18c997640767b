// The choice between this process and workers, with costs that the tests say.
#include "stream/workers/measured_execution.h"

#include "src/base/error.h"
#include "stream/progress.h"
#include "stream/workers/worker_forecast.h"
#include "tests/stream/stream_testing.h"

namespace velaria {
namespace {

constexpr int64_t kMs = 1'000'000;

std::vector<BatchSample> samples(int64_t wall_ns, int64_t cpu_ns, int64_t handing_over_ns) {
  std::vector<BatchSample> out(8, {1000, wall_ns, cpu_ns, handing_over_ns});
  out[0].wall_ns *= 50;  // it warms up
  out[0].cpu_ns *= 50;
  return out;
}

TEST(WorkerForecast, WorkersWinWhereThisProcessLeavesCoresIdle) {
  // One core busy of two: twice as fast but for the handing over.
  WorkerForecast forecast = forecast_workers(samples(100 * kMs, 100 * kMs, kMs), 2, 2);
  EXPECT_NEAR(forecast.speedup, 100.0 / 51.06, 0.01);
  EXPECT_NEAR(forecast.compute_to_overhead_ratio, 100.0 / 1.06, 0.1);
  EXPECT_NEAR(forecast.threads, 1.0, 1e-9);
  // Both cores busy already.
  forecast = forecast_workers(samples(50 * kMs, 100 * kMs, kMs), 2, 2);
  EXPECT_LT(forecast.speedup, 1.0);
  // More workers than cores do not help.
  forecast = forecast_workers(samples(100 * kMs, 100 * kMs, kMs), 8, 2);
  EXPECT_NEAR(forecast.speedup, 100.0 / 51.06, 0.01);
  EXPECT_NEAR(forecast_workers(samples(100 * kMs, 100 * kMs, 0), 4, 8).speedup, 4.0, 0.05);
  // Small batches are not worth a message.
  EXPECT_LT(forecast_workers(samples(20'000, 20'000, 5'000), 2, 2).speedup, 0.5);
  // As much to hand over as to compute.
  EXPECT_LT(forecast_workers(samples(10 * kMs, 10 * kMs, 9 * kMs), 2, 2).speedup, 1.0);
}

class TestClock : public Clock {
 public:
  int64_t steady_ns() const override { return now_ns; }
  int64_t wall_us() const override { return now_ns / 1000; }
  int64_t now_ns = 0;
};

// Gives the number of batches it has seen, which it writes down as its state.
class CountingExecution : public WorkerExecution {
 public:
  CountingExecution(ExecutionChoice choice, TestClock* clock, int64_t cost_ns, int* alive)
      : choice_(std::move(choice)), clock_(*clock), cost_ns_(cost_ns), alive_(*alive) {
    ++alive_;
  }
  ~CountingExecution() override { --alive_; }
  std::vector<Chunk> run(std::vector<Chunk>, uint64_t* next_order) override {
    ++seen_;
    ++*next_order;
    clock_.now_ns += cost_ns_;
    return {event_chunk({{1, "seen", seen_}})};
  }
  std::vector<Chunk> run_all() override { return {}; }
  std::vector<Chunk> state_parts() override { return {event_chunk({{1, "state", seen_}})}; }
  size_t state_parts_count() override { return 1; }
  void restore(const std::vector<Chunk>& parts) override {
    seen_ = parts.at(0).columns[2]->value(0).as_int64();
  }
  uint64_t state_bytes() override { return 8; }
  uint64_t late_rows() override { return 0; }
  ExecutionChoice choice() const override { return choice_; }
  WorkerBatchCost last_cost() const override { return {cost_ns_, cost_ns_}; }

 private:
  const ExecutionChoice choice_;
  TestClock& clock_;
  const int64_t cost_ns_;
  int& alive_;
  int64_t seen_ = 0;
};

class MeasuredExecutionTest : public testing::Test {
 protected:
  void make(int64_t here_ns, int64_t workers_ns) {
    MeasuredExecutionParts parts;
    parts.clock = clock_;
    parts.thread_cpu_ns = [this] { return clock_->now_ns; };  // one core is busy
    parts.make_in_process = [this, here_ns](ExecutionChoice choice, std::atomic<int64_t>*) {
      return std::make_unique<CountingExecution>(std::move(choice), clock_.get(), here_ns, &here_);
    };
    parts.make_workers = [this, workers_ns](ExecutionChoice choice) {
      if (!workers_may_start_) throw Error(ErrorKind::kResource, "no more processes");
      choice.execution_mode = "local-workers";
      choice.transport_mode = "shared-memory";
      choice.used_shared_memory = true;
      return std::make_unique<CountingExecution>(std::move(choice), clock_.get(), workers_ns,
                                                 &workers_);
    };
    parts.measure_handing_over_ns = [](const std::vector<Chunk>&, const std::vector<Chunk>&) {
      return int64_t{1000};
    };
    parts.workers = 2;
    parts.cores = 2;
    parts.choice.execution_mode = "single-process";
    parts.choice.transport_mode = "inproc";
    execution_ = make_measured_execution(std::move(parts));
  }

  // Runs a batch; every one counts, whoever runs it.
  void run() {
    uint64_t order = 0;
    const std::vector<Chunk> out = execution_->run({event_chunk({{1, "a", 1}})}, &order);
    EXPECT_EQ(out.at(0).columns[2]->value(0).as_int64(), ++batches_);
    EXPECT_EQ(here_ + workers_, 1);
  }
  void run_many(size_t batches) {
    for (size_t i = 0; i < batches; ++i) run();
  }

  const std::shared_ptr<TestClock> clock_ = std::make_shared<TestClock>();
  int here_ = 0;
  int workers_ = 0;
  bool workers_may_start_ = true;
  int64_t batches_ = 0;
  std::unique_ptr<BatchExecution> execution_;
};

TEST_F(MeasuredExecutionTest, FasterWorkersKeepTheQueryAndItsState) {
  make(100 * kMs, 60 * kMs);
  run_many(kSampledBatches - 1);
  EXPECT_EQ(here_, 1);
  EXPECT_EQ(execution_->choice().actor_speedup, 0);
  run_many(1);
  EXPECT_NEAR(execution_->choice().actor_speedup, 2.0, 0.01);
  EXPECT_NE(execution_->choice().execution_reason.find("would pay"), std::string::npos);
  // 100 ms to start and two batches of 100 ms that may be lost are 4 % of 7.5 s.
  run_many(66);
  EXPECT_EQ(here_, 1);
  run_many(2);
  EXPECT_EQ(workers_, 1);
  EXPECT_NE(execution_->choice().execution_reason.find("on trial"), std::string::npos);
  run_many(20);
  EXPECT_EQ(workers_, 1);
  const ExecutionChoice choice = execution_->choice();
  EXPECT_EQ(choice.execution_mode, "local-workers");
  EXPECT_EQ(choice.transport_mode, "shared-memory");
  EXPECT_TRUE(choice.used_actor_runtime);
  EXPECT_TRUE(choice.used_shared_memory);
  EXPECT_NEAR(choice.actor_speedup, 100.0 / 60.0, 0.01);
  EXPECT_NE(choice.execution_reason.find("1.67 times as fast"), std::string::npos);
}

TEST_F(MeasuredExecutionTest, WorkersThatDisappointGiveTheStateBack) {
  make(100 * kMs, 130 * kMs);
  run_many(400);
  EXPECT_EQ(here_, 1);
  EXPECT_EQ(workers_, 0);
  const ExecutionChoice choice = execution_->choice();
  EXPECT_EQ(choice.execution_mode, "single-process");
  EXPECT_EQ(choice.transport_mode, "inproc");
  EXPECT_TRUE(choice.used_actor_runtime);
  EXPECT_NEAR(choice.actor_speedup, 100.0 / 130.0, 0.01);
  EXPECT_NE(choice.execution_reason.find("only 0.77 times as fast"), std::string::npos);
}

TEST_F(MeasuredExecutionTest, SmallBatchesNeverGoToWorkers) {
  make(20'000, 1);
  run_many(30);
  EXPECT_EQ(here_, 1);
  const ExecutionChoice choice = execution_->choice();
  EXPECT_FALSE(choice.used_actor_runtime);
  EXPECT_GT(choice.actor_speedup, 0);
  EXPECT_LT(choice.actor_speedup, 1);
  EXPECT_NE(choice.execution_reason.find("not worth it"), std::string::npos);
}

TEST_F(MeasuredExecutionTest, WorkersThatCannotBeStartedDoNotEndTheQuery) {
  make(100 * kMs, kMs);
  workers_may_start_ = false;
  run_many(400);
  EXPECT_EQ(here_, 1);
  EXPECT_NE(execution_->choice().execution_reason.find("no more processes"), std::string::npos);
}

TEST_F(MeasuredExecutionTest, BatchesWithoutRowsMeasureNothing) {
  make(100 * kMs, kMs);
  uint64_t order = 0;
  for (int i = 0; i < 30; ++i) execution_->run({}, &order);
  EXPECT_EQ(here_, 1);
  EXPECT_EQ(execution_->choice().actor_speedup, 0);
}

}  // namespace
}  // namespace velaria
