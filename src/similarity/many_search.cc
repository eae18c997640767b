// Many queries at once: blocks of rows that stay in the cache, multiplied with all queries of a
// tile.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <memory>

#include "src/base/cpu_features.h"
#include "src/base/error.h"
#include "src/base/text.h"
#include "src/similarity/block_filter.h"
#include "src/similarity/exact_search.h"
#include "src/similarity/first_pass_bound.h"
#include "src/similarity/kernels/product_kernels.h"
#include "src/similarity/parallel_tasks.h"
#include "src/similarity/search_scan.h"
#include "src/similarity/top_k_collector.h"

namespace velaria {
namespace {

// Rows of a block: whole tiles of every level, and few enough for the cache.
constexpr int64_t kTileRows = 96;
constexpr int64_t kBlockBytes = 192 << 10;
constexpr int64_t kMostBlockRows = 384;
// Packed queries of a tile: they share the second-level cache with the rows.
constexpr int64_t kTileQueryBytes = 768 << 10;
constexpr int64_t kMostTileQueries = 512;
// Below this much to do a hand-over to other threads costs more than it saves.
constexpr double kParallelProducts = 4e6;
// With fewer queries than these, reading the table for each of them is faster.
constexpr int64_t kLeastQueriesWithTiles = 2;
constexpr int64_t kLeastQueries = 4;

struct AlignedBytes {
  explicit AlignedBytes(size_t size) : buffer(size > 0 ? Buffer::allocate(size) : nullptr) {}
  uint8_t* data() const { return buffer ? buffer->mutable_data() : nullptr; }
  std::shared_ptr<Buffer> buffer;
};

bool multiplies(const ProductKernels& kernels, int64_t queries) {
  return queries >= (kernels.name == "amx" ? kLeastQueriesWithTiles : kLeastQueries);
}

// What the threads share: a tile of queries, and how far each of them is.
struct ManyScan {
  ManyScan(const VectorTable& searched, const ManySearchRequest& asked, int64_t first_query,
           int64_t queries, const CancellationToken* cancellation)
      : table(searched),
        request(asked),
        kernels(active_product_kernels()),
        count(queries),
        padded(kernels.padded_queries(queries)),
        packed(static_cast<size_t>(kernels.panels(queries)) *
               kernels.panel_bytes(searched.dimension())),
        key_limits(static_cast<size_t>(queries)),
        morsels(cut_into_morsels(searched)),
        norms(searched, asked.rows == nullptr),
        stop(cancellation) {
    const int64_t dimension = table.dimension();
    const float* first = asked.queries.data() + first_query * dimension;
    for (int64_t q = 0; q < count; ++q) {
      const float* query = first + q * dimension;
      queries_made.push_back(std::make_unique<SearchQuery>(
          asked.metric, std::vector<float>(query, query + dimension)));
      bounds.emplace_back(asked.metric, kernels, dimension,
                          queries_made.back()->scorer().query_norm());
    }
    if (asked.score_threshold) {
      threshold_key = queries_made[0]->key_of_score(*asked.score_threshold);
    }
    for (std::atomic<double>& limit : key_limits) limit = threshold_key;
    for (int64_t q = 0; q < count; q += kernels.panel) {
      kernels.pack(
          first + q * dimension, std::min(kernels.panel, count - q), dimension,
          packed.data() + static_cast<size_t>(q / kernels.panel) * kernels.panel_bytes(dimension));
    }
    const int64_t row_bytes = dimension * static_cast<int64_t>(sizeof(float));
    block_rows =
        std::clamp(kBlockBytes / row_bytes / kTileRows * kTileRows, kTileRows, kMostBlockRows);
  }

  const SearchQuery& query(int64_t q) const { return *queries_made[static_cast<size_t>(q)]; }

  const VectorTable& table;
  const ManySearchRequest& request;
  const ProductKernels& kernels;
  const int64_t count;
  const int64_t padded;
  const AlignedBytes packed;
  std::vector<std::unique_ptr<const SearchQuery>> queries_made;
  std::vector<ProductBound> bounds;
  double threshold_key = SearchQuery::kNoLimit;
  int64_t block_rows;

