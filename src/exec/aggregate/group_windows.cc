#include "src/exec/aggregate/group_windows.h"

#include <algorithm>
#include <iterator>
#include <limits>

namespace velaria {

namespace {

bool reads(const BoundExpression& expression, size_t column) {
  bool found = false;
  visit_columns(expression, [&](size_t read) { found = found || read == column; });
  return found;
}

bool only_key_reads(const AggregatePlan& plan, size_t key, size_t column) {
  for (size_t i = 0; i < plan.keys().size(); ++i) {
    if (i != key && reads(*plan.keys()[i], column)) return false;
  }
  for (const BoundAggregate& aggregate : plan.aggregates()) {
    for (const auto& argument : aggregate.arguments) {
      if (reads(*argument, column)) return false;
    }
    for (const BoundSortKey& sort_key : aggregate.order_by) {
      if (reads(*sort_key.expression, column)) return false;
    }
    if (aggregate.filter && reads(*aggregate.filter, column)) return false;
  }
  return true;
}

// Follows a column of `plan` down to the window that makes it.
std::optional<GroupWindows> follow(const LogicalPlan& plan, size_t column, bool allows_panes) {
  switch (plan.kind()) {
    case PlanKind::kTimeWindow: {
      if (column + 1 != plan.schema().size()) {
        return follow(*plan.child(), column, false);
      }
      const TimeWindow& window = static_cast<const TimeWindowPlan&>(plan).window();
      const int64_t units = units_per_second(plan.schema().field(column).type.unit());
      GroupWindows out;
      out.width = static_cast<int64_t>(static_cast<Int128>(window.width_ms) * units / 1000);
      out.slide = static_cast<int64_t>(static_cast<Int128>(window.slide_ms) * units / 1000);
      out.window = &plan;
      out.allows_panes = allows_panes && out.slide < out.width;
      return out;
    }
    case PlanKind::kFilter: {
      const auto& condition = *static_cast<const FilterPlan&>(plan).condition();
      return follow(*plan.child(), column, allows_panes && !reads(condition, column));
    }
    case PlanKind::kProject: {
      const auto& expressions = static_cast<const ProjectPlan&>(plan).expressions();
      if (expressions[column]->kind != BoundKind::kColumn) return std::nullopt;
      const size_t below = expressions[column]->column;
      for (size_t i = 0; i < expressions.size(); ++i) {
        if (i != column && reads(*expressions[i], below)) allows_panes = false;
      }
      return follow(*plan.child(), below, allows_panes);
    }
    case PlanKind::kJoin: {
      const auto& join = static_cast<const JoinPlan&>(plan);
      if (!gives_left_columns(join.type()) || column >= join.left()->schema().size()) {
        return std::nullopt;
      }
      return follow(*join.left(), column, false);
    }
    default: return std::nullopt;
  }
}

// The latest start at or before a pane.
int64_t latest_start(const GroupWindows& windows, int64_t pane) {
  int64_t rest = pane % windows.slide;
  if (rest < 0) rest += windows.slide;
  return pane - rest;
}

}  // namespace

std::optional<GroupWindows> find_group_windows(const AggregatePlan& plan) {
  for (size_t key = 0; key < plan.keys().size(); ++key) {
    if (plan.keys()[key]->kind != BoundKind::kColumn) continue;
    const size_t column = plan.keys()[key]->column;
    auto found = follow(*plan.child(), column, only_key_reads(plan, key, column));
    if (!found) continue;
    found->key = key;
    return found;
  }
  return std::nullopt;
}

void append_windows_of_pane(const GroupWindows& windows, int64_t pane,
                            std::optional<int64_t> horizon, std::vector<int64_t>* starts) {
  const auto first = static_cast<std::ptrdiff_t>(starts->size());
  int64_t start = latest_start(windows, pane);
  // Covered while pane < start + width, written so that nothing overflows.
  while (pane - start < windows.width) {
    if (horizon && start < *horizon) break;
    starts->push_back(start);
    if (__builtin_sub_overflow(start, windows.slide, &start)) break;
  }
  std::reverse(starts->begin() + first, starts->end());
}

int64_t windows_before(const GroupWindows& windows, int64_t pane, int64_t horizon) {
  std::vector<int64_t> all;
  append_windows_of_pane(windows, pane, std::nullopt, &all);
  return std::lower_bound(all.begin(), all.end(), horizon) - all.begin();
}

RetainedWindows::RetainedWindows(const WindowRetention& retention, int64_t units_per_second)
    : most_windows_(retention.most_windows) {
  if (!retention.time_ms) return;
  const Int128 time = static_cast<Int128>(*retention.time_ms) * units_per_second / 1000;
  time_ = static_cast<int64_t>(
      std::min<Int128>(time, static_cast<Int128>(std::numeric_limits<int64_t>::max())));
}

void RetainedWindows::advance() {
  if (groups_.empty()) return;
  const auto raise = [this](int64_t to) { horizon_ = std::max(horizon_.value_or(to), to); };
  if (most_windows_ && groups_.size() > static_cast<size_t>(*most_windows_)) {
    auto oldest = groups_.end();
    std::advance(oldest, -*most_windows_);
    raise(oldest->first);
  }
  int64_t from = 0;
  if (time_ && !__builtin_sub_overflow(groups_.rbegin()->first, *time_, &from)) raise(from);
  while (horizon_ && !groups_.empty() && groups_.begin()->first < *horizon_) {
    dropped_groups_ += groups_.begin()->second;
    groups_.erase(groups_.begin());
  }
}

}  // namespace velaria
