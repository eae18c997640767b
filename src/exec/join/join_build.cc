#include "src/exec/join/join_build.h"

#include <algorithm>

#include "src/base/error.h"
#include "src/exec/scheduler.h"
#include "src/exec/spill/sorted_runs.h"
#include "src/expr/evaluator.h"
#include "src/kernel/take.h"

namespace velaria {

namespace {

class JoinBuildTask : public SinkTask {
 public:
  std::vector<JoinBuildState::Part> parts;
  uint64_t bytes = 0;  // of the parts, reserved
  int64_t rows_on_disk = 0;
  PartitionedRows::Sequence on_disk;
};

// Column `column` of the join's output for right rows that come out alone.
ColumnPtr right_output_column(const JoinSpec& spec, const std::vector<ColumnPtr>& columns,
                              size_t column, const uint32_t* rows, int64_t count) {
  const size_t padding = gives_left_columns(spec.type) ? spec.left_types.size() : 0;
  if (column < padding) return Column::nulls(spec.left_types[column], count);
  if (!spec.right_wanted[column - padding]) {
    return Column::nulls(spec.right_types[column - padding], count);
  }
  return take(columns[column - padding], rows, count);
}

// Reads right rows off the disk in their order; holds them.
class SpilledRightRowsScan : public TableScan {
 public:
  SpilledRightRowsScan(std::unique_ptr<SortedRuns> runs, const ScanRequest& request)
      : runs_(std::move(runs)), scan_(runs_->scan(request, 0, runs_->rows())) {}
  std::unique_ptr<ScanTask> new_task() override { return scan_->new_task(); }

