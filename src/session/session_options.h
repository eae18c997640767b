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
  // For what does not fit into memory; empty: the system's. Nothing spills in this version: a query
  // over the limit fails by name.
  std::string temp_dir;
  // When given, files outside of these folders (or files) cannot be opened or written.
  std::optional<std::vector<std::string>> allowed_paths;
  int64_t chunk_rows = 2048;  // 1 to 4096; small values are for tests
  bool optimizer = true;      // false: plans run as they are written, for tests
  // Called about every 20 ms by the thread that waits for a query; throwing cancels the query.
  std::function<void()> interrupt_check;
};

}  // namespace velaria
