// One pass over a CSV file; the TableScan behind CsvSource::scan().
#pragma once

#include <memory>

#include "src/io/csv/csv_decode.h"
#include "src/io/csv/csv_layout.h"
#include "src/plan/scan_filter.h"
#include "src/plan/table_source.h"

namespace velaria {

// `filter` (may be null) is used where nothing but its own columns could have a value that does not
// fit, so that it never hides one. Opens the file; throws as csv_source.h says.
std::unique_ptr<TableScan> make_csv_scan(std::shared_ptr<const CsvLayout> layout,
                                         const ScanRequest& request, ScanFilterPtr filter);

}  // namespace velaria