 private:
  std::unique_ptr<SortedRuns> runs_;
  std::unique_ptr<TableScan> scan_;
};

// Right rows with or without a match, padded to the join's output.
class RightRowsScan : public TableScan {
 public:
  RightRowsScan(const JoinSpec& spec, const JoinBuildState& state, const ScanRequest& request)
      : spec_(spec), state_(state), request_(request) {
    const uint8_t wanted = spec.gives_matched_right_rows() ? 1 : 0;
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
      for (size_t column : scan_.request_.columns) {
        chunk->columns.push_back(right_output_column(scan_.spec_, scan_.state_.columns, column,
                                                     scan_.rows_.data() + begin, rows));
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
    state.spilled.reset();
    state.has_rows = false;
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
    auto& state = static_cast<JoinBuildState&>(base);
    auto& task = static_cast<JoinBuildTask&>(base_task);
    const uint64_t bytes = part.bytes;
    task.parts.push_back(std::move(part));
    if (key_slots_.empty()) {  // without keys there are no parts, and the rows must fit
      state.reservation.grow(bytes);
      task.bytes += bytes;
    } else if (!state.spill->is_too_much(task.bytes + bytes) && state.reservation.try_grow(bytes)) {
      task.bytes += bytes;
    } else {
      put_aside(state, task);
    }
    return SinkResult::kNeedInput;
  }

  void combine(SinkState& base, std::unique_ptr<SinkTask> base_task) const override {
    auto& state = static_cast<JoinBuildState&>(base);
    auto& task = static_cast<JoinBuildTask&>(*base_task);
    const std::lock_guard<std::mutex> lock(state.mutex);
    for (auto& part : task.parts) state.parts.push_back(std::move(part));
    if (task.rows_on_disk > 0) {
      state.rows += task.rows_on_disk;
      state.spilled->rows.add(std::move(task.on_disk));
    }
  }

  void finish(SinkState& base, const ExecutionContext& context) const override {
    auto& state = static_cast<JoinBuildState&>(base);
    std::stable_sort(state.parts.begin(), state.parts.end(),
                     [](const auto& a, const auto& b) { return a.order < b.order; });
    if (!key_slots_.empty() && (state.spilled || !fits(state))) {
      JoinBuildTask rest;
      rest.parts = std::move(state.parts);
      state.parts.clear();
      put_aside(state, rest);
      state.rows += rest.rows_on_disk;
      state.spilled->rows.add(std::move(rest.on_disk));
      state.reservation.resize(0);
      state.has_rows = state.rows > 0;
      state.load_part = [this, &state](size_t part, const ExecutionContext& part_context) {
        return load(state, part, part_context);
      };
      return;
    }
    make_table(state, context);
    state.has_rows = state.rows > 0;
  }

  std::unique_ptr<TableScan> result(SinkState& base, const ScanRequest& request) const override {
    auto& state = static_cast<JoinBuildState&>(base);
    if (state.spilled) return spilled_right_rows(state, request);
    return std::make_unique<RightRowsScan>(*spec_, state, request);
  }

  int64_t result_rows(const SinkState& base) const override {
    return static_cast<const JoinBuildState&>(base).rows;
  }

 private:
  // Whether the table can be made: the rows as whole columns beside the pieces of one, and the
  // places of the rows by key. This asks the budget only; nothing is held.
  bool fits(JoinBuildState& state) const {
    uint64_t needed = 0;
    uint64_t bytes = 0;
    for (const auto& part : state.parts) {
      bytes += part.bytes;
      needed += part.bytes + static_cast<uint64_t>(part.rows) * 32;
    }
    if (state.spill->is_too_much(bytes)) return false;
    if (!state.reservation.try_grow(needed)) return false;
    state.reservation.shrink(needed);
    return true;
  }

  void put_aside(JoinBuildState& state, JoinBuildTask& task) const {
    {
      const std::lock_guard<std::mutex> lock(state.mutex);
      if (!state.spilled) state.spilled = std::make_unique<SpilledBuild>(state.spill, types_);
    }
    std::vector<PartitionedRows::Piece> pieces;
    bool has_null_key = false;
    for (JoinBuildState::Part& part : task.parts) {
      PartitionedRows::Piece piece;
      for (size_t slot : key_slots_) piece.keys.push_back(part.columns[slot]);
      if (spec_->null_aware && !spec_->keys[0].null_equals_null) {
        const ColumnPtr key = flatten(piece.keys[0]);
        for (int64_t i = 0; !has_null_key && i < part.rows; ++i) has_null_key = key->is_null(i);
      }
      for (int64_t i = 0; i < part.rows; ++i) {
        piece.positions.push_back(row_position(part.order, static_cast<uint32_t>(i)));
      }
      piece.columns = std::move(part.columns);
      task.rows_on_disk += part.rows;
      pieces.push_back(std::move(piece));
    }
    task.parts.clear();
    state.spilled->rows.write(std::move(pieces), &task.on_disk);
    state.reservation.shrink(task.bytes);
    task.bytes = 0;
    if (has_null_key) {
      const std::lock_guard<std::mutex> lock(state.mutex);
      state.has_null_key = true;
    }
  }

  // One part of the build side as a build side of its own.
  std::unique_ptr<JoinBuildState> load(const JoinBuildState& whole, size_t number,
                                       const ExecutionContext& context) const {
    ExecutionContext alone = context;  // parts are worked on side by side already
    alone.pool = nullptr;
    auto out = std::make_unique<JoinBuildState>(alone);
    Chunk rows = whole.spilled->rows.read_part(number);
    JoinBuildState::Part part;
    part.rows = rows.rows;
    part.bytes = static_cast<uint64_t>(rows.estimated_bytes());
    rows.columns.pop_back();
    part.columns = std::move(rows.columns);
    out->reservation.grow(part.bytes);
    out->parts.push_back(std::move(part));
    make_table(*out, alone);
    out->has_rows = whole.has_rows;
    out->has_null_key = whole.has_null_key;
    return out;
  }

  // From each part the rows that come out alone, as a run by position.
  std::unique_ptr<TableScan> spilled_right_rows(JoinBuildState& state,
                                                const ScanRequest& request) const {
    std::vector<DataType> types =
        gives_left_columns(spec_->type) ? spec_->left_types : std::vector<DataType>();
    types.insert(types.end(), spec_->right_types.begin(), spec_->right_types.end());
    auto runs = std::make_unique<SortedRuns>(state.spill, "the right rows of JOIN", types,
                                             std::vector<SortItem>());
    const uint8_t wanted = spec_->gives_matched_right_rows() ? 1 : 0;
    for (size_t p = 0; p < kSpillPartitions; ++p) {
      if (request.cancellation != nullptr) request.cancellation->throw_if_cancelled();
      const Chunk rows = state.spilled->rows.read_part(p);
      const std::vector<uint8_t>& matched = state.spilled->matched[p];
      std::vector<uint32_t> alone;
      std::vector<uint64_t> positions;
      for (uint32_t row = 0; row < rows.rows; ++row) {
        if ((matched.empty() ? 0 : matched[row]) != wanted) continue;
        alone.push_back(row);
        positions.push_back(rows.columns.back()->values<uint64_t>()[row]);
      }
      Chunk out;
      out.rows = static_cast<int64_t>(alone.size());
      for (size_t c = 0; c < types.size(); ++c) {
        out.columns.push_back(right_output_column(*spec_, rows.columns, c, alone.data(), out.rows));
      }
      SortedRuns::Run run;
      runs->append(out, positions, &run);
      runs->add(std::move(run));
    }
    return std::make_unique<SpilledRightRowsScan>(std::move(runs), request);
  }

  // The table over state.parts.
  void make_table(JoinBuildState& state, const ExecutionContext& context) const {
    state.rows = 0;
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
