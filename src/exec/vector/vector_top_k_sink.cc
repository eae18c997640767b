#include "src/exec/vector/vector_top_k_sink.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <mutex>
#include <tuple>

#include "src/column/builder.h"
#include "src/exec/sort/chunk_list_scan.h"
#include "src/kernel/take.h"
#include "src/similarity/block_filter.h"
#include "src/similarity/vector_table.h"

namespace velaria {

namespace {

// Candidates in the order of the result. NaN is above every number, so it comes before the largest
// inner product and behind the largest distance; NULL is last.
enum class Rank : uint8_t { kNanFirst, kNumber, kNanLast, kNull };

struct Candidate {
  Rank rank;
  double key;  // smallest is best
  uint64_t position;
  uint32_t chunk;  // where the row is kept
  uint32_t row;

  bool operator<(const Candidate& other) const {
    return std::tie(rank, key, position) < std::tie(other.rank, other.key, other.position);
  }
};

// The candidates of one task, and the rows behind them.
struct Candidates {
  std::vector<Candidate> best;
  std::vector<Chunk> chunks;  // only rows that were candidates once
  int64_t rows = 0;           // in chunks
  int64_t bytes = 0;

  // Keeps the first `keep` candidates, and drops the rows of the others when they are many.
  void cut(size_t keep) {
    if (best.size() <= keep) return;
    const auto end = best.begin() + static_cast<std::ptrdiff_t>(keep);
    std::nth_element(best.begin(), end - 1, best.end());
    best.erase(end, best.end());
  }

  void add_rows(const Chunk& chunk, const std::vector<uint32_t>& taken) {
    Chunk kept;
    kept.rows = static_cast<int64_t>(taken.size());
    for (const ColumnPtr& column : chunk.columns) {
      kept.columns.push_back(take(column, taken.data(), kept.rows));
    }
    rows += kept.rows;
    bytes += kept.estimated_bytes();
    chunks.push_back(std::move(kept));
  }

  // The rows of `best`, in its order, as one chunk.
  Chunk gather(const std::vector<DataType>& types) const {
    const Chunk all = concatenate_chunks(chunks, types);
    std::vector<uint32_t> starts;
    uint32_t start = 0;
    for (const Chunk& chunk : chunks) {
      starts.push_back(start);
      start += static_cast<uint32_t>(chunk.rows);
    }
    std::vector<uint32_t> indices;
    for (const Candidate& candidate : best) {
      indices.push_back(starts[candidate.chunk] + candidate.row);
    }
    Chunk out;
    out.rows = static_cast<int64_t>(indices.size());
    for (const ColumnPtr& column : all.columns) {
      out.columns.push_back(take(column, indices.data(), out.rows));
    }
    return out;
  }

  void compact_rows(const std::vector<DataType>& types) {
    Chunk kept = gather(types);
    for (size_t i = 0; i < best.size(); ++i) {
      best[i].chunk = 0;
      best[i].row = static_cast<uint32_t>(i);
    }
    rows = kept.rows;
    bytes = kept.estimated_bytes();
    chunks.clear();
    chunks.push_back(std::move(kept));
  }
};

class VectorTopKState : public SinkState {
 public:
  explicit VectorTopKState(const ExecutionContext& context)
      : budget(context.budget), reservation(budget, "the nearest vectors") {}

  std::shared_ptr<MemoryBudget> budget;
  // As many candidates as may come out have keys up to this; an old value only skips less.
  std::atomic<double> key_limit{SearchQuery::kNoLimit};
  std::mutex mutex;
  MemoryReservation reservation;
  Candidates candidates;
  std::vector<Chunk> result;
};

class VectorTopKTask : public SinkTask {
 public:
  VectorTopKTask(const SearchQuery& query, std::shared_ptr<MemoryBudget> budget)
      : filter(query), reservation(std::move(budget), "the nearest vectors") {}

  BlockFilter filter;
  MemoryReservation reservation;
  Candidates candidates;
  double limit = SearchQuery::kNoLimit;
  std::vector<uint32_t> taken;  // rows of the chunk that is being read
};

class VectorTopKSink : public SinkOperator {
 public:
  VectorTopKSink(VectorTopK top, std::vector<DataType> types)
      : top_(std::move(top)),
        types_(std::move(types)),
        query_(top_.metric, top_.query),
        keep_(static_cast<size_t>(top_.limit) + static_cast<size_t>(top_.offset)) {
    if (top_.score_threshold) threshold_key_ = query_.key_of_score(*top_.score_threshold);
  }