  // As in the search of one query, one for each.
  std::vector<std::atomic<double>> key_limits;
  const std::vector<Morsel> morsels;
  NormCollector norms;
  std::atomic<size_t> next_morsel{0};
  ScanStop stop;
};

// What one thread knows of one query.
struct QueryProgress {
  explicit QueryProgress(int64_t top_k) : collector(top_k) {}

  TopKCollector collector;
  double limit = SearchQuery::kNoLimit;
  // Of the distance kernels: what passes the products meets it next.
  ProductCutoff product_cutoff = FirstPassBound::keep_all_products();
  DistanceCutoff distance_cutoff = FirstPassBound::keep_all_distances();
  int64_t left_out_nan = 0;
  int64_t rescored_rows = 0;
};

class ManyWorker {
 public:
  explicit ManyWorker(ManyScan* scan)
      : scan_(*scan),
        dimension_(scan->table.dimension()),
        floors_(static_cast<size_t>(scan->padded)),
        norm_factors_(static_cast<size_t>(scan->padded)),
        addends_(static_cast<size_t>(scan->block_rows)),
        block_norms_(static_cast<size_t>(scan->block_rows)),
        dots_(static_cast<size_t>(scan->block_rows)),
        prepared_(scan->kernels.prepared_bytes(scan->block_rows, scan->table.dimension())),
        hits_(static_cast<size_t>(scan->block_rows * scan->count)) {
    const ProductBound::Terms all = ProductBound::keep_all();
    std::fill(floors_.begin(), floors_.end(), all.floor);
    std::fill(norm_factors_.begin(), norm_factors_.end(), all.norm_factor);
    progress_.assign(static_cast<size_t>(scan->count), QueryProgress(scan->request.top_k));
  }

  void run() {
    while (!scan_.stop.asked()) {
      const size_t i = scan_.next_morsel.fetch_add(1, std::memory_order_relaxed);
      if (i >= scan_.morsels.size()) return;
      scan_morsel(scan_.morsels[i]);
    }
  }

  const QueryProgress& progress(int64_t q) const { return progress_[static_cast<size_t>(q)]; }

 private:
  void scan_morsel(const Morsel& morsel) {
    const RowMask* mask = scan_.request.rows;
    const int64_t first_id = scan_.table.blocks()[morsel.block].first_row_id;
    const int64_t end_id = first_id + morsel.end;
    if (mask != nullptr && mask->next(first_id + morsel.begin, end_id) == end_id) return;
    const MorselRows rows(scan_.table, morsel);
    int64_t count = 0;
    for (int64_t row = morsel.begin; row < morsel.end; row += count) {
      // Of the first rows every pair comes out, so they are few.
      count = std::min(started_ ? scan_.block_rows : kTileRows, morsel.end - row);
      started_ = true;
      if (mask != nullptr &&
          mask->next(first_id + row, first_id + row + count) == first_id + row + count) {
        continue;
      }
      if (scan_.stop.asked()) return;
      scan_block(rows, morsel.block, row, count);
    }
  }

  void scan_block(const MorselRows& rows, size_t block, int64_t row, int64_t count) {
    const float* vectors = rows.vector_at(row);
    const float* norms = norms_of(vectors, block, row, count);
    const int64_t first_id = scan_.table.blocks()[block].first_row_id + row;
    const RowMask* mask = scan_.request.rows;
    constexpr float kNever = std::numeric_limits<float>::infinity();
    for (int64_t i = 0; i < count; ++i) {
      const bool wanted = mask == nullptr || mask->contains(first_id + i);
      addends_[static_cast<size_t>(i)] = wanted ? scan_.bounds[0].addend(norms[i]) : kNever;
    }
    for (int64_t q = 0; q < scan_.count; ++q) {
      const double shared =
          scan_.key_limits[static_cast<size_t>(q)].load(std::memory_order_relaxed);
      if (shared < progress_[static_cast<size_t>(q)].limit) set_limit(q, shared);
    }
    const void* multiplied = vectors;
    if (scan_.kernels.prepare != nullptr) {
      scan_.kernels.prepare(vectors, count, dimension_, prepared_.data());
      multiplied = prepared_.data();
    }
    const ProductLimits limits{floors_.data(), norm_factors_.data(), norms, addends_.data()};
    const size_t found = scan_.kernels.select(multiplied, count, dimension_, scan_.packed.data(),
                                              scan_.count, limits, hits_.data());
    for (size_t i = 0; i < found; ++i) {
      const ProductHit& hit = hits_[i];
      const int64_t at = hit.row;
      // The limit may have moved since.
      const float floor = norm_factors_[hit.query] * norms[at] + floors_[hit.query];
      if (hit.product < floor + addends_[hit.row]) continue;
      if (!rows.valid(row + at)) continue;
      if (mask != nullptr && !mask->contains(first_id + at)) continue;
      look_again(hit.query, rows.vector_at(row + at), norms[at], first_id + at);
    }
  }

