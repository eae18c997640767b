#include "stream/workers/measured_execution.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdio>
#include <utility>

#include "src/base/clock.h"
#include "src/base/error.h"
#include "src/base/text.h"
#include "stream/progress.h"
#include "stream/workers/worker_forecast.h"

namespace velaria {

namespace {

// A trial has so much work, in some batches; the first one warms up.
constexpr double kTrialMs = 100;
constexpr size_t kFewestTrialBatches = 2;
constexpr size_t kMostTrialBatches = 5;
// A trial moves the state there and maybe back: less than this is not worth it.
constexpr double kSpeedupWorthATrial = 1.25;
// A trial that comes to nothing makes a query slower. It waits until what it may cost is this small
// a share of what the query has taken so far, so asking for workers never costs more than that.
constexpr double kShareOfATrial = 0.04;
constexpr double kStartOfWorkersNs = 100e6;
constexpr double kMovingNsPerByte = 25;  // of the state, there and back
// Its batches may each take twice as long, though they are expected to be faster.
constexpr double kLostPerTrialBatch = 1.0;

std::string two_digits(double value) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.2f", value);
  return text;
}

int64_t rows_of(const std::vector<Chunk>& chunks) {
  int64_t rows = 0;
  for (const Chunk& chunk : chunks) rows += chunk.selected_rows();
  return rows;
}

class MeasuredExecution : public BatchExecution {
 public:
  explicit MeasuredExecution(MeasuredExecutionParts parts)
      : parts_(std::move(parts)),
        clock_(parts_.clock ? parts_.clock : system_clock()),
        choice_(parts_.choice) {
    in_process_ = parts_.make_in_process(choice_, &pool_cpu_ns_);
  }

  std::vector<Chunk> run(std::vector<Chunk> chunks, uint64_t* next_order) override {
    switch (phase_) {
      case Phase::kSampling: return run_sample(std::move(chunks), next_order);
      case Phase::kWaiting: return run_until_trial(std::move(chunks), next_order);
      case Phase::kTrial: return run_trial(std::move(chunks), next_order);
      case Phase::kSettled: break;
    }
    return current().run(std::move(chunks), next_order);
  }

  std::vector<Chunk> run_all() override { return current().run_all(); }
  std::vector<Chunk> state_parts() override { return current().state_parts(); }
  size_t state_parts_count() override { return current().state_parts_count(); }
  void restore(const std::vector<Chunk>& parts) override { current().restore(parts); }
  uint64_t state_bytes() override { return current().state_bytes(); }
  uint64_t late_rows() override { return current().late_rows(); }

  ExecutionChoice choice() const override {
    ExecutionChoice out = choice_;
    if (workers_) {
      const ExecutionChoice now = workers_->choice();
      out.execution_mode = now.execution_mode;
      out.transport_mode = now.transport_mode;
      out.used_actor_runtime = true;
      out.used_shared_memory = out.used_shared_memory || now.used_shared_memory;
    }
    return out;
  }

 private:
  enum class Phase { kSampling, kWaiting, kTrial, kSettled };

  BatchExecution& current() {
    return workers_ ? static_cast<BatchExecution&>(*workers_) : *in_process_;
  }

  int64_t cpu_ns() const {
    return (parts_.thread_cpu_ns ? parts_.thread_cpu_ns() : thread_cpu_ns()) + pool_cpu_ns_.load();
  }

  std::vector<Chunk> run_sample(std::vector<Chunk> chunks, uint64_t* next_order) {
    BatchSample sample;
    sample.rows = rows_of(chunks);
    // Batches of the same kind cost the same: the last one tells enough.
    const bool last = sample.rows > 0 && samples_.size() + 1 == kSampledBatches;
    const std::vector<Chunk> batch = last ? chunks : std::vector<Chunk>();
    const int64_t start_ns = clock_->steady_ns();
    const int64_t start_cpu_ns = cpu_ns();
    std::vector<Chunk> out = in_process_->run(std::move(chunks), next_order);
    sample.wall_ns = clock_->steady_ns() - start_ns;
    spent_ns_ += sample.wall_ns;
    if (sample.rows > 0) ++batches_;
    sample.cpu_ns = cpu_ns() - start_cpu_ns;
    if (sample.rows > 0) samples_.push_back(sample);
    if (last) decide(parts_.measure_handing_over_ns(batch, out));
    return out;
  }

