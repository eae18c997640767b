#include "stream/conformance/rule_runner.h"

#include <algorithm>
#include <chrono>
#include <future>
#include <memory>
#include <thread>

#include "src/kernel/take.h"

namespace velaria {

bool ConformanceReport::ok() const {
  return std::all_of(rules.begin(), rules.end(),
                     [](const Rule& rule) { return rule.broken.empty(); });
}

bool ConformanceReport::has(const std::string& name) const {
  return std::any_of(rules.begin(), rules.end(),
                     [&](const Rule& rule) { return rule.name == name && rule.broken.empty(); });
}

std::string ConformanceReport::to_string() const {
  std::string out;
  for (const Rule& rule : rules) {
    out += rule.broken.empty() ? concat("ok: ", rule.name, "\n")
                               : concat("broken: ", rule.name, ": ", rule.broken, "\n");
  }
  return out;
}

std::vector<std::string> row_texts(const std::vector<Chunk>& chunks) {
  std::vector<std::string> out;
  for (const Chunk& given : chunks) {
    const Chunk chunk = compact(given);
    for (int64_t row = 0; row < chunk.rows; ++row) {
      std::string text;
      for (size_t c = 0; c < chunk.columns.size(); ++c) {
        if (c > 0) text += "|";
        text += chunk.columns[c]->value(row).to_string();
      }
      out.push_back(std::move(text));
    }
  }
  return out;
}

void RuleRunner::check(const std::string& name, std::function<void()> body) {
  if (hangs_) return;
  const auto task = std::make_shared<std::packaged_task<void()>>(std::move(body));
  std::future<void> done = task->get_future();
  std::thread thread([task] { (*task)(); });
  if (done.wait_for(std::chrono::milliseconds(timeout_ms_)) != std::future_status::ready) {
    thread.detach();
    hangs_ = true;
    report_.rules.push_back(
        {name, concat("a call has not come back within ", timeout_ms_, " ms of the rule")});
    return;
  }
  thread.join();
  try {
    done.get();
    report_.rules.push_back({name, ""});
  } catch (const Error& error) {
    report_.rules.push_back({name, error.message()});
  } catch (...) {
    report_.rules.push_back({name, describe_exception(std::current_exception())});
  }
}

void RuleRunner::add(const ConformanceReport& report) {
  report_.rules.insert(report_.rules.end(), report.rules.begin(), report.rules.end());
}

StreamContext conformance_context(int64_t idle_wait_ms) {
  StreamContext context;
  context.query_id = "conformance";
  context.execution_mode = "single-process";
  context.transport_mode = "inproc";
  context.checkpoint_delivery_mode = "at-least-once";
  context.idle_wait_ms = idle_wait_ms;
  context.max_inflight_batches = 16;
  context.max_inflight_partitions = 4096;
  context.backpressure_high_watermark = 16;
  context.backpressure_low_watermark = 8;
  return context;
}

void require_rows(const std::string& what, const std::vector<std::string>& expected,
                  const std::vector<std::string>& found, bool prefix) {
  const size_t both = std::min(expected.size(), found.size());
  for (size_t i = 0; i < both; ++i) {
    if (expected[i] == found[i]) continue;
    break_rule(concat(what, ": row ", i, " is '", found[i], "', '", expected[i], "' was expected"));
  }
  if (prefix || expected.size() == found.size()) return;
  break_rule(concat(what, ": ", found.size(), " rows, ", expected.size(), " were expected"));
}

}  // namespace velaria
