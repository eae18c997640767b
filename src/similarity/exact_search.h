// Exact vector search: the k nearest rows of a table, every row looked at.
//
// The rows are read once by float32 kernels of the active SIMD level; rows that provably cannot be
// among the k best are skipped (first_pass_bound.h), the others are scored in double precision
// (exact_score.h). Ranking is by (double score, row id). So ids, order and every bit of the scores
// are the same on every SIMD level and thread count.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "src/base/cancellation.h"
#include "src/base/thread_pool.h"
#include "src/similarity/metric.h"
#include "src/similarity/vector_table.h"

namespace velaria {

struct VectorSearchRequest {
  Metric metric = Metric::kCosine;
  std::vector<float> query;  // `dimension` finite numbers
  int64_t top_k = 10;        // at least 1; more than there are rows gives them all
};

struct VectorMatch {
  int64_t row_id;
  double score;

  bool operator==(const VectorMatch& other) const {
    return row_id == other.row_id && score == other.score;
  }
};

struct VectorSearchResult {
  std::vector<VectorMatch> matches;  // best first, equal scores by row id
  int64_t candidate_rows = 0;        // rows compared with the query: all but NULLs
  int64_t left_out_null = 0;
  // Compared, but without a score: every vector with a NaN element; of those with infinite elements
  // the ones whose metric has no value (see ExactScorer). The other infinite ones rank as usual:
  // l2 infinity comes last, dot +infinity first.
  int64_t left_out_nan = 0;
  int64_t rescored_rows = 0;  // candidates that the first pass could not skip; differs between runs
};

// `pool` may be null (the calling thread scans); otherwise its threads scan, and the caller, which
// must not be one of them, waits. Small tables are scanned by the caller in any case.
//
// InvalidArgumentError: top_k < 1, a query element that is NaN or infinite. TypeMismatchError: the
// query's length is not the table's dimension. CancelledError, within about a millisecond of work.
VectorSearchResult search(const VectorTable& table, const VectorSearchRequest& request,
                          ThreadPool* pool = nullptr,
                          const CancellationToken* cancellation = nullptr);

// How search() would run, without reading vectors; checks the request as search() does. One line
// each, in this order: mode, metric, dimension, top_k, candidate_rows, backend, filter_pushdown,
// acceleration, written name=value.
std::vector<std::string> explain_search(const VectorTable& table,
                                        const VectorSearchRequest& request);

}  // namespace velaria
