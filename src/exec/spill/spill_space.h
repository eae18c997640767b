// Where operators put rows that do not fit into memory, and how much they have put there.
// One per sink, so that a profile can tell who wrote. Thread-safe.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "src/exec/operator.h"

namespace velaria {

class SpillSpace {
 public:
  // `folder` empty: the system's place for temporary files. `spill_after_bytes`: operators put
  // rows aside as soon as they hold more than this; 0: only when the memory budget refuses more.
  explicit SpillSpace(std::string folder = "", uint64_t spill_after_bytes = 0)
      : folder_(std::move(folder)), spill_after_bytes_(spill_after_bytes) {}

  const std::string& folder() const { return folder_; }
  uint64_t spill_after_bytes() const { return spill_after_bytes_; }
  bool is_too_much(uint64_t held_bytes) const {
    return spill_after_bytes_ != 0 && held_bytes > spill_after_bytes_;
  }

  void note_written(uint64_t bytes) { written_bytes_.fetch_add(bytes, std::memory_order_relaxed); }
  uint64_t written_bytes() const { return written_bytes_.load(std::memory_order_relaxed); }

 private:
  const std::string folder_;
  const uint64_t spill_after_bytes_;
  std::atomic<uint64_t> written_bytes_{0};
};

// The context's, or a new one for a sink that is run by itself.
inline std::shared_ptr<SpillSpace> spill_space(const ExecutionContext& context) {
  if (context.spill) return context.spill;
  return std::make_shared<SpillSpace>(context.temp_dir, context.spill_after_bytes);
}

}  // namespace velaria
