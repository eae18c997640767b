// A running stream: one producer thread pulls the source into a bounded queue, one control thread
// runs an epoch for each batch.
//
//   auto query = StreamingQuery::make(plan, std::make_shared<MemorySink>(), options, environment);
//   query->start();
//   query->await_termination();         // throws StreamError when the query failed
//   query->progress().rows_out;
//
// Per batch, exactly: pull, run, sink write and flush, progress, checkpoint recorded, marker to
// sink and source, ack(token) to the source. With checkpoint_async one checkpoint, marker and ack
// stand for all batches that ran while the one before was written. Any
// failure ends the query as failed; source and sink are closed exactly once. A query runs once.
#pragma once

#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "src/plan/logical_plan.h"
#include "stream/progress.h"
#include "stream/strategy.h"
#include "stream/stream_environment.h"
#include "stream/stream_options.h"
#include "stream/stream_sink.h"

namespace velaria {

enum class StreamStatus { kCreated, kRunning, kRestored, kBackpressure, kStopped, kFailed };
const char* stream_status_name(StreamStatus status);  // "created", "running", ...

// Thread-safe: any call from any thread.
class StreamingQuery {
 public:
  // Called every 20 ms by a thread that waits in a call; what it throws ends that call (not the
  // query) and reaches its caller. For Ctrl-C.
  using InterruptCheck = std::function<void()>;

  // `plan`: its only leaf is a StreamTableSource. Throws what make_stream_plan() and
  // check_stream_options() throw; opens nothing.
  static std::shared_ptr<StreamingQuery> make(PlanPtr plan, StreamSinkPtr sink,
                                              StreamOptions options, StreamEnvironment environment);
  // Stops at once and waits for the end. In a call of its own source, sink or listener it only
  // asks: the query ends by itself then, and frees its source and sink on a thread of its own.
  ~StreamingQuery();
  StreamingQuery(const StreamingQuery&) = delete;
  StreamingQuery& operator=(const StreamingQuery&) = delete;

  // Returns at once; the query works in the background. CheckpointError when the checkpoint is torn
  // or foreign: the query has failed then. StreamError when it was started before, and when another
  // query that has not ended reads its source or writes to its sink: it may be started later then.
  void start();

  // Waits until the query has ended and its listener has returned, at most `timeout_ms`. The
  // batches processed so far by this run; throws StreamError with the failure when the query
  // failed.
  uint64_t await_termination(std::optional<int64_t> timeout_ms = std::nullopt,
                             const InterruptCheck& interrupt = nullptr);

  // Ends the query and waits until it has ended; does nothing when it already has. `drain`: what
  // the source accepted and what is queued is processed first; else only the batch in work is given
  // up, without checkpoint and ack. From a call of the query's own source, sink or listener: asks,
  // does not wait.
  void stop(bool drain = false, const InterruptCheck& interrupt = nullptr);

  StreamingQueryProgress progress() const;
  // The newest kRecentBatches batches that are done, the oldest of them first.
  std::vector<BatchProgress> recent_progress() const;
  // What the source had to say (rows that it left out), at most kMostWarnings, and how often the
  // listener and the wake() of source and sink failed.
  std::vector<std::string> warnings() const;
  // Whether await_termination() would return at once.
  bool ended() const;
  std::string snapshotJson() const;  // progress() as one line of JSON
  StreamStatus status() const;
  const std::string& query_id() const;
  // The StreamError of a failed query, else null.
  std::exception_ptr exception() const;
  const StreamStrategy& strategy() const;
  const StreamPlan& plan() const;
  std::string explain() const;

 private:
  class Runtime;
  explicit StreamingQuery(std::shared_ptr<Runtime> runtime);
  const std::shared_ptr<Runtime> runtime_;
};

using StreamingQueryPtr = std::shared_ptr<StreamingQuery>;

}  // namespace velaria
