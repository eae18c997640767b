// Rows of a pipeline that are taken out in order while it still runs.
#pragma once

#include <memory>

#include "src/exec/operator.h"

namespace velaria {

// Keeps chunks until they are taken; the budget counts them. result() is empty.
std::unique_ptr<SinkOperator> make_ordered_rows();

// The next chunk in order, without a selection, when no task can still give one before it. False:
// there is none yet; when all tasks have ended, there is none any more. Any thread, `state` is of
// the sink above.
bool take_next_in_order(SinkState& state, Chunk* chunk);

}  // namespace velaria
