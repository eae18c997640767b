// Reading finished chunks of a sink, cut to the wanted size.
#pragma once

#include <memory>
#include <vector>

#include "src/plan/table_source.h"

namespace velaria {

// `chunks` (without selections, in output order) outlives the scan.
std::unique_ptr<TableScan> scan_chunks(const std::vector<Chunk>& chunks,
                                       const ScanRequest& request);

}  // namespace velaria
