#include "src/exec/physical_plan.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "src/base/error.h"
#include "src/exec/collect_sink.h"
#include "src/exec/ordered_rows_sink.h"
#include "src/exec/scheduler.h"
#include "src/exec/spill/spill_space.h"

namespace velaria {

// One input with its scan, behind the transforms that sinks took the place of.
struct PlanExecution::StartedInput {
  std::vector<Replaced> replaced;
  std::unique_ptr<TableScan> scan;
  std::vector<std::shared_ptr<const TransformOperator>> transforms;  // what is left of them
  size_t done = 0;                                                   // transforms before these
  size_t tasks = 1;
};

// The last pipeline on its way. Its own sink would keep all rows to the end, so another stands in.
struct PlanExecution::ResultSteps {
  std::unique_ptr<SinkOperator> sink = make_ordered_rows();
  std::unique_ptr<SinkState> state;
  size_t next_input = 0;
  PipelineInputEnd end;
  std::unique_ptr<StartedInput> input;   // the one on its way, if any
  std::unique_ptr<PipelineSteps> steps;  // of it
  // Grows from call to call: whoever wants a few rows only does not wait for many.
  size_t chunks_a_step = 1;
};

PlanExecution::PlanExecution(const PhysicalPlan& plan, ExecutionContext context)
    : plan_(plan), cancellation_(context.cancellation), context_(std::move(context)) {
  context_.cancellation = &cancellation_;
  if (context_.interrupt_check) {
    context_.interrupt_check = [this, check = std::move(context_.interrupt_check)] {
      try {
        check();
      } catch (...) {
        cancellation_.cancel();
        throw;
      }
    };
  }
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

PlanExecution::StartedInput PlanExecution::start_input(const PipelineInput& input,
                                                       const TableSource* source,
                                                       PipelineInputProfile* profile) {
  ScanRequest request;
  request.columns = input.columns;
  request.chunk_rows =
      chunk_rows_of_width(std::min(context_.chunk_rows, kMostChunkRows), input.columns.size());
  request.cancellation = context_.cancellation;
  request.tasks = tasks_for(input, source);
  StartedInput out;
  out.tasks = request.tasks;
  if (source == nullptr) {
    const SinkOperator& before = *plan_.pipelines()[input.input_pipeline].sink;
    out.scan = before.result(*states_[input.input_pipeline], request);
  } else if (const auto* filtering = dynamic_cast<const FilteringSource*>(source);
             filtering != nullptr && input.filter) {
    out.scan = filtering->scan_filtered(request, input.filter);
  } else {
    out.scan = source->scan(request);
  }
  if (profile != nullptr) profile->tasks = request.tasks;
  for (size_t i = 0; i < input.transforms.size(); ++i) {
    std::unique_ptr<SinkOperator> in_its_place = input.transforms[i]->replacing_sink(states_);
    if (!in_its_place) continue;
    out.replaced.push_back(
        run_replaced(input, {out.done, i}, *out.scan, request, std::move(in_its_place), profile));
    out.scan = out.replaced.back().sink->result(*out.replaced.back().state, request);
    out.done = i + 1;
  }
  out.transforms.assign(input.transforms.begin() + static_cast<std::ptrdiff_t>(out.done),
                        input.transforms.end());
  return out;
}

PipelineInputEnd PlanExecution::run_input(const PipelineInput& input, const TableSource* source,
                                          const SinkOperator& sink, SinkState& sink_state,
                                          uint64_t first_order, PipelineInputProfile* profile) {
  const StartedInput started = start_input(input, source, profile);
  PipelineInputProfile rest;
  PipelineInputProfile* own = profile == nullptr || started.done == 0 ? profile : &rest;
  const PipelineInputEnd end = run_pipeline_input({*started.scan, started.transforms, states_, sink,
                                                   sink_state, started.tasks, first_order, own},
                                                  context_);
  if (own == &rest) profile->add_stages(started.done, rest);
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

void PlanExecution::run_pipeline(size_t pipeline, const TableSource* replacement) {
  using Clock = std::chrono::steady_clock;
  const auto since = [](Clock::time_point start) {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - start).count();
  };
  const std::vector<PipelineInput>& inputs = plan_.pipelines()[pipeline].inputs;
  PipelineProfile* profile =
      context_.profile != nullptr ? &context_.profile->pipelines[pipeline] : nullptr;
  if (profile != nullptr) profile->inputs.resize(inputs.size());
  const Clock::time_point start = Clock::now();
  const SinkOperator& sink = *plan_.pipelines()[pipeline].sink;
  sink.begin_epoch(*states_[pipeline]);
  PipelineInputEnd end;
  for (size_t k = 0; k < inputs.size() && !end.sink_finished; ++k) {
    const TableSource* source = inputs[k].source.get();
    const bool replaced = plan_.stream_ == nullptr || source == plan_.stream_;
    if (source != nullptr && replacement != nullptr && replaced) source = replacement;
    end = run_input(inputs[k], source, sink, *states_[pipeline], end.next_order,
                    profile != nullptr ? &profile->inputs[k] : nullptr);
  }
  const Clock::time_point all_rows = Clock::now();
  sink.finish(*states_[pipeline], sink_context(pipeline));
  if (profile != nullptr) {
    profile->finish_ns += since(all_rows);
    profile->wall_ns += since(start);
    profile->peak_bytes = sink_budgets_[pipeline]->peak_bytes();
    profile->spilled_bytes = sink_spills_[pipeline]->written_bytes();
  }
}

void PlanExecution::run(const TableSource* replacement) {
  const std::vector<Pipeline>& pipelines = plan_.pipelines();
  if (context_.profile != nullptr) context_.profile->pipelines.resize(pipelines.size());
  for (size_t i = 0; i < pipelines.size(); ++i) {
    if (!ran_before_ || pipelines[i].every_epoch) run_pipeline(i, replacement);
  }
  ran_before_ = true;
}

void PlanExecution::begin_result() {
  VELARIA_CHECK(!ran_before_ && context_.profile == nullptr);
  ran_before_ = true;
  for (size_t i = 0; i + 1 < plan_.pipelines().size(); ++i) run_pipeline(i, nullptr);
  result_steps_ = std::make_unique<ResultSteps>();
  result_steps_->state = result_steps_->sink->new_state(sink_context(plan_.pipelines().size() - 1));
  result_steps_->sink->begin_epoch(*result_steps_->state);
}

bool PlanExecution::next_chunk(Chunk* chunk) {
  constexpr size_t kMostChunksAStep = 16;
  VELARIA_CHECK(result_steps_ != nullptr);
  ResultSteps& result = *result_steps_;
  const std::vector<PipelineInput>& inputs = plan_.pipelines().back().inputs;
  while (!take_next_in_order(*result.state, chunk)) {
    if (!result.steps) {
      if (result.next_input == inputs.size()) return false;
      const PipelineInput& input = inputs[result.next_input++];
      result.input =
          std::make_unique<StartedInput>(start_input(input, input.source.get(), nullptr));
      result.steps = std::make_unique<PipelineSteps>(
          PipelineInputRun{*result.input->scan, result.input->transforms, states_, *result.sink,
                           *result.state, result.input->tasks, result.end.next_order, nullptr},
          context_);
    }
    const bool more = result.steps->advance(result.chunks_a_step);
    result.chunks_a_step = std::min(result.chunks_a_step * 2, kMostChunksAStep);
    if (more) continue;
    result.end = result.steps->end();
    result.steps.reset();
    result.input.reset();
  }
  return true;
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
