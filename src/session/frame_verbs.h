// Frame verbs as SQL over one input, so that verbs and SQL always make the same plan. Batch and
// streaming frames share them. `functions`: those of the session, beside the built-in ones.
#pragma once

#include <string>
#include <vector>

#include "src/expr/user_function.h"
#include "src/plan/logical_plan.h"

namespace velaria {

// A name in double quotes, as SQL takes it whatever its characters are.
std::string quote_name(const std::string& name);

PlanPtr select_items(const PlanPtr& input, const std::vector<std::string>& items,
                     const UserFunctions* functions = nullptr);
PlanPtr filter_rows(const PlanPtr& input, const std::string& condition,
                    const UserFunctions* functions = nullptr);
PlanPtr add_column(const PlanPtr& input, const std::string& name, const std::string& expression,
                   const UserFunctions* functions = nullptr);
PlanPtr drop_columns(const PlanPtr& input, const std::vector<std::string>& columns);
PlanPtr order_rows(const PlanPtr& input, const std::vector<std::string>& keys,
                   const UserFunctions* functions = nullptr);
PlanPtr limit_rows(const PlanPtr& input, int64_t rows, int64_t offset);
PlanPtr distinct_rows(const PlanPtr& input);
PlanPtr window_rows(const PlanPtr& input, const std::string& time_column, int64_t window_ms,
                    const std::string& output_column, int64_t slide_ms);
PlanPtr aggregate_rows(const PlanPtr& input, const std::vector<std::string>& keys,
                       const std::vector<std::string>& aggregates,
                       const UserFunctions* functions = nullptr);

// Two frames. `how`: inner, left, right, full, semi, anti, cross. `columns` are of both sides and
// come out once, as with USING; or `condition` is SQL over l (this frame) and r (the other one).
PlanPtr join_frames(const PlanPtr& left, const PlanPtr& right, const std::string& how,
                    const std::vector<std::string>& columns, const std::string& condition,
                    const UserFunctions* functions = nullptr);
// "UNION ALL", "UNION", "INTERSECT", "EXCEPT": columns by position.
PlanPtr combine_frames(const PlanPtr& left, const PlanPtr& right, const std::string& operation);
// Old name, new name.
PlanPtr rename_columns(const PlanPtr& input,
                       const std::vector<std::pair<std::string, std::string>>& names);

}  // namespace velaria
