#include "src/session/result_stream.h"

#include <utility>

#include "src/base/cancellation.h"
#include "src/base/error.h"
#include "src/exec/physical_plan.h"

namespace velaria {

struct ResultStream::Run {
  Run(PlanPtr optimized, const PhysicalOptions& options, ExecutionContext context)
      : plan(std::move(optimized)),
        physical(PhysicalPlan::make(*plan, options)),
        execution(physical, std::move(context)) {}

  const PlanPtr plan;
  const PhysicalPlan physical;
  PlanExecution execution;
};

ResultStream::ResultStream(PlanPtr optimized, const PhysicalOptions& options,
                           const ExecutionContext& context, std::shared_ptr<ThreadPool> pool)
    : pool_(std::move(pool)), run_(std::make_unique<Run>(std::move(optimized), options, context)) {
  run_->execution.begin_result();
}

ResultStream::~ResultStream() = default;

bool ResultStream::next(Chunk* chunk) {
  if (failed_) {
    throw Error(ErrorKind::kInvalidArgument,
                "these rows broke off with an error before; run the query again");
  }
  failed_ = true;
  const bool more = run_->execution.next_chunk(chunk);
  failed_ = false;
  return more;
}

}  // namespace velaria
