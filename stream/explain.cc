#include "stream/explain.h"

#include "src/exec/physical_plan.h"

namespace velaria {

namespace {

// A section's text, ended by exactly one line end.
std::string section(const char* name, std::string text) {
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return std::string(name) + "\n" + text + "\n";
}

}  // namespace

std::string explain_stream(const StreamPlan& plan, const StreamStrategy& strategy) {
  PhysicalOptions options;
  options.aggregate_output = AggregateOutput::kTouchedGroups;
  const PhysicalPlan physical = PhysicalPlan::make(*plan.optimized, options);
  return section("logical", explain_plan(*plan.optimized)) +
         section("physical", physical.describe()) + section("strategy", strategy_text(strategy));
}

std::string explain_stream(PlanPtr plan, const StreamOptions& options,
                           const StreamEnvironment& environment, bool sink_is_blocking) {
  check_stream_options(options);
  const StreamPlan stream_plan = make_stream_plan(std::move(plan));
  return explain_stream(stream_plan,
                        decide_strategy(stream_plan, options, environment, sink_is_blocking));
}

}  // namespace velaria
