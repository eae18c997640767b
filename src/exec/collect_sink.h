// The end of a query: its rows, in order, in memory.
#pragma once

#include <memory>
#include <vector>

#include "src/exec/operator.h"

namespace velaria {

std::unique_ptr<SinkOperator> make_collect();
// The collected chunks, in order and without selections.
std::vector<Chunk> take_collected(SinkState& state);

}  // namespace velaria
