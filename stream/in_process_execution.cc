#include <algorithm>
#include <utility>

#include "src/base/error.h"
#include "src/base/text.h"
#include "stream/batch_execution.h"
#include "stream/epoch_source.h"

namespace velaria {

namespace {

class InProcessExecution : public BatchExecution {
 public:
  InProcessExecution(const PhysicalPlan& plan, const Schema& schema, ExecutionContext context,
                     ExecutionChoice choice)
      : schema_(schema),
        chunk_rows_(std::min(context.chunk_rows, kMostChunkRows)),
        choice_(std::move(choice)),
        execution_(plan, std::move(context)) {}

  std::vector<Chunk> run(std::vector<Chunk> chunks, uint64_t* next_order) override {
    const EpochSource input(schema_, std::move(chunks), chunk_rows_, *next_order);
    *next_order = input.next_order();
    execution_.run(&input);
    return execution_.take_result();
  }

  std::vector<Chunk> run_all() override {
    execution_.ask_for_all();
    const EpochSource none(schema_, {}, chunk_rows_, 0);
    execution_.run(&none);
    return execution_.take_result();
  }

  std::vector<Chunk> state_parts() override {
    std::vector<Chunk> parts;
    for (const PlanExecution::Stateful& stateful : execution_.stateful_sinks()) {
      parts.push_back(stateful.sink->snapshot(*stateful.state));
    }
    return parts;
  }
  size_t state_parts_count() override { return execution_.stateful_sinks().size(); }
  void restore(const std::vector<Chunk>& parts) override {
    const std::vector<PlanExecution::Stateful> sinks = execution_.stateful_sinks();
    VELARIA_CHECK(parts.size() == sinks.size());
    for (size_t i = 0; i < sinks.size(); ++i) sinks[i].sink->restore(*sinks[i].state, parts[i]);
  }
  uint64_t state_bytes() override { return execution_.state_bytes(); }
  uint64_t late_rows() override { return execution_.late_rows(); }

  ExecutionChoice choice() const override { return choice_; }

 private:
  const Schema& schema_;
  const int64_t chunk_rows_;
  const ExecutionChoice choice_;
  PlanExecution execution_;
};

}  // namespace

std::unique_ptr<BatchExecution> make_in_process_execution(const PhysicalPlan& plan,
                                                          const Schema& schema,
                                                          ExecutionContext context,
                                                          ExecutionChoice choice) {
  return std::make_unique<InProcessExecution>(plan, schema, std::move(context), std::move(choice));
}

}  // namespace velaria
