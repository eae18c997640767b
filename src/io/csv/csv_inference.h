// The pass over a file that gathers evidence for the types of its columns.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "src/io/csv/csv_evidence.h"
#include "src/io/csv/csv_layout.h"

namespace velaria {

struct CsvEvidence {
  std::vector<TypeEvidence> columns;
  int64_t rows = 0;
  bool whole_file = true;  // every row was looked at
};

// Reads the whole file, in parallel, or with TypeErrorPolicy::kFail and a file over sample_bytes
// three parts of it. `wanted` says of which columns evidence is needed. The answer does not depend
// on the number of tasks. Throws FileFormatError for defects of what it reads: of several the
// first.
CsvEvidence gather_evidence(const CsvLayout& layout, const TextPass& pass,
                            const std::vector<bool>& wanted, const FileOpenContext& context);

}  // namespace velaria
