// One pass over a CSV file; the TableScan behind CsvSource::scan().
#pragma once

#include <memory>

#include "src/io/csv/csv_decode.h"
#include "src/io/csv/csv_layout.h"
#include "src/plan/table_source.h"

namespace velaria {

// Opens the file; throws as csv_source.h says.
std::unique_ptr<TableScan> make_csv_scan(std::shared_ptr<const CsvLayout> layout,
                                         const ScanRequest& request);

}  // namespace velaria
