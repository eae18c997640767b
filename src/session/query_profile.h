// Where a query's time went: EXPLAIN ANALYZE.
//
//   QueryProfile profile = frame.analyze();     // runs the query, throws the rows away
//   std::cout << profile.to_text();
//
// Plain values.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace velaria {

class PhysicalPlan;
struct ExecutionProfile;

// A node of the plan that ran, with what it cost by itself, without the nodes below it.
struct OperatorProfile {
  std::string name;                // as explain shows it: "Filter distance > 500"
  int64_t rows = 0;                // given out
  int64_t chunks = 0;              // given out
  int64_t bytes = 0;               // given out; an estimate, shared buffers count by their share
  double time_ms = 0;              // added up over tasks
  uint64_t peak_memory_bytes = 0;  // held by sort, aggregate, join table, result; 0: holds nothing
  uint64_t spilled_bytes = 0;      // written to disk, as they did not fit into memory
  size_t tasks = 0;                // most that worked at the same time
  std::vector<OperatorProfile> children;
};

// Pipelines run one after the other; their wall times add up to the query's.
struct PipelineTiming {
  std::string description;  // "scan flights -> filter -> aggregate"
  double wall_ms = 0;
  size_t tasks = 0;
};

struct QueryProfile {
  double planning_ms = 0;          // snapshots, optimizer, physical plan
  double execution_ms = 0;         // wall time
  int64_t rows = 0;                // of the result
  size_t threads = 0;              // of the session
  uint64_t peak_memory_bytes = 0;  // of all operators at once, at most
  OperatorProfile root;            // "Result": collects the rows
  std::vector<PipelineTiming> pipelines;

  // A tree with a line for each operator, then the pipelines; for terminals.
  std::string to_text() const;
};

// Puts the parts together after a run.
QueryProfile make_query_profile(const PhysicalPlan& plan, const ExecutionProfile& execution);

}  // namespace velaria
