// A join whose build side does not fit into memory (a grace hash join, after M. Kitsuregawa,
// H. Tanaka, T. Moto-oka, "Application of Hash to Data Base Machine and Its Architecture", 1983).
//
// The rows of both sides are dealt to parts on disk by the hash of their keys; part by part, the
// right rows get a table and the left rows look into it. Rows carry their positions, and what the
// parts give is merged by position, so that nothing shows in the answer.
#pragma once

#include <memory>
#include <vector>

#include "src/exec/join/join_spec.h"
#include "src/exec/operator.h"
#include "src/exec/spill/partitioned_rows.h"

namespace velaria {

class JoinBuildState;

// The build side on disk.
struct SpilledBuild {
  SpilledBuild(std::shared_ptr<SpillSpace> space, std::vector<DataType> types)
      : rows(std::move(space), "the right rows of JOIN", std::move(types)) {}

  PartitionedRows rows;
  // By part: 1 for a row that found a match so far. Empty until somebody looks.
  std::vector<std::vector<uint8_t>> matched = std::vector<std::vector<uint8_t>>(kSpillPartitions);
};

// Takes the left rows of one input of the probing pipeline; what comes out are the join's rows.
// `build` outlives the sink.
std::unique_ptr<SinkOperator> make_spilled_probe(std::shared_ptr<const JoinSpec> spec,
                                                 JoinBuildState& build);

}  // namespace velaria