  std::unique_ptr<SinkState> new_state(const ExecutionContext& context) const override {
    return std::make_unique<VectorTopKState>(context);
  }
  void begin_epoch(SinkState& base) const override {
    auto& state = static_cast<VectorTopKState&>(base);
    state.candidates = Candidates();
    state.result.clear();
    state.key_limit = threshold_key_;
  }
  std::unique_ptr<SinkTask> new_task(SinkState& base, size_t) const override {
    auto& state = static_cast<VectorTopKState&>(base);
    return std::make_unique<VectorTopKTask>(query_, state.budget);
  }

  SinkResult consume(SinkState& base, SinkTask& base_task, Chunk chunk) const override {
    auto& state = static_cast<VectorTopKState&>(base);
    auto& task = static_cast<VectorTopKTask&>(base_task);
    const ColumnPtr vectors = flat_vectors(chunk.columns[top_.vector_column]);
    task.taken.clear();
    // Runs of rows without a gap, each in steps that stay in the cache.
    const int64_t selected = chunk.selected_rows();
    for (int64_t at = 0; at < selected;) {
      const int64_t first = chunk.selection ? (*chunk.selection)[static_cast<size_t>(at)] : at;
      int64_t count = 1;
      const int64_t most = std::min(query_.step_rows(), selected - at);
      if (!chunk.selection) {
        count = most;
      } else {
        while (count < most &&
               (*chunk.selection)[static_cast<size_t>(at + count)] == first + count) {
          ++count;
        }
      }
      read_run(state, task, *vectors, chunk.order, first, count);
      at += count;
    }
    if (!task.taken.empty()) {
      task.candidates.add_rows(chunk, task.taken);
      constexpr int64_t kMostRowsToSpare = 8 * kDefaultChunkRows;
      if (task.candidates.rows > 4 * static_cast<int64_t>(keep_) + kMostRowsToSpare) {
        task.candidates.cut(keep_);
        task.candidates.compact_rows(types_);
      }
      task.reservation.resize(bytes_of(task.candidates));
    }
    return SinkResult::kNeedInput;
  }

  void combine(SinkState& base, std::unique_ptr<SinkTask> base_task) const override {
    auto& state = static_cast<VectorTopKState&>(base);
    auto& task = static_cast<VectorTopKTask&>(*base_task);
    task.candidates.cut(keep_);
    const std::lock_guard<std::mutex> lock(state.mutex);
    Candidates& all = state.candidates;
    const auto first_chunk = static_cast<uint32_t>(all.chunks.size());
    for (Candidate candidate : task.candidates.best) {
      candidate.chunk += first_chunk;
      all.best.push_back(candidate);
    }
    for (Chunk& chunk : task.candidates.chunks) all.chunks.push_back(std::move(chunk));
    all.rows += task.candidates.rows;
    all.bytes += task.candidates.bytes;
    task.reservation.resize(0);
    state.reservation.resize(bytes_of(all));
  }

  void finish(SinkState& base, const ExecutionContext&) const override {
    auto& state = static_cast<VectorTopKState&>(base);
    Candidates& all = state.candidates;
    all.cut(keep_);
    std::sort(all.best.begin(), all.best.end());
    const auto skipped = std::min(all.best.size(), static_cast<size_t>(top_.offset));
    all.best.erase(all.best.begin(), all.best.begin() + static_cast<std::ptrdiff_t>(skipped));
    Chunk rows = all.gather(types_);
    FixedBuilder<double> scores{DataType(TypeId::kFloat64)};
    for (const Candidate& candidate : all.best) {
      if (candidate.rank == Rank::kNull) {
        scores.append_null();
      } else if (candidate.rank == Rank::kNumber) {
        scores.append(top_.similarity ? -candidate.key : query_.score_of_key(candidate.key));
      } else {
        scores.append(std::numeric_limits<double>::quiet_NaN());
      }
    }
    rows.columns.push_back(scores.finish());
    all = Candidates();
    state.reservation.resize(static_cast<uint64_t>(rows.estimated_bytes()));
    state.result.push_back(std::move(rows));
  }

