// SELECT trees -> logical plans: names resolved, types known, aggregates taken apart.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "src/plan/logical_plan.h"
#include "src/plan/table_resolver.h"
#include "src/sql/ast.h"

namespace velaria::sql {

// `text` is the SQL the statement was parsed from, for the places in errors. Throws
// SqlSemanticError, SqlUnsupportedError, CatalogError, TableKindError, TypeMismatchError.
// `statement_time_us` is what now() means, microseconds since 1970 UTC; without it now() is
// refused.
PlanPtr bind_select(const SelectStatement& statement, const TableResolver& resolver,
                    std::string_view text, std::optional<int64_t> statement_time_us = std::nullopt);

}  // namespace velaria::sql
