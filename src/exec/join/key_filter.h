// A join's keys, tested at the start of the pipeline that will look them up: rows that cannot match
// never reach the joins in between. Also known as sideways information passing or a dynamic filter.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "src/exec/join/join_spec.h"
#include "src/exec/operator.h"

namespace velaria {

// For each key of the join its column at the start of the left child's pipeline; nothing when a key
// is computed on the way, when rows without a match matter, or when no other join lies in between,
// so that the join itself is as early as a filter would be.
std::optional<std::vector<size_t>> key_filter_columns(const JoinPlan& plan);

// Drops rows whose `columns` surely are no keys of the table of `build_pipeline`. A task whose
// first rows nearly all pass stops asking.
std::unique_ptr<TransformOperator> make_key_filter(std::vector<size_t> columns,
                                                   size_t build_pipeline);

}  // namespace velaria
