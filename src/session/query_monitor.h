// A handle to watch and to cancel one run of a frame, from any thread.
//
//   QueryMonitor monitor;
//   std::thread run([&] { result = frame.collect(&monitor); });
//   monitor.progress().rows_scanned;
//   monitor.cancel();                   // collect() throws CancelledError
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>

#include "src/base/cancellation.h"
#include "src/base/clock.h"
#include "src/plan/logical_plan.h"

namespace velaria {

class PhysicalPlan;

// A copy of one moment of a batch query. The names are a contract, listed once in
// visit_progress(); Python's dict and the JSON line read that list.
struct QueryProgress {
  std::string status;         // created, running, finished, failed, cancelled
  double elapsed_ms = 0;      // since the run began, until now or its end
  int64_t rows_scanned = 0;   // given out by tables and files so far
  int64_t rows_to_scan = -1;  // of all of them; -1: not known before they were read
  double fraction_done = -1;  // 0 to 1, by rows scanned; -1: not known
  int64_t rows_out = 0;       // of the result, once finished
  std::string last_error;     // empty unless failed
};

template <typename Visit>
void visit_progress(const QueryProgress& progress, Visit&& visit) {
#define VELARIA_PROGRESS_FIELD(name) visit(#name, progress.name)
  VELARIA_PROGRESS_FIELD(status);
  VELARIA_PROGRESS_FIELD(elapsed_ms);
  VELARIA_PROGRESS_FIELD(rows_scanned);
  VELARIA_PROGRESS_FIELD(rows_to_scan);
  VELARIA_PROGRESS_FIELD(fraction_done);
  VELARIA_PROGRESS_FIELD(rows_out);
  VELARIA_PROGRESS_FIELD(last_error);
#undef VELARIA_PROGRESS_FIELD
}

// Thread-safe. Outlives the run it was given to, and serves one run.
class QueryMonitor {
 public:
  QueryMonitor() = default;
  QueryMonitor(const QueryMonitor&) = delete;
  QueryMonitor& operator=(const QueryMonitor&) = delete;

  // The run throws CancelledError soon; one that has not begun, as soon as it begins.
  void cancel() { cancellation_.cancel(); }
  QueryProgress progress() const;
  // progress() as one JSON object on one line.
  std::string snapshotJson() const;

 private:
  friend class Engine;
  enum class Status { kCreated, kRunning, kFinished, kFailed, kCancelled };

  // The plan with sources that tell us of every chunk they give out. Nothing else in the kernel
  // knows of monitors.
  PlanPtr count_scans(const PlanPtr& plan);
  // How many rows that plan will scan.
  void expect_scans_of(const PhysicalPlan& plan);
  // Throws InvalidArgumentError when it has watched a run before.
  void begin(const Clock& clock);
  void end(Status status, int64_t rows_out, std::string error);

  CancellationToken cancellation_;
  std::atomic<int64_t> rows_scanned_{0};
  std::atomic<int64_t> rows_to_scan_{-1};
  mutable std::mutex mutex_;  // guards what follows
  Status status_ = Status::kCreated;
  const Clock* clock_ = nullptr;  // of the session; only while running
  int64_t begin_ns_ = 0;
  int64_t end_ns_ = 0;
  int64_t rows_out_ = 0;
  std::string error_;
};

}  // namespace velaria
