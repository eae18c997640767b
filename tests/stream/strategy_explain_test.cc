#include "stream/explain.h"

#include <sstream>

#include "stream/connectors/realtime_stream_sink.h"
#include "stream/connectors/realtime_stream_source.h"
#include "tests/stream/stream_testing.h"

namespace velaria {
namespace {

StreamSourcePtr endless() {
  return std::make_shared<RealtimeStreamSource>(event_schema(), RealtimeSourceOptions{});
}

std::map<std::string, std::string> strategy_lines(const std::string& text) {
  std::map<std::string, std::string> out;
  std::istringstream lines(text.substr(text.find("\nstrategy\n") + 10));
  for (std::string line; std::getline(lines, line);) {
    out[line.substr(0, line.find('='))] = line.substr(line.find('=') + 1);
  }
  return out;
}

TEST(StreamExplain, ExactlyThreeSections) {
  const std::string text =
      explain_stream(windowed_totals(event_scan(endless()), 1000, 500), {}, {});
  std::vector<std::string> heads;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line == "logical" || line == "physical" || line == "strategy") heads.push_back(line);
    EXPECT_FALSE(line.empty());
  }
  EXPECT_EQ(heads, (std::vector<std::string>{"logical", "physical", "strategy"}));
  EXPECT_EQ(text.rfind("logical\n", 0), 0u);
  EXPECT_NE(text.find("TimeWindow ts every 1000 ms slide 500 ms as window_start"),
            std::string::npos);
  EXPECT_NE(text.find("pipeline 0: scan events -> time panes -> aggregate"), std::string::npos)
      << text;
  const auto strategy = strategy_lines(text);
  for (const char* key : {"requested_mode", "selected_mode", "reason", "actor_eligible",
                          "transport_mode", "estimated_state_size_bytes", "estimated_batch_cost",
                          "shared_memory_transport", "shared_memory_min_payload_bytes",
                          "checkpoint_delivery_mode", "backpressure_max_queue_batches",
                          "backpressure_high_watermark", "backpressure_low_watermark"}) {
    EXPECT_EQ(strategy.count(key), 1u) << key;
    EXPECT_FALSE(strategy.at(key).empty()) << key;
  }
}

TEST(StreamPlan, WindowsOfARow) {
  const auto windows = [](int64_t width_ms, int64_t slide_ms) {
    TimeWindow window;
    window.width_ms = width_ms;
    window.slide_ms = slide_ms;
    return windows_per_row(window);
  };
  EXPECT_EQ(windows(10, 10), 1);
  EXPECT_EQ(windows(10, 4), 3);
  EXPECT_EQ(windows(INT64_MAX, INT64_MAX), 1);
}

TEST(StreamStrategy, LocalWorkersAreMeasuredFirstOrUsedAlways) {
  StreamOptions options;
  options.execution_mode = ExecutionMode::kLocalWorkers;
  options.local_workers = 4;
  const auto explained = [&options](int64_t slide_ms, const std::vector<std::string>& keys) {
    return strategy_lines(explain_stream(
        totals(add_time_window(event_scan(endless()), "ts", 1000, "w", slide_ms), keys), options,
        {}));
  };
  auto strategy = explained(1000, {"w", "name"});
  EXPECT_EQ(strategy.at("requested_mode"), "local-workers");
  EXPECT_EQ(strategy.at("selected_mode"), "single-process");
  EXPECT_EQ(strategy.at("transport_mode"), "inproc");
  EXPECT_NE(strategy.at("reason").find("to measure"), std::string::npos);
  EXPECT_EQ(strategy.at("actor_eligible"), "true");
  EXPECT_EQ(strategy.at("actor_reason"), "groups can be divided by name");

  options.worker_choice = WorkerChoice::kAlways;
  strategy = explained(250, {"w", "name"});
  EXPECT_EQ(strategy.at("selected_mode"), "local-workers");
  EXPECT_EQ(strategy.at("transport_mode"), "shared-memory");
  options.shared_memory_transport = false;
  EXPECT_EQ(explained(250, {"w", "name"}).at("transport_mode"), "rpc-copy");

  strategy = explained(1000, {"w"});
  EXPECT_EQ(strategy.at("selected_mode"), "single-process");
  EXPECT_EQ(strategy.at("actor_eligible"), "false");
  EXPECT_NE(strategy.at("reason").find("no key besides the window"), std::string::npos);
  options.max_retained_windows = 3;
  strategy = explained(1000, {"w", "name"});
  EXPECT_EQ(strategy.at("actor_eligible"), "false");
  EXPECT_NE(strategy.at("reason").find("windows are dropped"), std::string::npos);
}

