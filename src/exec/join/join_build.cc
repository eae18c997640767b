#include "src/exec/join/join_build.h"

#include <algorithm>

#include "src/base/error.h"
#include "src/exec/scheduler.h"
#include "src/expr/evaluator.h"
#include "src/kernel/take.h"

namespace velaria {

namespace {

class JoinBuildTask : public SinkTask {
 public:
  std::vector<JoinBuildState::Part> parts;
};

// Right rows with or without a match, padded to the join's output.
class RightRowsScan : public TableScan {
 public:
  RightRowsScan(const JoinSpec& spec, const JoinBuildState& state, const ScanRequest& request)
      : spec_(spec), state_(state), request_(request) {
    const uint8_t wanted = spec.type == JoinType::kRightSemi ? 1 : 0;
    for (int64_t row = 0; row < state.rows; ++row) {
      if (state.matched[static_cast<size_t>(row)].load(std::memory_order_relaxed) == wanted) {
        rows_.push_back(static_cast<uint32_t>(row));
      }
    }
  }

  std::unique_ptr<ScanTask> new_task() override { return std::make_unique<Task>(*this); }

 private:
  class Task : public ScanTask {
   public:
    explicit Task(RightRowsScan& scan) : scan_(scan) {}
    bool next(Chunk* chunk) override {
      const auto chunk_rows = static_cast<size_t>(scan_.request_.chunk_rows);
      const size_t part = scan_.next_.fetch_add(1);
      if (part * chunk_rows >= scan_.rows_.size()) return false;
      const size_t begin = part * chunk_rows;
      const auto rows = static_cast<int64_t>(std::min(scan_.rows_.size() - begin, chunk_rows));
      *chunk = Chunk();
      chunk->rows = rows;
      chunk->order = part;
      const size_t padding =
          gives_left_columns(scan_.spec_.type) ? scan_.spec_.left_types.size() : 0;
      for (size_t column : scan_.request_.columns) {
        if (column < padding) {
          chunk->columns.push_back(Column::nulls(scan_.spec_.left_types[column], rows));
        } else if (scan_.spec_.right_wanted[column - padding]) {
          chunk->columns.push_back(
              take(scan_.state_.columns[column - padding], scan_.rows_.data() + begin, rows));
        } else {
          chunk->columns.push_back(Column::nulls(scan_.spec_.right_types[column - padding], rows));
        }
      }
      return true;
    }

   private:
    RightRowsScan& scan_;
  };

  const JoinSpec& spec_;
  const JoinBuildState& state_;
  ScanRequest request_;
  std::vector<uint32_t> rows_;
  std::atomic<size_t> next_{0};
};

class JoinBuildSink : public SinkOperator {
 public:
  explicit JoinBuildSink(std::shared_ptr<const JoinSpec> spec)
      : spec_(std::move(spec)), types_(spec_->right_types), stored_(spec_->right_wanted) {
    for (size_t column : spec_->condition_right) stored_[column] = true;
    for (const JoinKey& key : spec_->keys) {
      if (key.right->kind == BoundKind::kColumn) {
        key_slots_.push_back(key.right->column);
        stored_[key.right->column] = true;
      } else {
        key_slots_.push_back(types_.size());
        types_.push_back(key.right->type);
      }
    }
    stored_.resize(types_.size(), true);
  }

  std::unique_ptr<SinkState> new_state(const ExecutionContext& context) const override {
    return std::make_unique<JoinBuildState>(context);
  }

  void begin_epoch(SinkState& base) const override {
    auto& state = static_cast<JoinBuildState&>(base);
    state.rows = 0;
    state.columns.clear();
    state.table.reset();
    state.has_null_key = false;
    state.matched.reset();
    state.parts.clear();
    state.reservation.resize(0);
  }

  std::unique_ptr<SinkTask> new_task(SinkState&, size_t) const override {
    return std::make_unique<JoinBuildTask>();
  }

  SinkResult consume(SinkState& base, SinkTask& base_task, Chunk chunk) const override {
    if (chunk.selected_rows() == 0) return SinkResult::kNeedInput;
    EvaluationBatch batch(chunk);
    JoinBuildState::Part part;
    part.order = chunk.order;
    part.rows = batch.rows();
    part.columns.resize(types_.size());
    for (size_t c = 0; c < spec_->right_types.size(); ++c) {
      if (stored_[c]) part.columns[c] = batch.column(c);
    }
    for (size_t k = 0; k < key_slots_.size(); ++k) {
      ColumnPtr& column = part.columns[key_slots_[k]];
      if (!column) column = evaluate(*spec_->keys[k].right, batch);
    }
    for (const ColumnPtr& column : part.columns) {
      if (column) part.bytes += static_cast<uint64_t>(column->estimated_bytes());
    }
    static_cast<JoinBuildState&>(base).reservation.grow(part.bytes);
    static_cast<JoinBuildTask&>(base_task).parts.push_back(std::move(part));
    return SinkResult::kNeedInput;
  }