  void decide(int64_t handing_over_ns) {
    for (BatchSample& sample : samples_) sample.handing_over_ns = handing_over_ns;
    const WorkerForecast forecast = forecast_workers(samples_, parts_.workers, parts_.cores);
    choice_.actor_speedup = forecast.speedup;
    choice_.compute_to_overhead_ratio = forecast.compute_to_overhead_ratio;
    const std::string costs =
        concat("a batch takes ", two_digits(forecast.batch_ms), " ms in this process with ",
               two_digits(forecast.threads), " cores busy, and would take ",
               two_digits(forecast.worker_batch_ms), " ms with ", parts_.workers,
               parts_.workers == 1 ? " worker, " : " workers, ",
               two_digits(forecast.handing_over_ms), " of them for handing it over");
    if (forecast.speedup < kSpeedupWorthATrial) {
      phase_ = Phase::kSettled;
      choice_.execution_reason =
          concat("local-workers was asked for, but is not worth it: ", costs);
      return;
    }
    phase_ = Phase::kWaiting;
    trial_batches_ = static_cast<size_t>(std::clamp(std::ceil(kTrialMs / forecast.batch_ms),
                                                    static_cast<double>(kFewestTrialBatches),
                                                    static_cast<double>(kMostTrialBatches)));
    costs_ = costs;
    choice_.execution_reason =
        concat("local-workers was asked for and would pay: ", costs,
               "; they are tried once the query has taken long enough for a trial not to matter");
    start_trial_if_due();
  }

  std::vector<Chunk> run_until_trial(std::vector<Chunk> chunks, uint64_t* next_order) {
    const int64_t start_ns = clock_->steady_ns();
    std::vector<Chunk> out = in_process_->run(std::move(chunks), next_order);
    spent_ns_ += clock_->steady_ns() - start_ns;
    ++batches_;
    start_trial_if_due();
    return out;
  }

  void start_trial_if_due() {
    const double batch_ns = static_cast<double>(spent_ns_) / static_cast<double>(batches_);
    const double trial_ns = kStartOfWorkersNs +
                            kMovingNsPerByte * static_cast<double>(in_process_->state_bytes()) +
                            kLostPerTrialBatch * static_cast<double>(trial_batches_) * batch_ns;
    if (trial_ns > kShareOfATrial * static_cast<double>(spent_ns_)) return;
    phase_ = Phase::kTrial;
    choice_.execution_reason = concat("local-workers was asked for and is on trial: ", costs_);
    try {
      std::unique_ptr<WorkerExecution> workers = parts_.make_workers(choice_);
      workers->restore(in_process_->state_parts());
      workers_ = std::move(workers);
      in_process_.reset();
      choice_.used_actor_runtime = true;
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::kResource) throw;
      phase_ = Phase::kSettled;
      choice_.execution_reason =
          concat("local-workers was asked for, but could not be had: ", error.message());
    }
  }

  std::vector<Chunk> run_trial(std::vector<Chunk> chunks, uint64_t* next_order) {
    BatchSample sample;
    sample.rows = rows_of(chunks);
    std::vector<Chunk> out = workers_->run(std::move(chunks), next_order);
    sample.wall_ns = workers_->last_cost().wall_ns;
    if (sample.rows > 0) trials_.push_back(sample);
    if (trials_.size() == trial_batches_) settle();
    return out;
  }

  void settle() {
    phase_ = Phase::kSettled;
    trials_.erase(trials_.begin());
    const double trial_ns = median_ns_per_row(trials_);
    choice_.actor_speedup = trial_ns > 0 ? median_ns_per_row(samples_) / trial_ns : 0;
    const std::string measured =
        concat(two_digits(choice_.actor_speedup), " times as fast as this process, measured over ",
               trials_.size(), trials_.size() == 1 ? " batch" : " batches");
    if (choice_.actor_speedup >= 1) {
      choice_.execution_reason = concat("local-workers was asked for and is ", measured);
      return;
    }
    choice_.execution_reason = concat("local-workers was asked for, but was only ", measured);
    choice_.used_shared_memory = workers_->choice().used_shared_memory;
    in_process_ = parts_.make_in_process(choice_, nullptr);
    in_process_->restore(workers_->state_parts());
    workers_.reset();
  }

  const MeasuredExecutionParts parts_;
  const std::shared_ptr<Clock> clock_;
  Phase phase_ = Phase::kSampling;
  ExecutionChoice choice_;
  std::atomic<int64_t> pool_cpu_ns_{0};
  std::unique_ptr<BatchExecution> in_process_;
  std::unique_ptr<WorkerExecution> workers_;  // not null: they run the batches
  std::vector<BatchSample> samples_;
  size_t trial_batches_ = kMostTrialBatches;
  std::vector<BatchSample> trials_;
  std::string costs_;     // as the reason tells them
  int64_t spent_ns_ = 0;  // of the batches in this process
  int64_t batches_ = 0;   // so many
};

}  // namespace

std::unique_ptr<BatchExecution> make_measured_execution(MeasuredExecutionParts parts) {
  return std::make_unique<MeasuredExecution>(std::move(parts));
}

}  // namespace velaria
