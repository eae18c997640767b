// The ways a query may be run, none of which may show in its answer.
#pragma once

#include <string>
#include <vector>

#include "src/session/session_options.h"

namespace velaria {

struct SessionConfig {
  std::string name;
  SessionOptions options;
};

inline std::vector<SessionConfig> session_configs() {
  const auto make = [](const char* name, size_t threads, int64_t chunk_rows, bool optimizer) {
    SessionConfig config;
    config.name = name;
    config.options.threads = threads;
    config.options.chunk_rows = chunk_rows;
    config.options.optimizer = optimizer;
    return config;
  };
  constexpr int64_t kUsual = 2048;
  // ORDER BY, GROUP BY and JOIN put aside whatever they hold.
  const auto on_disk = [](SessionConfig config, uint64_t spill_after_bytes) {
    config.options.spill_after_bytes = spill_after_bytes;
    return config;
  };
  const auto equal_hashes = [](SessionConfig config) {
    config.options.equal_hashes = true;
    return config;
  };
  return {
      make("1_thread", 1, kUsual, true),
      make("all_threads", 0, kUsual, true),
      make("chunk_3", 1, 3, true),
      make("chunk_3_2_threads", 2, 3, true),
      make("chunk_1_4_threads", 4, 1, true),
      make("optimizer_off", 1, kUsual, false),
      make("optimizer_off_chunk_3_2_threads", 2, 3, false),
      equal_hashes(make("equal_hashes", 1, kUsual, true)),
      equal_hashes(make("equal_hashes_chunk_3_2_threads", 2, 3, true)),
      on_disk(make("tiny_memory", 1, kUsual, true), 1),
      on_disk(make("tiny_memory_chunk_3_2_threads", 2, 3, true), 200),
  };
}

}  // namespace velaria
