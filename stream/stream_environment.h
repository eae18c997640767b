// What a streaming query uses of the process around it. All of it is shared, so a query may outlive
// the session that made it.
#pragma once

#include <cstdint>
#include <memory>

#include "src/base/clock.h"
#include "src/base/file_system.h"
#include "src/base/memory_budget.h"
#include "src/base/thread_pool.h"
#include "src/column/chunk.h"
#include "src/expr/user_function.h"

namespace velaria {

struct StreamEnvironment {
  std::shared_ptr<ThreadPool> pool;      // null: epochs run on the query's own thread
  size_t tasks = 0;                      // tasks of a parallel pipeline; 0: pool->size()
  std::shared_ptr<MemoryBudget> budget;  // null: not counted
  std::shared_ptr<Clock> clock;          // null: system_clock()
  std::shared_ptr<FileSystem> files;     // null: local_file_system()
  int64_t chunk_rows = kDefaultChunkRows;
  std::shared_ptr<const UserFunctions> functions;  // for the verbs; null: the built-in ones only
};

// The same with every null that has a default replaced by it.
StreamEnvironment with_defaults(StreamEnvironment environment);

}  // namespace velaria
