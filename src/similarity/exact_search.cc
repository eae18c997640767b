#include "src/similarity/exact_search.h"

#include <algorithm>
#include <atomic>
#include <cmath>

#include "src/similarity/block_filter.h"
#include "src/similarity/parallel_tasks.h"
#include "src/similarity/search_scan.h"
#include "src/similarity/top_k_collector.h"

namespace velaria {
namespace {

// Below this a hand-over to other threads costs more than it saves.
constexpr int64_t kParallelBytes = 2 << 20;
// Rows outside of a mask are read along when the gap is no wider: memory comes in streams.
constexpr int64_t kMostGapBytes = 512;

// What the threads of one search share.
struct Scan {
  Scan(const VectorTable& searched, const VectorSearchRequest& asked,
       const CancellationToken* cancellation)
      : table(searched),
        request(asked),
        query(asked.metric, asked.query),
        morsels(cut_into_morsels(searched)),
        // A search under a mask does not read every row.
        norms(searched, asked.metric != Metric::kL2 && asked.rows == nullptr),
        stop(cancellation) {
    if (asked.score_threshold) threshold_key = query.key_of_score(*asked.score_threshold);
    key_limit = threshold_key;
  }

  const VectorTable& table;
  const VectorSearchRequest& request;
  const SearchQuery query;
  const std::vector<Morsel> morsels;
  NormCollector norms;
  double threshold_key = SearchQuery::kNoLimit;

  std::atomic<size_t> next_morsel{0};
  // The smallest key limit that any thread reached. k rows at or below it exist, so a row above it
  // is not among the k best. Only a hint for skipping: reading an old value is harmless.
  std::atomic<double> key_limit{SearchQuery::kNoLimit};
  ScanStop stop;
};

// One thread's part of a scan.
class ScanWorker {
 public:
  explicit ScanWorker(Scan* scan)
      : scan_(*scan), collector_(scan->request.top_k), filter_(scan->query) {}

  void run() {
    while (!scan_.stop.asked()) {
      const size_t i = scan_.next_morsel.fetch_add(1, std::memory_order_relaxed);
      if (i >= scan_.morsels.size()) return;
      scan_morsel(scan_.morsels[i]);
    }
  }

  const std::vector<RankedRow>& rows() const { return collector_.rows(); }
  int64_t left_out_nan() const { return left_out_nan_; }
  int64_t rescored_rows() const { return rescored_rows_; }

 private:
  void scan_morsel(const Morsel& morsel) {
    const RowMask* mask = scan_.request.rows;
    const int64_t first_id = scan_.table.blocks()[morsel.block].first_row_id;
    if (mask != nullptr &&
        mask->next(first_id + morsel.begin, first_id + morsel.end) == first_id + morsel.end) {
      return;
    }
    const MorselRows rows(scan_.table, morsel);
    const int64_t step_rows = scan_.query.step_rows();
    for (int64_t row = morsel.begin; row < morsel.end; row += step_rows) {
      const int64_t end = std::min(morsel.end, row + step_rows);
      if (mask == nullptr) {
        scan_run(rows, morsel.block, row, end - row);
      } else {
        scan_masked(rows, *mask, morsel.block, row, end);
      }
    }
  }

  // Runs of rows of the mask, with the small gaps between them.
  void scan_masked(const MorselRows& rows, const RowMask& mask, size_t block, int64_t begin,
                   int64_t end) {
    const int64_t most_gap =
        kMostGapBytes / (scan_.query.dimension() * static_cast<int64_t>(sizeof(float)));
    const int64_t first_id = scan_.table.blocks()[block].first_row_id;
    const int64_t end_id = first_id + end;
    int64_t id = mask.next(first_id + begin, end_id);
    while (id < end_id) {
      const int64_t run = id;
      int64_t run_end = id + 1;
      for (id = mask.next(run_end, end_id); id < end_id && id - run_end <= most_gap;
           id = mask.next(run_end, end_id)) {
        run_end = id + 1;
      }
      scan_run(rows, block, run - first_id, run_end - run);
    }
  }

  void scan_run(const MorselRows& rows, size_t block, int64_t row, int64_t count) {
    const float* norms = scan_.norms.known(block);
    filter_.read(rows.vector_at(row), count, norms != nullptr ? norms + row : nullptr);
    if (norms == nullptr && scan_.query.metric() != Metric::kL2) {
      scan_.norms.put(block, row, filter_.norms(), count);
    }
    limit_ = std::min(limit_, scan_.key_limit.load(std::memory_order_relaxed));
    filter_.set_limit(limit_);
    size_t kept_count = 0;
    const uint32_t* kept = filter_.select(&kept_count);
    const int64_t first_id = scan_.table.blocks()[block].first_row_id + row;
    const RowMask* mask = scan_.request.rows;
    for (size_t at = 0; at < kept_count; ++at) {
      const int64_t i = kept[at];
      if (!filter_.keeps(i) || !rows.valid(row + i)) continue;
      if (mask != nullptr && !mask->contains(first_id + i)) continue;
      offer(rows.vector_at(row + i), first_id + i);
    }
  }

  void offer(const float* vector, int64_t row_id) {
    ++rescored_rows_;
    const double score = scan_.query.scorer().score(vector);
    if (std::isnan(score)) {
      ++left_out_nan_;
      return;
    }
    const double key = scan_.query.key_of_score(score);
    if (key > scan_.threshold_key) return;
    collector_.offer({key, row_id});
    if (collector_.key_limit() >= limit_) return;
    limit_ = collector_.key_limit();
    lower(&scan_.key_limit, limit_);
    filter_.set_limit(limit_);
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
                          const SearchControl& control) {
  check_request(table, request.top_k, static_cast<int64_t>(request.query.size()), request.query,
                request.score_threshold, request.rows);
  if (control.cancellation != nullptr) control.cancellation->throw_if_cancelled();
  Scan scan(table, request, control.cancellation);

  const int64_t bytes = table.rows() * table.dimension() * static_cast<int64_t>(sizeof(float));
  ThreadPool* pool = bytes < kParallelBytes ? nullptr : control.pool;
  const size_t threads =
      pool == nullptr ? 1 : std::min(pool->size(), std::max<size_t>(1, scan.morsels.size()));
  std::vector<ScanWorker> workers;
  workers.reserve(threads);
  for (size_t i = 0; i < threads; ++i) workers.emplace_back(&scan);
  run_tasks(
      pool, threads,
      [&](size_t i) {
        try {
          workers[i].run();
        } catch (...) {
          scan.stop.stop();
          throw;
        }
      },
      control.interrupt_check, scan.stop.flag());
  scan.norms.keep(table);

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
  result.left_out_null = count_null_rows(table, request.rows);
  result.candidate_rows =
      (request.rows == nullptr ? table.rows() : request.rows->count()) - result.left_out_null;
  return result;
}

}  // namespace velaria