TEST(StreamStrategy, ExplainRuntimeAndProgressSayTheSame) {
  StreamOptions options;
  options.execution_mode = ExecutionMode::kLocalWorkers;
  options.max_inflight_batches = 10;
  options.backpressure_low_watermark = 3;
  options.checkpoint_delivery_mode = DeliveryMode::kBestEffort;
  const auto query = StreamingQuery::make(totals(event_scan(endless()), {}),
                                          std::make_shared<RealtimeStreamSink>(), options, {});
  const auto lines = strategy_lines(query->explain());
  const StreamingQueryProgress progress = query->progress();
  EXPECT_EQ(lines.at("requested_mode"), progress.requested_execution_mode);
  EXPECT_EQ(lines.at("selected_mode"), progress.execution_mode);
  EXPECT_EQ(lines.at("reason"), progress.execution_reason);
  EXPECT_EQ(lines.at("transport_mode"), progress.transport_mode);
  EXPECT_EQ(lines.at("actor_eligible"), progress.actor_eligible ? "true" : "false");
  EXPECT_FALSE(progress.actor_eligible);  // no keys
  EXPECT_EQ(lines.at("checkpoint_delivery_mode"), progress.checkpoint_delivery_mode);
  EXPECT_EQ(lines.at("backpressure_max_queue_batches"), "10");
  EXPECT_EQ(progress.backpressure_max_queue_batches, 10);
  EXPECT_EQ(lines.at("backpressure_high_watermark"), "10");
  EXPECT_EQ(progress.backpressure_high_watermark, 10);
  EXPECT_EQ(lines.at("backpressure_low_watermark"), "3");
  EXPECT_EQ(progress.backpressure_low_watermark, 3);
  EXPECT_EQ(lines.at("estimated_state_size_bytes"),
            std::to_string(progress.estimated_state_size_bytes));
  EXPECT_TRUE(progress.sink_is_blocking);
  EXPECT_EQ(lines.at("sink_is_blocking"), "true");
  EXPECT_FALSE(progress.source_is_bounded);
}

TEST(StreamPlan, RefusesByName) {
  const auto refusal = [](const PlanPtr& plan, ErrorKind kind) {
    std::string message;
    EXPECT_EQ(kind_of([&] { make_stream_plan(plan); }, &message), kind);
    return message;
  };
  const std::vector<SortItem> by_time = {{0, false, false}};
  const PlanPtr scan = event_scan(endless());
  const PlanPtr sorted = std::make_shared<SortPlan>(scan, by_time);
  EXPECT_NE(refusal(sorted, ErrorKind::kSqlUnsupported).find("ORDER BY"), std::string::npos);
  EXPECT_NE(refusal(std::make_shared<TopNPlan>(scan, by_time, 3, 0), ErrorKind::kSqlUnsupported)
                .find("ORDER BY"),
            std::string::npos);
  const PlanPtr groups = totals(scan, {"name"});
  EXPECT_NE(
      refusal(std::make_shared<LimitPlan>(groups, 3, 0), ErrorKind::kSqlUnsupported).find("LIMIT"),
      std::string::npos);
  const PlanPtr inner = totals(event_scan(endless()), {"name"});
  const PlanPtr outer = std::make_shared<AggregatePlan>(
      inner, std::vector<BoundExpressionPtr>{}, std::vector<std::string>{},
      std::vector<BoundAggregate>{aggregate_of(*inner, AggregateKind::kCountRows, "")});
  EXPECT_NE(refusal(outer, ErrorKind::kSqlUnsupported).find("aggregate over an aggregate"),
            std::string::npos);
  EXPECT_NE(refusal(event_scan(event_table({})), ErrorKind::kTableKind).find("no stream"),
            std::string::npos);
  EXPECT_EQ(kind_of([&] { StreamTableSource(endless()).scan({}); }), ErrorKind::kTableKind);
}

