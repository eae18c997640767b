// The rows of a file that on_error = skip leaves out. They are found when the file is opened, by a
// pass over all columns, so that which rows a table has never depends on the columns that a query
// asks for.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "src/io/csv/csv_layout.h"
#include "src/io/rejects.h"

namespace velaria {

// Throws CancelledError and what reading throws. The answer does not depend on the number of tasks.
RejectedRows find_csv_rejects(const CsvLayout& layout, const TextPass& pass,
                              const FileOpenContext& context);

}  // namespace velaria
