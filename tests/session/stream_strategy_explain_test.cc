// explainStreamSql: three sections, the keys of the contract, and one decision for plan and run.
#include <set>
#include <sstream>

#include "tests/session/stream_events.h"

namespace velaria {
namespace {

// Lines by section; a line that is the name of a section begins it.
std::map<std::string, std::vector<std::string>> sections_of(const std::string& text) {
  std::map<std::string, std::vector<std::string>> sections;
  std::string name = "before";
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    // A section's name stands at the margin, alone: one word without '='.
    if (!line.empty() && line.find_first_of(" =:") == std::string::npos) {
      EXPECT_EQ(sections.count(line), 0u) << "twice: " << line;
      name = line;
      sections[name];
    } else {
      sections[name].push_back(line);
    }
  }
  return sections;
}

std::map<std::string, std::string> strategy_of(const std::string& text) {
  std::map<std::string, std::string> out;
  const auto sections = sections_of(text);
  for (const std::string& line : sections.at("strategy")) {
    const size_t equals = line.find('=');
    EXPECT_NE(equals, std::string::npos) << line;
    EXPECT_TRUE(out.emplace(line.substr(0, equals), line.substr(equals + 1)).second) << line;
  }
  return out;
}

constexpr char kWindowed[] =
    "SELECT w, name, sum(amount) AS total FROM events WHERE amount > 0 "
    "WINDOW BY ts EVERY 10000 SLIDE 5000 AS w GROUP BY w, name";

class StreamStrategyExplainTest : public testing::Test {
 protected:
  StreamStrategyExplainTest() { add_events(session_, event_batches(2, 20)); }
  DataflowSession session_;
};

TEST_F(StreamStrategyExplainTest, ExactlyThreeSectionsInOrder) {
  const std::string text = session_.explainStreamSql(kWindowed);
  std::set<std::string> names;
  for (const auto& [name, lines] : sections_of(text)) {
    names.insert(name);
    EXPECT_FALSE(lines.empty()) << name;
  }
  EXPECT_EQ(names, (std::set<std::string>{"logical", "physical", "strategy"})) << text;
  EXPECT_EQ(text.rfind("logical\n", 0), 0u);
  EXPECT_LT(text.find("\nphysical\n"), text.find("\nstrategy\n"));
}

TEST_F(StreamStrategyExplainTest, TheLogicalSectionTellsTheWindow) {
  const std::string text = session_.explainStreamSql(kWindowed);
  EXPECT_NE(text.find("TimeWindow ts every 10000 ms slide 5000 ms as w"), std::string::npos)
      << text;
}

TEST_F(StreamStrategyExplainTest, TheStrategyHasTheKeysOfTheContract) {
  const auto strategy = strategy_of(session_.explainStreamSql(kWindowed));
  for (const char* key : {"requested_mode", "selected_mode", "reason", "actor_eligible",
                          "transport_mode", "estimated_state_size_bytes", "estimated_batch_cost",
                          "shared_memory_transport", "shared_memory_min_payload_bytes",
                          "checkpoint_delivery_mode", "backpressure_max_queue_batches",
                          "backpressure_high_watermark", "backpressure_low_watermark"}) {
    ASSERT_EQ(strategy.count(key), 1u) << key;
    EXPECT_FALSE(strategy.at(key).empty()) << key;
  }
  EXPECT_EQ(strategy.at("requested_mode"), "single-process");
  EXPECT_EQ(strategy.at("selected_mode"), "single-process");
  EXPECT_EQ(strategy.at("transport_mode"), "inproc");
  EXPECT_EQ(strategy.at("checkpoint_delivery_mode"), "at-least-once");
  EXPECT_EQ(strategy.at("shared_memory_min_payload_bytes"), "65536");
}

TEST_F(StreamStrategyExplainTest, OptionsShow) {
  StreamOptions options;
  options.execution_mode = ExecutionMode::kLocalWorkers;
  options.checkpoint_delivery_mode = DeliveryMode::kBestEffort;
  options.max_inflight_batches = 9;
  options.backpressure_high_watermark = 7;
  options.backpressure_low_watermark = 2;
  options.shared_memory_transport = false;
  options.shared_memory_min_payload_bytes = 1234;
  const auto strategy = strategy_of(session_.explainStreamSql(kWindowed, options));
  EXPECT_EQ(strategy.at("requested_mode"), "local-workers");
  EXPECT_EQ(strategy.at("checkpoint_delivery_mode"), "best-effort");
  EXPECT_EQ(strategy.at("backpressure_max_queue_batches"), "9");
  EXPECT_EQ(strategy.at("backpressure_high_watermark"), "7");
  EXPECT_EQ(strategy.at("backpressure_low_watermark"), "2");
  EXPECT_EQ(strategy.at("shared_memory_transport"), "false");
  EXPECT_EQ(strategy.at("shared_memory_min_payload_bytes"), "1234");
}

TEST_F(StreamStrategyExplainTest, ActorsNeedAKeyToDivideBy) {
  const auto eligible = [&](const std::string& sql) {
    return strategy_of(session_.explainStreamSql(sql)).at("actor_eligible");
  };
  EXPECT_EQ(eligible(kWindowed), "true");
  EXPECT_EQ(eligible("SELECT count(*) FROM events"), "false");
}

// The explanation and the run describe one decision.
TEST_F(StreamStrategyExplainTest, TheRunDoesWhatWasExplained) {
  for (const ExecutionMode mode : {ExecutionMode::kSingleProcess, ExecutionMode::kLocalWorkers}) {
    StreamOptions options;
    options.execution_mode = mode;
    options.max_inflight_batches = 5;
    session_.register_stream_sink("out", std::make_shared<MemorySink>());
    const std::string insert = std::string("INSERT INTO out ") + kWindowed;
    const auto strategy = strategy_of(session_.explainStreamSql(insert, options));
    const StreamingQueryPtr query = session_.startStreamSql(insert, options);
    query->await_termination();
    const StreamingQueryProgress progress = query->progress();
    EXPECT_EQ(progress.requested_execution_mode, strategy.at("requested_mode"));
    EXPECT_EQ(progress.execution_mode, strategy.at("selected_mode"));
    EXPECT_EQ(progress.execution_reason, strategy.at("reason"));
    EXPECT_EQ(progress.transport_mode, strategy.at("transport_mode"));
    EXPECT_EQ(progress.actor_eligible ? "true" : "false", strategy.at("actor_eligible"));
    EXPECT_EQ(progress.checkpoint_delivery_mode, strategy.at("checkpoint_delivery_mode"));
    EXPECT_EQ(std::to_string(progress.backpressure_max_queue_batches),
              strategy.at("backpressure_max_queue_batches"));
    EXPECT_EQ(std::to_string(progress.backpressure_high_watermark),
              strategy.at("backpressure_high_watermark"));
    EXPECT_EQ(query->explain(), session_.explainStreamSql(insert, options));
  }
}

TEST_F(StreamStrategyExplainTest, ErrorsAreThoseOfTheQuery) {
  EXPECT_ERROR(session_.explainStreamSql("SELECT nope FROM events"), "SqlSemanticError", "'nope'");
  StreamOptions options;
  options.max_inflight_batches = 0;
  EXPECT_ERROR(session_.explainStreamSql(kWindowed, options), "InvalidArgumentError",
               "max_inflight_batches");
}

}  // namespace
}  // namespace velaria