TEST(StreamPlan, FingerprintsTellPlansApart) {
  const auto of = [](const PlanPtr& plan) { return make_stream_plan(plan).fingerprint; };
  const uint64_t one = of(windowed_totals(event_scan(endless()), 1000, 500));
  EXPECT_EQ(one,
            of(windowed_totals(event_scan(make_memory_stream(event_schema(), {})), 1000, 500)));
  EXPECT_NE(one, of(windowed_totals(event_scan(endless()), 1000, 250)));
  EXPECT_NE(one, of(totals(event_scan(endless()), {"name"})));
  EXPECT_NE(of(event_scan(endless())),
            of(event_scan(make_memory_stream(Schema({{"x", DataType(TypeId::kInt64)}}), {}))));
}

TEST(StreamOptions, FromText) {
  const StreamOptions options =
      stream_options_from_text({{"trigger_interval_ms", "5"},
                                {"checkpoint_delivery_mode", "best-effort"},
                                {"execution_mode", "local-workers"},
                                {"max_batches", "7"},
                                {"backpressure_high_watermark", "4"},
                                {"shared_memory_transport", "False"}});
  EXPECT_EQ(options.trigger_interval_ms, 5);
  EXPECT_EQ(options.checkpoint_delivery_mode, DeliveryMode::kBestEffort);
  EXPECT_EQ(options.execution_mode, ExecutionMode::kLocalWorkers);
  EXPECT_EQ(options.max_batches, 7u);
  EXPECT_EQ(options.high_watermark(), 4);
  EXPECT_EQ(options.low_watermark(), 2);
  EXPECT_FALSE(options.shared_memory_transport);
  EXPECT_FALSE(stream_options_from_text({{"max_batches", "none"}}).max_batches.has_value());

  const auto refusal = [](const std::string& name, const std::string& text) {
    std::string message;
    EXPECT_EQ(kind_of([&] { stream_options_from_text({{name, text}}); }, &message),
              ErrorKind::kInvalidArgument);
    return message;
  };
  EXPECT_NE(refusal("triger_interval_ms", "1").find("did you mean 'trigger_interval_ms'"),
            std::string::npos);
  EXPECT_NE(refusal("checkpoint_delivery_mode", "exactly-once").find("at-least-once, best-effort"),
            std::string::npos);
  EXPECT_NE(refusal("execution_mode", "single-proces").find("did you mean 'single-process'"),
            std::string::npos);
  refusal("max_batches", "0");
  refusal("max_batches", "seven");
  refusal("max_inflight_batches", "0");
  refusal("backpressure_high_watermark", "17");
  refusal("backpressure_low_watermark", "16");
  refusal("idle_wait_ms", "-1");
  refusal("local_workers", "0");
  for (const std::string& name : stream_option_names()) EXPECT_FALSE(name.empty());
}

TEST(StreamingDataFrame, WindowChecks) {
  const auto frame = StreamingDataFrame::from_source(endless(), {}, "events");
  EXPECT_EQ(frame.window("ts", 1000).schema().fields().back().name, "window_start");
  EXPECT_FALSE(frame.bounded());
  const auto refusal = [&frame](const std::string& column, int64_t width,
                                std::optional<int64_t> slide, const std::string& output) {
    return kind_of([&] { frame.window(column, width, output, slide); });
  };
  EXPECT_EQ(refusal("name", 1000, std::nullopt, "w"), ErrorKind::kTypeMismatch);
  EXPECT_EQ(refusal("tz", 1000, std::nullopt, "w"), ErrorKind::kSqlSemantic);
  EXPECT_EQ(refusal("ts", 0, std::nullopt, "w"), ErrorKind::kInvalidArgument);
  EXPECT_EQ(refusal("ts", 1000, 0, "w"), ErrorKind::kInvalidArgument);
  EXPECT_EQ(refusal("ts", 1000, 1001, "w"), ErrorKind::kInvalidArgument);
  EXPECT_EQ(refusal("ts", 4097, 1, "w"), ErrorKind::kInvalidArgument);
  EXPECT_EQ(refusal("ts", 1000, std::nullopt, "amount"), ErrorKind::kInvalidArgument);
  frame.window("ts", 4096, "w", 1);
  EXPECT_NE(frame.explain().find("strategy\n"), std::string::npos);
}

}  // namespace
}  // namespace velaria
