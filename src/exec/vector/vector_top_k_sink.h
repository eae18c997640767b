// The rows nearest to a query vector, as a sink: the distances are computed by the float32 kernels
// of src/similarity and settled in double precision, so the result is that of ORDER BY the distance
// and LIMIT, for any number of tasks.
#pragma once

#include <memory>
#include <vector>

#include "src/exec/operator.h"
#include "src/plan/logical_plan.h"

namespace velaria {

// `types`: of the input's columns. The result has them and the score behind them.
std::unique_ptr<SinkOperator> make_vector_top_k(VectorTopK top, std::vector<DataType> types);

}  // namespace velaria
