// A source and a sink serve one query at a time: what a query takes before it begins, and gives
// back when it has closed them.
#pragma once

#include <atomic>

namespace velaria {

// Thread-safe.
class ExclusiveUse {
 public:
  // False: another one has it.
  bool take() { return !taken_.exchange(true); }
  void give_back() { taken_ = false; }

 private:
  std::atomic<bool> taken_{false};
};

}  // namespace velaria
