#include "src/similarity/exact_search.h"

#include <algorithm>
#include <atomic>
#include <cmath>

#include "src/base/cpu_features.h"
#include "src/base/error.h"
#include "src/base/text.h"
#include "src/similarity/block_filter.h"
#include "src/similarity/parallel_tasks.h"
#include "src/similarity/top_k_collector.h"

namespace velaria {
namespace {

// What a thread takes at a time: long enough for the prefetchers, short enough to share evenly.
constexpr int64_t kMorselBytes = 1 << 20;
// Below this a hand-over to other threads costs more than it saves.
constexpr int64_t kParallelBytes = 2 << 20;

void check_request(const VectorTable& table, const VectorSearchRequest& request) {
  if (request.top_k < 1) {
    throw Error(ErrorKind::kInvalidArgument,
                concat("vector search: top_k is ", request.top_k, "; it must be at least 1"));
  }
  if (static_cast<int64_t>(request.query.size()) != table.dimension()) {
    throw Error(ErrorKind::kTypeMismatch,
                concat("vector search: the query has dimension ", request.query.size(),
                       ", but the vectors have dimension ", table.dimension(),
                       "; pass a query of that length"));
  }
  for (size_t i = 0; i < request.query.size(); ++i) {
    if (!std::isfinite(request.query[i])) {
      throw Error(ErrorKind::kInvalidArgument,
                  concat("vector search: element ", i, " of the query is ",
                         format_float(request.query[i]), "; a query needs finite numbers"));
    }
  }
}

struct Morsel {
  const VectorTable::Block* block;
  int64_t begin;
  int64_t end;
};

std::vector<Morsel> cut_into_morsels(const VectorTable& table, int64_t row_bytes) {
  const int64_t morsel_rows = std::max<int64_t>(1, kMorselBytes / row_bytes);
  std::vector<Morsel> morsels;
  for (const VectorTable::Block& block : table.blocks()) {
    const int64_t rows = block.column->length();
    for (int64_t begin = 0; begin < rows; begin += morsel_rows) {
      morsels.push_back({&block, begin, std::min(rows, begin + morsel_rows)});
    }
  }
  return morsels;
}

// What the threads of one search share.
struct Scan {
  Scan(const VectorTable& table, const VectorSearchRequest& request)
      : query(request.metric, request.query),
        top_k(request.top_k),
        morsels(cut_into_morsels(table, query.dimension() * int64_t{sizeof(float)})) {}

  const SearchQuery query;
  const int64_t top_k;
  const std::vector<Morsel> morsels;

  std::atomic<size_t> next_morsel{0};
  // The smallest key limit that any thread reached. k rows at or below it exist, so a row above it
  // is not among the k best. Only a hint for skipping: reading an old value is harmless.
  std::atomic<double> key_limit{SearchQuery::kNoLimit};
  std::atomic<bool> stop{false};
};

// One thread's part of a scan.
class ScanWorker {
 public:
  explicit ScanWorker(Scan* scan) : scan_(*scan), collector_(scan->top_k), filter_(scan->query) {}

  void run(const CancellationToken* cancellation) {
    const int64_t step_rows = scan_.query.step_rows();
    for (;;) {
      if (scan_.stop.load(std::memory_order_relaxed)) return;
      if (cancellation != nullptr && cancellation->cancelled()) {
        scan_.stop.store(true, std::memory_order_relaxed);
        cancellation->throw_if_cancelled();
      }
      const size_t i = scan_.next_morsel.fetch_add(1, std::memory_order_relaxed);
      if (i >= scan_.morsels.size()) return;
      const Morsel& morsel = scan_.morsels[i];
      for (int64_t row = morsel.begin; row < morsel.end; row += step_rows) {
        scan_step(*morsel.block, row, std::min(step_rows, morsel.end - row));
      }
    }
  }

