// A join's keys, tested at the start of the pipeline that will look them up: rows that cannot match
// never reach the joins in between. Also known as sideways information passing or a dynamic filter.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "src/exec/join/join_spec.h"
#include "src/exec/operator.h"

namespace velaria {

// Where the filter stands: on the rows of `node`, below the join's left child.
struct KeyFilterPlace {
  const LogicalPlan* node = nullptr;
  std::vector<size_t> columns;  // of the node, one for each key of the join
};

// As deep as the keys are known: below other joins, and below aggregates that group by them, whose
// other groups nobody asks for. Nothing when a key is computed on the way, when rows without a
// match matter, or when only filters and projections lie in between, so that the join itself is as
// early. Cheap filters stay below.
std::optional<KeyFilterPlace> find_key_filter_place(const JoinPlan& plan);

// Drops rows whose `columns` surely are no keys of the table of `build_pipeline`. A task whose
// first rows nearly all pass stops asking.
std::unique_ptr<TransformOperator> make_key_filter(std::vector<size_t> columns,
                                                   size_t build_pipeline);

}  // namespace velaria
