// The left side of a join: looks rows up in the table that an earlier pipeline built.
#pragma once

#include <memory>

#include "src/exec/join/join_spec.h"
#include "src/exec/operator.h"

namespace velaria {

// `build_pipeline`: the number of the pipeline that ended in make_join_build(spec). For kRightSemi
// and kRightAnti nothing comes out: matches are marked in that pipeline's state.
std::unique_ptr<TransformOperator> make_join_probe(std::shared_ptr<const JoinSpec> spec,
                                                   size_t build_pipeline);

}  // namespace velaria
