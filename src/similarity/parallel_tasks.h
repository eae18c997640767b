// Runs the same task on several threads of a pool and waits for all of them.
#pragma once

#include <cstddef>
#include <functional>

#include "src/base/thread_pool.h"

namespace velaria {

// Calls task(0) .. task(count - 1), each once, on the pool's threads, and returns when all have
// ended; with no pool or one task, on the calling thread. The first exception is thrown here after
// that. Must not be called from a thread of the pool: it would wait for itself.
void run_tasks(ThreadPool* pool, size_t count, const std::function<void(size_t)>& task);

}  // namespace velaria
