// A stream that was not started yet: an immutable plan over a stream source.
//
//   auto frame = StreamingDataFrame::from_source(source, environment, "events");
//   auto query = frame.window("ts", 60000, "window_start").write_stream(sink, options);
//   query->start();
//
// Verbs with SQL expressions (select, filter, group_by) are made by the session, which builds the
// plan and wraps it again.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "src/plan/logical_plan.h"
#include "stream/stream_environment.h"
#include "stream/stream_options.h"
#include "stream/streaming_query.h"

namespace velaria {

// Immutable, cheap to copy; any thread.
class StreamingDataFrame {
 public:
  StreamingDataFrame(PlanPtr plan, StreamEnvironment environment);
  static StreamingDataFrame from_source(StreamSourcePtr source, StreamEnvironment environment,
                                        const std::string& name = "");

  const Schema& schema() const { return plan_->schema(); }
  const PlanPtr& plan() const { return plan_; }
  const StreamEnvironment& environment() const { return environment_; }
  bool bounded() const { return is_bounded(*plan_); }

  // Adds `output_column`: the start of each window of `window_ms` that covers the row, one row per
  // window. `slide_ms`: window_ms when not said. Throws SqlSemanticError for an unknown column,
  // TypeMismatchError for one that is no timestamp, InvalidArgumentError for sizes out of range or
  // a name that exists.
  StreamingDataFrame window(const std::string& time_column, int64_t window_ms,
                            const std::string& output_column = "window_start",
                            std::optional<int64_t> slide_ms = std::nullopt) const;

  // A query that is not started. Throws what StreamingQuery::make() throws.
  StreamingQueryPtr write_stream(StreamSinkPtr sink, StreamOptions options = {}) const;

  std::string explain(const StreamOptions& options = {}) const;

 private:
  PlanPtr plan_;
  StreamEnvironment environment_;
};

// The plan of window(), with its checks: for the session's own verbs.
PlanPtr add_time_window(PlanPtr plan, const std::string& time_column, int64_t window_ms,
                        const std::string& output_column, std::optional<int64_t> slide_ms);

}  // namespace velaria