  const float* norms_of(const float* vectors, size_t block, int64_t row, int64_t count) {
    if (const float* known = scan_.norms.known(block)) return known + row;
    const SearchQuery& any = scan_.query(0);
    any.kernels().dot_and_square(any.vector().data(), vectors, count, dimension_, dots_.data(),
                                 block_norms_.data());
    for (float& norm : block_norms_) norm = std::sqrt(norm);
    scan_.norms.put(block, row, block_norms_.data(), count);
    return block_norms_.data();
  }

  // By the distance kernel of one query, then exactly.
  void look_again(int64_t q, const float* vector, float norm, int64_t row_id) {
    QueryProgress& progress = progress_[static_cast<size_t>(q)];
    const SearchQuery& query = scan_.query(q);
    if (progress.limit != SearchQuery::kNoLimit) {
      float value = 0;
      if (query.metric() == Metric::kL2) {
        query.kernels().squared_l2(query.vector().data(), vector, 1, dimension_, &value);
        if (!progress.distance_cutoff.keeps(value)) return;
      } else {
        query.kernels().dot(query.vector().data(), vector, 1, dimension_, &value);
        if (!progress.product_cutoff.keeps(value, norm)) return;
      }
    }
    ++progress.rescored_rows;
    const double score = query.scorer().score(vector);
    if (std::isnan(score)) {
      ++progress.left_out_nan;
      return;
    }
    const double key = query.key_of_score(score);
    if (key > scan_.threshold_key) return;
    progress.collector.offer({key, row_id});
    if (progress.collector.key_limit() >= progress.limit) return;
    set_limit(q, progress.collector.key_limit());
    lower(&scan_.key_limits[static_cast<size_t>(q)], progress.limit);
  }

  void set_limit(int64_t q, double key_limit) {
    const auto at = static_cast<size_t>(q);
    QueryProgress& progress = progress_[at];
    const SearchQuery& query = scan_.query(q);
    const double score = query.score_of_key(key_limit);
    progress.limit = key_limit;
    if (query.metric() == Metric::kL2) {
      progress.distance_cutoff = query.bound().distance_cutoff(score);
    } else {
      progress.product_cutoff = query.bound().product_cutoff(score);
    }
    const ProductBound::Terms terms = scan_.bounds[at].terms(score);
    floors_[at] = terms.floor;
    norm_factors_[at] = terms.norm_factor;
  }