  std::unique_ptr<TableScan> result(SinkState& base, const ScanRequest& request) const override {
    return scan_chunks(static_cast<VectorTopKState&>(base).result, request);
  }
  int64_t result_rows(const SinkState& base) const override {
    const auto& state = static_cast<const VectorTopKState&>(base);
    return state.result.empty() ? 0 : state.result[0].rows;
  }

 private:
  static uint64_t bytes_of(const Candidates& candidates) {
    return static_cast<uint64_t>(candidates.bytes) + candidates.best.capacity() * sizeof(Candidate);
  }

  void read_run(VectorTopKState& state, VectorTopKTask& task, const Column& vectors, uint64_t order,
                int64_t first, int64_t count) const {
    task.filter.read(vectors.vector_at(first), count, nullptr);
    task.limit = std::min(task.limit, state.key_limit.load(std::memory_order_relaxed));
    set_limit(&task);
    size_t kept_count = 0;
    const uint32_t* kept = task.filter.select(&kept_count);
    for (size_t at = 0; at < kept_count; ++at) {
      const int64_t i = kept[at];
      if (!task.filter.keeps(i)) continue;
      Candidate candidate = score(vectors, first + i);
      if (candidate.rank != Rank::kNumber && top_.leave_out_unscored) continue;
      if (candidate.rank == Rank::kNumber && candidate.key > threshold_key_) continue;
      // Behind every candidate so far, which all came before it.
      if (candidate.rank == Rank::kNull && task.candidates.best.size() >= keep_) continue;
      candidate.position = row_position(order, static_cast<uint32_t>(first + i));
      candidate.chunk = static_cast<uint32_t>(task.candidates.chunks.size());
      candidate.row = static_cast<uint32_t>(task.taken.size());
      task.taken.push_back(static_cast<uint32_t>(first + i));
      offer(state, task, candidate);
    }
  }

  Candidate score(const Column& vectors, int64_t row) const {
    if (!vectors.validity().valid(row)) return {Rank::kNull, 0, 0, 0, 0};
    const float* vector = vectors.vector_at(row);
    const double score =
        top_.similarity ? query_.scorer().similarity(vector) : query_.scorer().score(vector);
    const bool descending = top_.similarity || larger_is_nearer(top_.metric);
    if (std::isnan(score)) return {descending ? Rank::kNanFirst : Rank::kNanLast, 0, 0, 0, 0};
    return {Rank::kNumber, descending ? -score : score, 0, 0, 0};
  }

  void offer(VectorTopKState& state, VectorTopKTask& task, const Candidate& candidate) const {
    std::vector<Candidate>& best = task.candidates.best;
    best.push_back(candidate);
    // As in TopKCollector: room for half as many again before a cut.
    if (best.size() < keep_ + std::max<size_t>(1, keep_ / 2)) {
      if (best.size() != keep_ || task.limit != SearchQuery::kNoLimit) return;
    }
    task.candidates.cut(keep_);
    const Candidate& worst = *std::max_element(best.begin(), best.end());
    if (worst.rank > Rank::kNumber) return;
    // NaN first: no number can enter any more.
    const double limit = worst.rank == Rank::kNumber ? worst.key : -SearchQuery::kNoLimit;
    if (limit >= task.limit) return;
    task.limit = limit;
    set_limit(&task);
    double shared = state.key_limit.load(std::memory_order_relaxed);
    while (limit < shared &&
           !state.key_limit.compare_exchange_weak(shared, limit, std::memory_order_relaxed)) {
    }
  }

  void set_limit(VectorTopKTask* task) const {
    // The filter thinks in distances: of a similarity, 1 minus it.
    const bool turned = top_.similarity && task->limit != SearchQuery::kNoLimit;
    task->filter.set_limit(turned ? 1 + task->limit : task->limit);
  }

  const VectorTopK top_;
  const std::vector<DataType> types_;
  const SearchQuery query_;
  const size_t keep_;
  double threshold_key_ = SearchQuery::kNoLimit;
};

}  // namespace

std::unique_ptr<SinkOperator> make_vector_top_k(VectorTopK top, std::vector<DataType> types) {
  return std::make_unique<VectorTopKSink>(std::move(top), std::move(types));
}

}  // namespace velaria
