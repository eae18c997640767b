// What a run did, in numbers: for EXPLAIN ANALYZE. Collected per task and added up when a task
// ends, and only when somebody asks.
#pragma once

#include <cstdint>
#include <vector>

namespace velaria {

// Chunks that passed one stage of a pipeline.
struct StageProfile {
  int64_t rows = 0;
  int64_t chunks = 0;
  int64_t bytes = 0;    // an estimate: shared buffers count by their share
  int64_t time_ns = 0;  // the stage's own work, added up over tasks

  void add(const StageProfile& other) {
    rows += other.rows;
    chunks += other.chunks;
    bytes += other.bytes;
    time_ns += other.time_ns;
  }
};

struct PipelineInputProfile {
  size_t tasks = 0;  // 0: it did not run, because the sink had enough
  // What came out of the scan, then of each transform; last, what went into the sink.
  std::vector<StageProfile> stages;
  // Of each transform: bytes of its input and output that it wrote to disk.
  std::vector<uint64_t> spilled_bytes;

  // Adds stages [first, first + n) that ran by themselves.
  void add_stages(size_t first, const PipelineInputProfile& part) {
    if (stages.size() < first + part.stages.size()) stages.resize(first + part.stages.size());
    for (size_t i = 0; i < part.stages.size(); ++i) stages[first + i].add(part.stages[i]);
  }
};

struct PipelineProfile {
  std::vector<PipelineInputProfile> inputs;
  int64_t wall_ns = 0;         // from its begin to the end of the sink's finish
  int64_t finish_ns = 0;       // of the sink, after all rows
  uint64_t peak_bytes = 0;     // most memory that the sink held
  uint64_t spilled_bytes = 0;  // that it wrote to disk
};

struct ExecutionProfile {
  std::vector<PipelineProfile> pipelines;
};

}  // namespace velaria