  ManyScan& scan_;
  const int64_t dimension_;
  std::vector<QueryProgress> progress_;
  std::vector<float> floors_;
  std::vector<float> norm_factors_;
  std::vector<float> addends_;
  std::vector<float> block_norms_;
  std::vector<float> dots_;
  const AlignedBytes prepared_;
  std::vector<ProductHit> hits_;
  bool started_ = false;
};

// Searches for `count` queries from `first_query` on and appends their results.
void search_tile(const VectorTable& table, const ManySearchRequest& request, int64_t first_query,
                 int64_t count, const SearchControl& control,
                 std::vector<VectorSearchResult>* results) {
  ManyScan scan(table, request, first_query, count, control.cancellation);
  const double products =
      static_cast<double>(table.rows()) * table.dimension() * static_cast<double>(count);
  ThreadPool* pool = products < kParallelProducts ? nullptr : control.pool;
  const size_t threads =
      pool == nullptr ? 1 : std::min(pool->size(), std::max<size_t>(1, scan.morsels.size()));
  std::vector<std::unique_ptr<ManyWorker>> workers(threads);
  run_tasks(
      pool, threads,
      [&](size_t i) {
        try {
          workers[i] = std::make_unique<ManyWorker>(&scan);
          workers[i]->run();
        } catch (...) {
          scan.stop.stop();
          throw;
        }
      },
      control.interrupt_check, scan.stop.flag());
  scan.norms.keep(table);
  for (int64_t q = 0; q < count; ++q) {
    VectorSearchResult result;
    std::vector<RankedRow> rows;
    for (const auto& worker : workers) {
      const QueryProgress& progress = worker->progress(q);
      const std::vector<RankedRow>& found = progress.collector.rows();
      rows.insert(rows.end(), found.begin(), found.end());
      result.left_out_nan += progress.left_out_nan;
      result.rescored_rows += progress.rescored_rows;
    }
    rows = best_rows(std::move(rows), request.top_k);
    for (const RankedRow& row : rows) {
      result.matches.push_back({row.row_id, scan.query(q).score_of_key(row.key)});
    }
    results->push_back(std::move(result));
  }
}

// How long each query is.
int64_t query_dimension(const VectorTable& table, const ManySearchRequest& request) {
  const auto numbers = static_cast<int64_t>(request.queries.size());
  const int64_t count = request.count;
  if (count == 0 && numbers == 0) return table.dimension();
  if (count <= 0 || numbers % count != 0) {
    throw Error(ErrorKind::kInvalidArgument,
                concat(numbers, " numbers are not ", count, " query vectors of one length"));
  }
  return numbers / count;
}

}  // namespace

std::vector<VectorSearchResult> search_many(const VectorTable& table,
                                            const ManySearchRequest& request,
                                            const SearchControl& control) {
  const int64_t dimension = query_dimension(table, request);
  check_request(table, request.top_k, dimension, request.queries, request.score_threshold,
                request.rows);
  if (control.cancellation != nullptr) control.cancellation->throw_if_cancelled();
  std::vector<VectorSearchResult> results;
  results.reserve(static_cast<size_t>(request.count));
  const ProductKernels& kernels = active_product_kernels();
  if (!multiplies(kernels, request.count)) {
    for (int64_t q = 0; q < request.count; ++q) {
      const float* query = request.queries.data() + q * dimension;
      results.push_back(search(table,
                               {request.metric, std::vector<float>(query, query + dimension),
                                request.top_k, request.score_threshold, request.rows},
                               control));
    }
    return results;
  }
  const auto panel_bytes = static_cast<int64_t>(kernels.panel_bytes(dimension));
  const int64_t tile =
      std::clamp(kTileQueryBytes / panel_bytes * kernels.panel, kernels.panel, kMostTileQueries);
  for (int64_t q = 0; q < request.count; q += tile) {
    search_tile(table, request, q, std::min(tile, request.count - q), control, &results);
  }
  const int64_t nulls = count_null_rows(table, request.rows);
  const int64_t rows = request.rows == nullptr ? table.rows() : request.rows->count();
  for (VectorSearchResult& result : results) {
    result.left_out_null = nulls;
    result.candidate_rows = rows - nulls;
  }
  return results;
}

std::vector<std::string> explain_search(const VectorTable& table,
                                        const ManySearchRequest& request) {
  const int64_t dimension = query_dimension(table, request);
  check_request(table, request.top_k, dimension, request.queries, request.score_threshold,
                request.rows);
  const ProductKernels& products = active_product_kernels();
  const std::string_view backend = multiplies(products, request.count)
                                       ? products.name
                                       : simd_level_name(kernels_for(active_simd_level()).level);
  const int64_t rows = request.rows == nullptr ? table.rows() : request.rows->count();
  return {
      "mode=exact-scan",
      concat("metric=", metric_name(request.metric)),
      concat("dimension=", table.dimension()),
      concat("top_k=", request.top_k),
      concat("candidate_rows=", rows - count_null_rows(table, request.rows)),
      concat("backend=", backend),
      "filter_pushdown=false",
      "acceleration=flat-buffer+simd-topk",
  };
}

}  // namespace velaria
