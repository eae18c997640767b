// Rows in order, in memory: the end of a query, or of a part that several pipelines read.
#pragma once

#include <memory>
#include <vector>

#include "src/exec/operator.h"

namespace velaria {

std::unique_ptr<SinkOperator> make_collect();
// The rows that other pipelines scan, each as often as it wants.
std::unique_ptr<SinkOperator> make_shared_rows();
// The chunks of make_collect(), in order and without selections.
std::vector<Chunk> take_collected(SinkState& state);

}  // namespace velaria
