// The build side of a join: a sink that collects the right child and makes the table of its keys,
// and, for joins that give them out, a source of right rows by whether they found a match.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "src/exec/join/join_spec.h"
#include "src/exec/join/join_table.h"
#include "src/exec/join/spilled_join.h"
#include "src/exec/operator.h"
#include "src/exec/spill/spill_space.h"

namespace velaria {

constexpr char kJoinMemory[] = "the hash table of JOIN";

class JoinBuildState : public SinkState {
 public:
  explicit JoinBuildState(const ExecutionContext& context)
      : chunk_rows(std::min(context.chunk_rows, kMostChunkRows)),
        spill(spill_space(context)),
        reservation(context.budget, kJoinMemory) {}

  // After finish(): the right side's columns whole and flat (null: nobody reads it) ...
  int64_t rows = 0;
  bool has_rows = false;  // this part of the build side, or another one
  std::vector<ColumnPtr> columns;
  std::unique_ptr<JoinTable> table;
  bool has_null_key = false;  // null-aware joins only
  // ... and what the probing tasks found: 1 for a row with a match. Null where nobody asks.
  std::unique_ptr<std::atomic<uint8_t>[]> matched;

  const int64_t chunk_rows;  // of the chunks that the join gives out

  // While rows come in: the stored columns, then keys that are not columns.
  struct Part {
    uint64_t order = 0;
    int64_t rows = 0;
    uint64_t bytes = 0;
    std::vector<ColumnPtr> columns;
  };
  const std::shared_ptr<SpillSpace> spill;
  SharedReservation reservation;
  std::mutex mutex;
  std::vector<Part> parts;

  // Not null: the rows are on disk, and there is no table.
  std::unique_ptr<SpilledBuild> spilled;
  // Then: the table of one part, with all that a probe reads.
  std::function<std::unique_ptr<JoinBuildState>(size_t part, const ExecutionContext& context)>
      load_part;
};

// The columns of its result() are the join's output: NULLs for the left side's, then the right
// side's; rows with a match for kRightSemi, else those without.
std::unique_ptr<SinkOperator> make_join_build(std::shared_ptr<const JoinSpec> spec);

// Takes rows and drops them: the end of a pipeline that only marks matches.
std::unique_ptr<SinkOperator> make_discard();

}  // namespace velaria
