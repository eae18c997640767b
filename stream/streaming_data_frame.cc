#include "stream/streaming_data_frame.h"

#include "src/base/error.h"
#include "src/base/text.h"
#include "stream/explain.h"
#include "stream/stream_plan.h"
#include "stream/stream_table_source.h"

namespace velaria {

PlanPtr add_time_window(PlanPtr plan, const std::string& time_column, int64_t window_ms,
                        const std::string& output_column, std::optional<int64_t> slide_ms) {
  const Schema& schema = plan->schema();
  TimeWindow window;
  window.time_column = schema.require(time_column);
  const DataType& type = schema.field(window.time_column).type;
  if (type.id() != TypeId::kTimestamp) {
    throw Error(ErrorKind::kTypeMismatch,
                concat("window: column '", time_column, "' is ", type.to_string(),
                       ", and a window needs a timestamp; cast it first"));
  }
  window.width_ms = window_ms;
  window.slide_ms = slide_ms.value_or(window_ms);
  window.output_column = output_column;
  if (window_ms <= 0) {
    throw Error(ErrorKind::kInvalidArgument,
                concat("window: window_ms=", window_ms, " must be at least 1"));
  }
  if (window.slide_ms <= 0 || window.slide_ms > window_ms) {
    throw Error(ErrorKind::kInvalidArgument, concat("window: slide_ms=", window.slide_ms,
                                                    " must be from 1 to window_ms=", window_ms));
  }
  if (windows_per_row(window) > kMostWindowsPerRow) {
    throw Error(ErrorKind::kInvalidArgument,
                concat("window: slide_ms=", window.slide_ms, " with window_ms=", window_ms,
                       " puts a row into more than ", kMostWindowsPerRow,
                       " windows; make slide_ms larger"));
  }
  if (units_per_second(type.unit()) == 1 &&
      (window_ms % 1000 != 0 || window.slide_ms % 1000 != 0)) {
    throw Error(
        ErrorKind::kInvalidArgument,
        concat("window: column '", time_column, "' counts whole seconds, and window_ms=", window_ms,
               ", slide_ms=", window.slide_ms, " are not; use multiples of 1000"));
  }
  if (output_column.empty() || schema.find(output_column)) {
    throw Error(
        ErrorKind::kInvalidArgument,
        concat("window: the output column '", output_column,
               output_column.empty() ? "' needs a name" : "' exists already; name another"));
  }
  return std::make_shared<TimeWindowPlan>(std::move(plan), std::move(window));
}

StreamingDataFrame::StreamingDataFrame(PlanPtr plan, StreamEnvironment environment)
    : plan_(std::move(plan)), environment_(with_defaults(std::move(environment))) {
  VELARIA_CHECK(plan_ != nullptr);
}

StreamingDataFrame StreamingDataFrame::from_source(StreamSourcePtr source,
                                                   StreamEnvironment environment,
                                                   const std::string& name) {
  return StreamingDataFrame(
      ScanPlan::all_columns(std::make_shared<StreamTableSource>(std::move(source)), name),
      std::move(environment));
}

StreamingDataFrame StreamingDataFrame::window(const std::string& time_column, int64_t window_ms,
                                              const std::string& output_column,
                                              std::optional<int64_t> slide_ms) const {
  return StreamingDataFrame(add_time_window(plan_, time_column, window_ms, output_column, slide_ms),
                            environment_);
}

StreamingQueryPtr StreamingDataFrame::write_stream(StreamSinkPtr sink,
                                                   StreamOptions options) const {
  return StreamingQuery::make(plan_, std::move(sink), std::move(options), environment_);
}

std::string StreamingDataFrame::explain(const StreamOptions& options) const {
  return explain_stream(plan_, options, environment_);
}

}  // namespace velaria
