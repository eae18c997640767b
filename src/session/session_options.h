// What a session may use.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace velaria {

struct SessionOptions {
  size_t threads = 0;               // 0: one per core the process may use
  uint64_t memory_limit_bytes = 0;  // 0: no limit
  // Where ORDER BY, GROUP BY and JOIN put rows that do not fit into memory_limit_bytes, in files
  // without names; empty: TMPDIR, or /tmp. What must be in memory whole (a result, a window
  // function's rows, a table) and does not fit fails by name.
  std::string temp_dir;
  // They do so from this size on though memory is left; 0: never. For tests.
  uint64_t spill_after_bytes = 0;
  // When given, files outside of these folders (or files) cannot be opened or written.
  std::optional<std::vector<std::string>> allowed_paths;
  int64_t chunk_rows = 2048;  // 1 to 4096; small values are for tests
  bool optimizer = true;      // false: plans run as they are written, for tests
  // All hashes of GROUP BY, DISTINCT and JOIN are the same, so that every row meets every other one
  // in their tables; for tests of what must not depend on hashes.
  bool equal_hashes = false;
  // Called about every 20 ms by the thread that waits for a query; throwing cancels the query.
  std::function<void()> interrupt_check;
};

}  // namespace velaria
