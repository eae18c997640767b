// Runs the same task on several threads of a pool and waits for all of them.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>

#include "src/base/thread_pool.h"

namespace velaria {

// Calls task(0) .. task(count - 1), each once, on the pool's threads, and returns when all have
// ended; with no pool or one task, on the calling thread. The first exception is thrown here after
// that. Must not be called from a thread of the pool: it would wait for itself.
//
// `interrupt_check`, when given, is called about every 20 ms by the waiting caller. When it throws,
// `stop` is set, which the tasks have to look at, and what it threw is thrown here at the end.
void run_tasks(ThreadPool* pool, size_t count, const std::function<void(size_t)>& task,
               const std::function<void()>& interrupt_check = nullptr,
               std::atomic<bool>* stop = nullptr);

}  // namespace velaria
