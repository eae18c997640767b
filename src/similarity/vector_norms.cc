#include "src/similarity/vector_norms.h"

#include <algorithm>
#include <atomic>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/similarity/exact_score.h"
#include "src/similarity/parallel_tasks.h"

namespace velaria {

VectorNormsPtr VectorNorms::compute(const Column& column, ThreadPool* pool,
                                    const CancellationToken* cancellation) {
  if (!column.type().is_vector() || !column.is_flat()) {
    throw Error(ErrorKind::kTypeMismatch,
                concat("vector norms need a flat column of fixed_size_list<float32>, not ",
                       column.type().to_string(), column.is_flat() ? "" : " in another encoding"));
  }
  const int64_t dimension = column.type().list_size();
  const int64_t rows = column.length();
  auto norms = std::make_shared<VectorNorms>();
  norms->values_.resize(static_cast<size_t>(rows));
  float* values = norms->values_.data();

  constexpr int64_t kStepBytes = 1 << 20;
  const int64_t step =
      std::max<int64_t>(1, kStepBytes / (dimension * static_cast<int64_t>(sizeof(float)) + 1));
  const int64_t steps = (rows + step - 1) / step;
  std::atomic<int64_t> next{0};
  const auto work = [&](size_t) {
    for (int64_t i = next.fetch_add(1); i < steps; i = next.fetch_add(1)) {
      if (cancellation != nullptr) cancellation->throw_if_cancelled();
      const int64_t end = std::min(rows, (i + 1) * step);
      for (int64_t row = i * step; row < end; ++row) {
        values[row] = static_cast<float>(exact_norm(column.vector_at(row), dimension));
      }
    }
  };
  const int64_t threads = pool == nullptr ? 1 : static_cast<int64_t>(pool->size());
  run_tasks(pool, static_cast<size_t>(std::min(threads, steps)), work);
  return norms;
}

}  // namespace velaria
