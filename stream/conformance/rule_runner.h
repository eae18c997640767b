// Runs the rules of the kit one by one and writes down what holds. Internal to this room.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>

#include "src/base/error.h"
#include "src/base/text.h"
#include "stream/conformance/stream_conformance.h"

namespace velaria {

// A rule does not hold; the text says what was seen.
[[noreturn]] inline void break_rule(const std::string& what) {
  throw Error(ErrorKind::kStream, what);
}

class RuleRunner {
 public:
  explicit RuleRunner(int64_t timeout_ms) : timeout_ms_(timeout_ms) {}

  // `body` throws when the rule does not hold; it may outlive the call, so it owns what it needs.
  void check(const std::string& name, std::function<void()> body);
  // Rules that another report has.
  void add(const ConformanceReport& report);
  bool ok() const { return report_.ok(); }
  ConformanceReport take() { return std::move(report_); }

 private:
  const int64_t timeout_ms_;
  bool hangs_ = false;
  ConformanceReport report_;
};

// What a query tells a source or sink that is driven by hand.
StreamContext conformance_context(int64_t idle_wait_ms);

// Throws at the first row that is not the expected one. `prefix`: the shorter one counts.
void require_rows(const std::string& what, const std::vector<std::string>& expected,
                  const std::vector<std::string>& found, bool prefix = false);

}  // namespace velaria