  void combine(SinkState& base, std::unique_ptr<SinkTask> base_task) const override {
    auto& state = static_cast<JoinBuildState&>(base);
    auto& task = static_cast<JoinBuildTask&>(*base_task);
    const std::lock_guard<std::mutex> lock(state.mutex);
    for (auto& part : task.parts) state.parts.push_back(std::move(part));
  }

  void finish(SinkState& base, const ExecutionContext& context) const override {
    auto& state = static_cast<JoinBuildState&>(base);
    std::stable_sort(state.parts.begin(), state.parts.end(),
                     [](const auto& a, const auto& b) { return a.order < b.order; });
    for (const auto& part : state.parts) state.rows += part.rows;
    join_parts(state, context);
    JoinTableInput input;
    input.rows = state.rows;
    input.bloom_filter = spec_->key_filter;
    input.equal_hashes = spec_->equal_hashes;
    for (size_t k = 0; k < key_slots_.size(); ++k) {
      input.keys.push_back(state.columns[key_slots_[k]]);
      input.null_equals_null.push_back(spec_->keys[k].null_equals_null);
    }
    if (spec_->null_aware && !input.null_equals_null[0]) {
      const Column& key = *input.keys[0];
      for (int64_t i = 0; key.may_have_nulls() && !state.has_null_key && i < state.rows; ++i) {
        state.has_null_key = key.is_null(i);
      }
    }
    if (spec_->tracks_right_matches()) {
      state.reservation.grow(static_cast<uint64_t>(state.rows));
      state.matched.reset(new std::atomic<uint8_t>[static_cast<size_t>(state.rows)]());
    }
    state.table = JoinTable::make(std::move(input), state.reservation, context);
    for (size_t c = 0; c < state.columns.size(); ++c) {
      // Keys that nobody reads any more; the table keeps those that it compares.
      const bool read = c < spec_->right_types.size() &&
                        (spec_->right_wanted[c] ||
                         std::find(spec_->condition_right.begin(), spec_->condition_right.end(),
                                   c) != spec_->condition_right.end());
      if (!read) state.columns[c].reset();
    }
  }

  std::unique_ptr<TableScan> result(SinkState& base, const ScanRequest& request) const override {
    return std::make_unique<RightRowsScan>(*spec_, static_cast<JoinBuildState&>(base), request);
  }

  int64_t result_rows(const SinkState& base) const override {
    return static_cast<const JoinBuildState&>(base).rows;
  }

 private:
  // Each column of all parts becomes one; its pieces are let go at once.
  void join_parts(JoinBuildState& state, const ExecutionContext& context) const {
    state.columns.assign(types_.size(), nullptr);
    run_parallel(
        types_.size(),
        [&](size_t c) {
          if (!stored_[c]) return;
          std::vector<ColumnPtr> pieces;
          for (auto& part : state.parts) pieces.push_back(std::move(part.columns[c]));
          if (pieces.empty()) pieces.push_back(Column::nulls(types_[c], 0));
          uint64_t bytes = 0;
          if (pieces.size() > 1) {
            for (const ColumnPtr& piece : pieces) {
              bytes += static_cast<uint64_t>(piece->length() * types_[c].value_width_bytes());
            }
          }
          state.reservation.grow(bytes);
          state.columns[c] = concatenate(pieces);
          pieces.clear();
          state.reservation.shrink(bytes);
        },
        context);
    state.parts.clear();
  }

  std::shared_ptr<const JoinSpec> spec_;
  std::vector<DataType> types_;    // of the right columns, then of keys that are not columns
  std::vector<bool> stored_;       // by the same numbers
  std::vector<size_t> key_slots_;  // of each key, among them
};

class DiscardState : public SinkState {};
class DiscardTask : public SinkTask {};

class DiscardSink : public SinkOperator {
 public:
  std::unique_ptr<SinkState> new_state(const ExecutionContext&) const override {
    return std::make_unique<DiscardState>();
  }
  void begin_epoch(SinkState&) const override {}
  std::unique_ptr<SinkTask> new_task(SinkState&, size_t) const override {
    return std::make_unique<DiscardTask>();
  }
  SinkResult consume(SinkState&, SinkTask&, Chunk) const override { return SinkResult::kNeedInput; }
  void combine(SinkState&, std::unique_ptr<SinkTask>) const override {}
  void finish(SinkState&, const ExecutionContext&) const override {}
  std::unique_ptr<TableScan> result(SinkState&, const ScanRequest&) const override {
    throw Error(ErrorKind::kInternal, "rows that were dropped are not a pipeline's input");
  }
  int64_t result_rows(const SinkState&) const override { return 0; }
};

}  // namespace

std::unique_ptr<SinkOperator> make_join_build(std::shared_ptr<const JoinSpec> spec) {
  return std::make_unique<JoinBuildSink>(std::move(spec));
}

std::unique_ptr<SinkOperator> make_discard() { return std::make_unique<DiscardSink>(); }

}  // namespace velaria
