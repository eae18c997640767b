// Exact vector search: the k nearest rows of a table, every row looked at.
//
// The rows are read once by float32 kernels of the active SIMD level; rows that provably cannot be
// among the k best are skipped (first_pass_bound.h), the others are scored in double precision
// (exact_score.h). Ranking is by (double score, row id). So ids, order and every bit of the scores
// are the same on every SIMD level and thread count, and for a query alone or among others.
//
//   VectorSearchResult found = search(table, {Metric::kL2, {1, 2, 3}, 10});
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "src/base/cancellation.h"
#include "src/base/thread_pool.h"
#include "src/similarity/metric.h"
#include "src/similarity/row_mask.h"
#include "src/similarity/vector_table.h"

namespace velaria {

struct VectorSearchRequest {
  Metric metric = Metric::kCosine;
  std::vector<float> query;  // `dimension` finite numbers
  int64_t top_k = 10;        // at least 1; more than there are rows gives them all
  // Rows that score worse are left out: above it, for dot below it. Not NaN.
  std::optional<double> score_threshold{};
  // Rows that take part; null: all. Has the table's number of rows, and outlives the call.
  const RowMask* rows = nullptr;
};

// Several queries of one kind: the table is read once for many of them.
struct ManySearchRequest {
  Metric metric = Metric::kCosine;
  std::vector<float> queries;  // one after the other, `dimension` finite numbers each
  int64_t count = 0;           // of queries; none gives no results
  int64_t top_k = 10;
  std::optional<double> score_threshold{};
  const RowMask* rows = nullptr;
};

// Where a search runs and what ends it early.
struct SearchControl {
  // Null: the calling thread scans. Otherwise its threads do, and the caller, which must not be one
  // of them, waits. Small tables are scanned by the caller in any case.
  ThreadPool* pool = nullptr;
  const CancellationToken* cancellation = nullptr;  // may be null
  // Called about every 20 ms by the waiting caller; what it throws ends the search.
  std::function<void()> interrupt_check{};
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
  int64_t candidate_rows = 0;        // rows compared with the query: all of the mask but NULLs
  int64_t left_out_null = 0;
  // Compared, but without a score: every vector with a NaN element; of those with infinite elements
  // the ones whose metric has no value (see ExactScorer). The other infinite ones rank as usual:
  // l2 infinity comes last, dot +infinity first.
  int64_t left_out_nan = 0;
  int64_t rescored_rows = 0;  // candidates that the first pass could not skip; differs between runs
};

// InvalidArgumentError: top_k < 1, a query element that is NaN or infinite, a threshold that is
// NaN. TypeMismatchError: the query's length is not the table's dimension. CancelledError, and what
// interrupt_check throws, within about a millisecond of work.
VectorSearchResult search(const VectorTable& table, const VectorSearchRequest& request,
                          const SearchControl& control = {});

// One result for each query, in their order; each equals that of search(). Errors as there, and
// InvalidArgumentError when the numbers cannot be `count` vectors of one length.
std::vector<VectorSearchResult> search_many(const VectorTable& table,
                                            const ManySearchRequest& request,
                                            const SearchControl& control = {});

// How search_many() would run; checks the request as it does. One line each, in this order: mode,
// metric, dimension, top_k, candidate_rows, backend, filter_pushdown, acceleration, written
// name=value.
std::vector<std::string> explain_search(const VectorTable& table, const ManySearchRequest& request);

}  // namespace velaria
