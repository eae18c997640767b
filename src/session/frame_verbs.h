// Frame verbs as SQL over one input, so that verbs and SQL always make the same plan. Batch and
// streaming frames share them.
#pragma once

#include <string>
#include <vector>

#include "src/plan/logical_plan.h"

namespace velaria {

PlanPtr select_items(const PlanPtr& input, const std::vector<std::string>& items);
PlanPtr filter_rows(const PlanPtr& input, const std::string& condition);
PlanPtr add_column(const PlanPtr& input, const std::string& name, const std::string& expression);
PlanPtr drop_columns(const PlanPtr& input, const std::vector<std::string>& columns);
PlanPtr order_rows(const PlanPtr& input, const std::vector<std::string>& keys);
PlanPtr limit_rows(const PlanPtr& input, int64_t rows, int64_t offset);
PlanPtr distinct_rows(const PlanPtr& input);
PlanPtr window_rows(const PlanPtr& input, const std::string& time_column, int64_t window_ms,
                    const std::string& output_column, int64_t slide_ms);
PlanPtr aggregate_rows(const PlanPtr& input, const std::vector<std::string>& keys,
                       const std::vector<std::string>& aggregates);

}  // namespace velaria