  const std::vector<RankedRow>& rows() const { return collector_.rows(); }
  int64_t left_out_nan() const { return left_out_nan_; }
  int64_t rescored_rows() const { return rescored_rows_; }

 private:
  void scan_step(const VectorTable::Block& block, int64_t row, int64_t count) {
    filter_.read(block.column->vector_at(row), count,
                 block.norms ? block.norms->values() + row : nullptr);
    limit_ = std::min(limit_, scan_.key_limit.load(std::memory_order_relaxed));
    filter_.set_limit(limit_);
    size_t kept_count = 0;
    const uint32_t* kept = filter_.select(&kept_count);
    for (size_t at = 0; at < kept_count; ++at) {
      const int64_t i = kept[at];
      if (!filter_.keeps(i) || !block.column->validity().valid(row + i)) continue;
      ++rescored_rows_;
      const double score = scan_.query.scorer().score(block.column->vector_at(row + i));
      if (std::isnan(score)) {
        ++left_out_nan_;
        continue;
      }
      collector_.offer({scan_.query.key_of_score(score), block.first_row_id + row + i});
      if (collector_.key_limit() < limit_) {
        limit_ = collector_.key_limit();
        publish_limit();
        filter_.set_limit(limit_);
      }
    }
  }

  void publish_limit() {
    double shared = scan_.key_limit.load(std::memory_order_relaxed);
    while (limit_ < shared &&
           !scan_.key_limit.compare_exchange_weak(shared, limit_, std::memory_order_relaxed)) {
    }
  }

  Scan& scan_;
  TopKCollector collector_;
  BlockFilter filter_;
  double limit_ = SearchQuery::kNoLimit;  // the smallest key limit this thread knows of
  int64_t left_out_nan_ = 0;
  int64_t rescored_rows_ = 0;
};

}  // namespace

VectorSearchResult search(const VectorTable& table, const VectorSearchRequest& request,
                          ThreadPool* pool, const CancellationToken* cancellation) {
  check_request(table, request);
  if (cancellation != nullptr) cancellation->throw_if_cancelled();
  Scan scan(table, request);

  const int64_t bytes = table.rows() * table.dimension() * static_cast<int64_t>(sizeof(float));
  if (bytes < kParallelBytes) pool = nullptr;
  const size_t threads =
      pool == nullptr ? 1 : std::min(pool->size(), std::max<size_t>(1, scan.morsels.size()));
  std::vector<ScanWorker> workers;
  workers.reserve(threads);
  for (size_t i = 0; i < threads; ++i) workers.emplace_back(&scan);
  run_tasks(pool, threads, [&](size_t i) {
    try {
      workers[i].run(cancellation);
    } catch (...) {
      scan.stop.store(true, std::memory_order_relaxed);
      throw;
    }
  });

  VectorSearchResult result;
  std::vector<RankedRow> rows;
  for (const ScanWorker& worker : workers) {
    rows.insert(rows.end(), worker.rows().begin(), worker.rows().end());
    result.left_out_nan += worker.left_out_nan();
    result.rescored_rows += worker.rescored_rows();
  }
  rows = best_rows(std::move(rows), request.top_k);
  result.matches.reserve(rows.size());
  for (const RankedRow& row : rows) {
    result.matches.push_back({row.row_id, scan.query.score_of_key(row.key)});
  }
  result.left_out_null = table.null_rows();
  result.candidate_rows = table.rows() - table.null_rows();
  return result;
}

std::vector<std::string> explain_search(const VectorTable& table,
                                        const VectorSearchRequest& request) {
  check_request(table, request);
  return {
      "mode=exact-scan",
      concat("metric=", metric_name(request.metric)),
      concat("dimension=", table.dimension()),
      concat("top_k=", request.top_k),
      concat("candidate_rows=", table.rows() - table.null_rows()),
      concat("backend=", simd_level_name(active_simd_level())),
      "filter_pushdown=false",
      "acceleration=flat-buffer+simd-topk",
  };
}

}  // namespace velaria
