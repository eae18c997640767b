// Groups that lie in time windows: which key is the window, how overlapping windows are computed
// from panes, and which windows a stream keeps.
//
// A pane is a stretch of time that no window's start or end lies in: all its rows are in the same
// windows. With 60 s windows each second, a row is put into one pane, and the group of a pane is
// added to 60 windows, instead of each row. Source of the idea: J. Li, D. Maier, K. Tufte,
// V. Papadimos, P. A. Tucker, "No Pane, No Gain", SIGMOD Record 34(1), 2005.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "src/plan/logical_plan.h"

namespace velaria {

// Of an aggregate above a time window. Times are in the unit of the key's type.
struct GroupWindows {
  size_t key = 0;  // which key of the aggregate is the window's start
  int64_t width = 0;
  int64_t slide = 0;
  const LogicalPlan* window = nullptr;  // the TimeWindowPlan
  // Nothing but the key reads the window's start, so that panes may stand in for it.
  bool allows_panes = false;
};
// Nothing when no key is the start of a window.
std::optional<GroupWindows> find_group_windows(const AggregatePlan& plan);

// The starts of the windows that cover a pane, earliest first, behind what is in `starts`. Those
// before `horizon` are left out.
void append_windows_of_pane(const GroupWindows& windows, int64_t pane,
                            std::optional<int64_t> horizon, std::vector<int64_t>* starts);
// How many of them are before `horizon`.
int64_t windows_before(const GroupWindows& windows, int64_t pane, int64_t horizon);

// Which windows a stream keeps; without a limit, all.
struct WindowRetention {
  std::optional<int64_t> most_windows;  // the newest so many that have rows
  std::optional<int64_t> time_ms;       // those that start at most this long before the newest one
  bool limited() const { return most_windows || time_ms; }
};

// The windows in a stream's state. One thread at a time.
class RetainedWindows {
 public:
  RetainedWindows(const WindowRetention& retention, int64_t units_per_second);

  // A group of the window that starts there is in the state.
  void add(int64_t start) { ++groups_[start]; }
  // Moves the horizon to where the retention says; it never goes back.
  void advance();
  // Windows before it are dropped: no row counts in them any more. Nothing: none is.
  std::optional<int64_t> horizon() const { return horizon_; }
  // How many of the groups that were added lie before the horizon.
  int64_t dropped_groups() const { return dropped_groups_; }
  // The groups before the horizon have left the state.
  void forget_dropped() { dropped_groups_ = 0; }

 private:
  std::optional<int64_t> most_windows_;
  std::optional<int64_t> time_;
  std::map<int64_t, int64_t> groups_;  // by start
  std::optional<int64_t> horizon_;
  int64_t dropped_groups_ = 0;
};

}  // namespace velaria
