#include "stream/explain.h"

#include "src/base/text.h"

namespace velaria {

namespace {

// A section's text, ended by exactly one line end.
std::string section(const char* name, std::string text) {
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return std::string(name) + "\n" + text + "\n";
}

}  // namespace

PhysicalPlan batch_pipelines(const StreamPlan& plan, const WindowRetention& retention) {
  PhysicalOptions options;
  options.retention = retention;
  options.stream = plan.leaf.get();
  options.aggregate_output =
      plan.at_end ? AggregateOutput::kWhenAsked : AggregateOutput::kTouchedGroups;
  return PhysicalPlan::make(*plan.per_batch, options);
}

PhysicalPlan end_pipelines(const StreamPlan& plan) {
  PhysicalOptions options;
  options.stream = plan.held.get();
  return PhysicalPlan::make(*plan.at_end, options);
}

std::string explain_stream(const StreamPlan& plan, const StreamStrategy& strategy) {
  std::string physical = batch_pipelines(plan, {}).describe();
  if (plan.counts_rows()) {
    physical += "then: ";
    if (plan.limit) physical += concat("the query ends after ", *plan.limit, " rows");
    if (plan.offset > 0) physical += concat(plan.limit ? ", " : "", "offset ", plan.offset);
    physical += "\n";
  }
  if (plan.at_end) physical += "at the end of the stream:\n" + end_pipelines(plan).describe();
  return section("logical", explain_plan(*plan.whole)) + section("physical", physical) +
         section("strategy", strategy_text(strategy));
}

std::string explain_stream(PlanPtr plan, const StreamOptions& options,
                           const StreamEnvironment& environment, bool sink_is_blocking) {
  StreamOptions used = options;
  apply_environment_options(&used);
  check_stream_options(used);
  const StreamPlan stream_plan = make_stream_plan(std::move(plan));
  return explain_stream(stream_plan,
                        decide_strategy(stream_plan, used, environment, sink_is_blocking));
}

}  // namespace velaria
