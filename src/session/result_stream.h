// The rows of a query, taken as they are needed.
//
//   std::shared_ptr<ResultStream> rows = frame.stream();
//   Chunk chunk;
//   while (rows->next(&chunk)) use(chunk);
#pragma once

#include <memory>

#include "src/base/thread_pool.h"
#include "src/column/chunk.h"
#include "src/plan/logical_plan.h"

namespace velaria {

struct ExecutionContext;
struct PhysicalOptions;

// What must see all its input (sort, aggregate, the built side of a join) has run when it is made;
// the rest runs in next(), only as far as the rows asked for need it, so that a few chunks of the
// result are in memory at a time. Needs nothing of the session, and may outlive it. One thread at a
// time; between two calls nothing runs.
class ResultStream {
 public:
  // `context` has no cancellation and no profile. `pool` is the context's.
  ResultStream(PlanPtr optimized, const PhysicalOptions& options, const ExecutionContext& context,
               std::shared_ptr<ThreadPool> pool);
  ~ResultStream();
  ResultStream(const ResultStream&) = delete;
  ResultStream& operator=(const ResultStream&) = delete;

  // The next rows, in order, without a selection; false at the end. Throws what the query throws;
  // after that only InvalidArgumentError.
  bool next(Chunk* chunk);

 private:
  struct Run;
  const std::shared_ptr<ThreadPool> pool_;
  const std::unique_ptr<Run> run_;
  bool failed_ = false;
};

}  // namespace velaria
