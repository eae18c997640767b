// Rows as an aligned text table, for terminals.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "src/column/chunk.h"
#include "src/column/schema.h"

namespace velaria {

// Whether the rows given to format_table() are all that there are.
enum class TableRows { kAll, kPerhapsMore };

// A header with names and types, at most `most_rows` rows, and a last line that says how many rows
// there are or that there are more. Numbers are right-aligned, long values are cut with "...".
std::string format_table(const Schema& schema, const std::vector<Chunk>& chunks, int64_t most_rows,
                         TableRows rows = TableRows::kPerhapsMore);

}  // namespace velaria
