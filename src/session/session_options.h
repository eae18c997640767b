// What a session may use.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

struct ArrowArrayStream;

namespace velaria {

// Writes rows in a format that the kernel has no writer for ("arrow", "parquet"). `rows` is the
// writer's to release; `write` takes the bytes of the file in order. What it throws ends the
// statement, and the file stays as it was.
using FormatWriter =
    std::function<void(const std::string& format, const std::map<std::string, std::string>& options,
                       ArrowArrayStream* rows, const std::function<void(std::string_view)>& write)>;

struct SessionOptions {
  size_t threads = 0;               // 0: one per core the process may use; at most 1024
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
  FormatWriter format_writer;  // empty: COPY TO and DataFrame::write refuse those formats
  // Takes the text of console sinks, on the threads of their queries; empty: standard output.
  std::function<void(std::string_view text)> console_writer;
  // Called about every 20 ms by the thread that waits for a query; throwing cancels the query.
  std::function<void()> interrupt_check;
};

}  // namespace velaria
