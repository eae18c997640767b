// What a source and a sink are told about the query they serve. Plain values.
#pragma once

#include <cstdint>
#include <string>

namespace velaria {

// Given at open(), and as things were then: a query that measures whether workers pay may change
// to another mode later, as its progress tells.
struct StreamContext {
  std::string query_id;
  std::string execution_mode;            // what runs: "single-process" or "local-workers"
  std::string transport_mode;            // "inproc", "shared-memory" or "rpc-copy"
  std::string checkpoint_delivery_mode;  // "at-least-once" or "best-effort"
  std::string checkpoint_path;           // empty: no checkpoint file
  bool restored = false;                 // goes on from a checkpoint, so earlier rows are written
  bool source_hears = false;             // the source is told which batches are done
  int64_t trigger_interval_ms = 0;
  int64_t idle_wait_ms = 100;  // how long next() may wait for data
  int64_t max_inflight_batches = 0;
  int64_t max_inflight_partitions = 0;
  int64_t backpressure_high_watermark = 0;
  int64_t backpressure_low_watermark = 0;
};

// How far a query is: everything up to `source_offset` is in the sink, and in the checkpoint file
// when there is one.
struct CheckpointMarker {
  std::string query_id;
  std::string source_offset;       // of the last batch that is done; also the token of ack()
  uint64_t batches_processed = 0;  // since the query was first started, restarts included
};

}  // namespace velaria
