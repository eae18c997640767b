// What a person may say about a streaming query.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "stream/progress.h"

namespace velaria {

enum class DeliveryMode {
  kAtLeastOnce,  // nothing is restored: the source replays, state is rebuilt
  kBestEffort,   // offset and state are restored together when the source can
};
enum class ExecutionMode { kSingleProcess, kLocalWorkers };
// Of local-workers: whether they take over only when they are measured to be faster than this
// process, or from the first batch on whatever it costs.
enum class WorkerChoice { kMeasured, kAlways };

const char* delivery_mode_name(DeliveryMode mode);    // "at-least-once", "best-effort"
const char* execution_mode_name(ExecutionMode mode);  // "single-process", "local-workers"
const char* worker_choice_name(WorkerChoice choice);  // "measured", "always"

struct StreamOptions {
  int64_t trigger_interval_ms = 0;  // least time between the starts of two epochs
  std::string checkpoint_path;      // a file; empty: no checkpoint
  // Least time between two writes of the file. 0: every batch. In between there are no markers and
  // no acks: those of the next write stand for all batches before it. The last batch is always
  // written.
  int64_t checkpoint_interval_ms = 0;
  // Whether checkpoints are written while the next batches run; the next one then stands for all of
  // them. Off: each is on the disk, its marker and ack on their way, before the next batch begins,
  // so that without an interval a crash makes at most one batch come again.
  std::optional<bool> checkpoint_async;  // not said: with an interval
  DeliveryMode checkpoint_delivery_mode = DeliveryMode::kAtLeastOnce;
  ExecutionMode execution_mode = ExecutionMode::kSingleProcess;
  int64_t local_workers = 1;  // processes
  WorkerChoice worker_choice = WorkerChoice::kMeasured;
  int64_t max_inflight_batches = 16;       // batches that may wait in the queue
  int64_t max_inflight_partitions = 4096;  // the same in pieces of a default chunk's rows
  // The source is not asked from `high` queued batches on, and again when `low` are left.
  std::optional<int64_t> backpressure_high_watermark;  // not said: max_inflight_batches
  std::optional<int64_t> backpressure_low_watermark;   // not said: half of high
  std::optional<uint64_t> max_batches;  // the query stops by itself after exactly that many
  // Of a query that groups by time windows: which windows stay in its state, by the times in the
  // data (never by the wall clock). Windows are dropped between two batches; rows that come for a
  // dropped one are left out and counted in late_rows. Not said: all stay.
  std::optional<int64_t> max_retained_windows;  // the newest so many that have rows
  std::optional<int64_t> window_retention_ms;   // starting at most this long before the newest
  // Batches (and answers) of so many bytes go to workers through memory that both see; smaller
  // ones, and all without it, are copied through a socket.
  bool shared_memory_transport = true;
  int64_t shared_memory_min_payload_bytes = 65536;
  int64_t idle_wait_ms = 100;    // how long to wait before a blocked source is asked again
  std::string query_id;          // empty: made up
  ProgressListener on_progress;  // may be null

  bool writes_checkpoints_async() const {
    return checkpoint_async.value_or(checkpoint_interval_ms > 0);
  }
  int64_t high_watermark() const {
    return backpressure_high_watermark.value_or(max_inflight_batches);
  }
  int64_t low_watermark() const {
    return backpressure_low_watermark.value_or(high_watermark() / 2);
  }
};

// Throws InvalidArgumentError naming the option, the value and what is allowed.
void check_stream_options(const StreamOptions& options);

// From key/value texts, as in SQL's OPTIONS(...) and keyword arguments: the names of the fields.
// "" or "none" for an option without a value. Unknown names and values are refused with a
// suggestion.
StreamOptions stream_options_from_text(const std::map<std::string, std::string>& texts);

// Options that the environment variable VELARIA_STREAM_OPTIONS puts in place of what the program
// says, for trials and tests of a whole program: "execution_mode=local-workers,local_workers=2".
// Throws as stream_options_from_text(), naming the variable.
void apply_environment_options(StreamOptions* options);

// The names that stream_options_from_text() knows.
const std::vector<std::string>& stream_option_names();

}  // namespace velaria
