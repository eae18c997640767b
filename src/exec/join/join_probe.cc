#include "src/exec/join/join_probe.h"

#include <algorithm>
#include <numeric>

#include "src/base/error.h"
#include "src/column/selection_recycling.h"
#include "src/exec/join/join_build.h"
#include "src/expr/evaluator.h"
#include "src/kernel/compare.h"
#include "src/kernel/take.h"

namespace velaria {

namespace {

// Blocks of pairs between two returns to the pipeline, which looks at cancellation.
constexpr int kBlocksPerCall = 8;

// Rows of a build column; kNoRow gives NULL.
ColumnPtr take_or_null(const ColumnPtr& column, const uint32_t* rows, int64_t count,
                       bool has_missing) {
  if (!has_missing) return take(column, rows, count);
  if (column->length() == 0) return Column::nulls(column->type(), count);
  const auto present_rows = new_selection();
  Selection& present = *present_rows;
  present.assign(rows, rows + count);
  auto bits = Buffer::allocate(static_cast<size_t>((count + 63) / 64 * 8));
  std::fill_n(bits->mutable_data(), bits->size_bytes(), uint8_t{0});
  for (int64_t i = 0; i < count; ++i) {
    uint32_t& row = present[static_cast<size_t>(i)];
    if (row == kNoRow) {
      row = 0;
    } else {
      set_bit(bits->mutable_data(), i);
    }
  }
  const ColumnPtr taken = take(column, present.data(), count);
  if (taken->is_constant()) return taken;  // of the NULL type
  return taken->with_validity(intersect(taken->validity(), Validity(std::move(bits), 0), count));
}

class JoinProbeState : public TransformState {
 public:
  explicit JoinProbeState(JoinBuildState& build_state) : build(build_state) {}

  JoinBuildState& build;
  JoinRuns runs;
  ColumnPtr key;  // of a null-aware join

  // Where the running input is: the next pair is place `offset` of the run of `row`.
  bool active = false;
  int64_t rows = 0;
  int64_t row = 0;
  uint32_t offset = 0;
  bool row_matched = false;    // whether a pair of the row before the next block passed
  std::vector<uint8_t> marks;  // semi, anti, mark: rows with a match
  // One block of candidates; kNoRow on the right stands for a row without any.
  std::vector<uint32_t> left_rows;  // among the selected rows
  std::vector<uint32_t> right_rows;
  std::vector<uint32_t> passed;  // pairs for which the condition holds
  // Pairs that go out.
  std::vector<uint32_t> out_left;
  std::vector<uint32_t> out_right;
  bool out_missing = false;
};

class JoinProbe : public TransformOperator {
 public:
  JoinProbe(std::shared_ptr<const JoinSpec> spec, size_t build_pipeline)
      : spec_(std::move(spec)), build_pipeline_(build_pipeline) {}

  std::unique_ptr<TransformState> new_state(const PipelineStates& states) const override {
    return std::make_unique<JoinProbeState>(static_cast<JoinBuildState&>(*states[build_pipeline_]));
  }

  std::unique_ptr<SinkOperator> replacing_sink(const PipelineStates& states) const override {
    auto& build = static_cast<JoinBuildState&>(*states[build_pipeline_]);
    return build.spilled ? make_spilled_probe(spec_, build) : nullptr;
  }

  bool may_leave_few_rows() const override { return true; }

  TransformResult process(const Chunk& input, TransformState* base, Chunk* output) const override {
    auto& state = static_cast<JoinProbeState&>(*base);
    if (!state.active) {
      if (input.selected_rows() == 0) {
        make_empty(output);
        return TransformResult::kNeedInput;
      }
      begin(input, state);
    }
    const bool more = step(input, state, output);
    state.active = more;
    return more ? TransformResult::kHaveMoreOutput : TransformResult::kNeedInput;
  }

 private:
  bool filters_left() const {
    return spec_->type == JoinType::kSemi || spec_->type == JoinType::kAnti ||
           spec_->type == JoinType::kMark;
  }
  bool only_marks_right() const {
    return spec_->type == JoinType::kRightSemi || spec_->type == JoinType::kRightAnti;
  }

  void begin(const Chunk& input, JoinProbeState& state) const {
    EvaluationBatch batch(input);
    std::vector<ColumnPtr> keys;
    for (const JoinKey& key : spec_->keys) keys.push_back(flatten(evaluate(*key.left, batch)));
    state.rows = batch.rows();
    state.build.table->find(keys, state.rows, &state.runs);
    state.row = 0;
    state.offset = 0;
    state.row_matched = false;
    if (filters_left() && spec_->condition) {
      state.marks.assign(static_cast<size_t>(state.rows), 0);
    }
    if (spec_->null_aware) state.key = keys[0];
  }

  // True when the input has more to give.
  bool step(const Chunk& input, JoinProbeState& state, Chunk* output) const {
    if (!spec_->condition) {
      if (filters_left()) {
        mark_left(state);
        filter_left(input, state, output);
        return false;
      }
      if (state.build.table->unique()) {
        pair_unique(input, state, output);
        return false;
      }
      if (only_marks_right()) {
        mark_runs(state);
        make_empty(output);
        return false;
      }
      if (spec_->type == JoinType::kSingle) refuse_second_matches(state);
    }
    bool more = true;
    state.out_left.clear();
    state.out_right.clear();
    state.out_missing = false;
    const size_t wanted = static_cast<size_t>(state.build.chunk_rows + 1) / 2;
    for (int block = 0; more && block < kBlocksPerCall && state.out_left.size() < wanted; ++block) {
      more = fill_block(state);
      if (state.left_rows.empty()) continue;
      if (spec_->condition) check_pairs(input, state);
      use_pairs(state);
    }
    if (filters_left()) {
      if (more) {
        make_empty(output);
      } else {
        filter_left(input, state, output);
      }
    } else if (only_marks_right() || state.out_left.empty()) {
      make_empty(output);
    } else {
      gather(input, state, output);
    }
    return more;
  }

  // The next candidates, at most a chunk of them together with what goes out already. False after
  // the last one.
  bool fill_block(JoinProbeState& state) const {
    state.left_rows.clear();
    state.right_rows.clear();
    const auto most =
        static_cast<size_t>(state.build.chunk_rows) -
        std::min<size_t>(state.out_left.size(), static_cast<size_t>(state.build.chunk_rows) - 1);
    const uint32_t* run_rows = state.build.table->run_rows();
    const bool unique = state.build.table->unique();
    const bool skips_marked = filters_left();
    const bool skips_matched = only_marks_right();
    const bool keeps_left = spec_->keeps_left_rows();
    size_t looked_at = 0;
    while (state.row < state.rows && looked_at < most) {
      const auto at = static_cast<size_t>(state.row);
      const uint32_t count =
          unique ? (state.runs.first[at] != kNoRow ? 1 : 0) : state.runs.count[at];
      if (count == 0 && keeps_left) {
        state.left_rows.push_back(static_cast<uint32_t>(state.row));
        state.right_rows.push_back(kNoRow);
        ++looked_at;
      }
      if (state.offset < count && !(skips_marked && state.marks[at])) {
        const auto take_rows =
            static_cast<uint32_t>(std::min<size_t>(count - state.offset, most - looked_at));
        looked_at += take_rows;
        const uint32_t place = state.runs.first[at] + state.offset;
        for (uint32_t j = 0; j < take_rows; ++j) {
          const uint32_t right = run_rows == nullptr ? place + j : run_rows[place + j];
          if (skips_matched && is_matched(state, right)) continue;
          state.left_rows.push_back(static_cast<uint32_t>(state.row));
          state.right_rows.push_back(right);
        }
        state.offset += take_rows;
        if (state.offset < count) continue;
      }
      ++state.row;
      state.offset = 0;
    }
    return state.row < state.rows;
  }

  // Fills `passed`.
  void check_pairs(const Chunk& input, JoinProbeState& state) const {
    const auto count = static_cast<int64_t>(state.left_rows.size());
    Chunk pairs;
    pairs.rows = count;
    pairs.columns.resize(spec_->left_types.size() + spec_->right_types.size());
    const bool one_left = state.left_rows.front() == state.left_rows.back();
    if (one_left) {
      // One row against many: it is not copied, and neither are right rows that lie together.
      const uint32_t row = physical_row(input, state.left_rows.front());
      for (size_t c : spec_->condition_left) {
        pairs.columns[c] = Column::constant(input.columns[c]->value(row), count);
      }
    } else {
      const auto rows = physical_rows(input, state.left_rows);
      for (size_t c : spec_->condition_left) {
        pairs.columns[c] = take(input.columns[c], rows->data(), count);
      }
    }
    const uint32_t first = state.right_rows.front();
    const bool has_missing = spec_->keeps_left_rows() &&
                             std::find(state.right_rows.begin(), state.right_rows.end(), kNoRow) !=
                                 state.right_rows.end();
    const bool neighbours = one_left && !has_missing &&
                            state.right_rows.back() - first == static_cast<uint64_t>(count - 1);
    for (size_t c : spec_->condition_right) {
      const ColumnPtr& column = state.build.columns[c];
      pairs.columns[spec_->left_types.size() + c] =
          neighbours ? column->slice(first, count)
                     : take_or_null(column, state.right_rows.data(), count, has_missing);
    }
    EvaluationBatch batch(pairs);
    if (has_missing) {
      // Rows without candidates meet no condition, not even one that fails.
      std::vector<uint32_t> candidates;
      for (uint32_t i = 0; i < count; ++i) {
        if (state.right_rows[i] != kNoRow) candidates.push_back(i);
      }
      EvaluationBatch subset(batch, candidates);
      check(subset, &state.passed);
      for (uint32_t& pair : state.passed) pair = candidates[pair];
    } else {
      check(batch, &state.passed);
    }
  }

  void check(EvaluationBatch& batch, std::vector<uint32_t>* passed) const {
    passed->clear();
    if (batch.rows() == 0) return;
    const ColumnPtr holds = evaluate(*spec_->condition, batch);
    if (holds->type().is_null()) return;
    select_true(*(holds->is_dictionary() ? flatten(holds) : holds), passed);
  }

  // Marks what the pairs of the block say, or puts them out.
  void use_pairs(JoinProbeState& state) const {
    const bool all_pass = !spec_->condition;
    if (filters_left()) {
      for (uint32_t pair : state.passed) state.marks[state.left_rows[pair]] = 1;
      return;
    }
    if (only_marks_right()) {
      for (uint32_t pair : state.passed) mark(state, state.right_rows[pair]);
      return;
    }
    if (!spec_->keeps_left_rows() || all_pass) {
      const auto put = [&](size_t pair) {
        state.out_left.push_back(state.left_rows[pair]);
        state.out_right.push_back(state.right_rows[pair]);
        if (state.right_rows[pair] == kNoRow) {
          state.out_missing = true;
        } else if (state.build.matched) {
          mark(state, state.right_rows[pair]);
        }
      };
      if (all_pass) {
        for (size_t pair = 0; pair < state.left_rows.size(); ++pair) put(pair);
      } else {
        for (uint32_t pair : state.passed) put(pair);
      }
      return;
    }
    keep_left_rows(state);
  }

  // A condition and every left row: one comes out alone when its last candidate has failed too.
  void keep_left_rows(JoinProbeState& state) const {
    size_t next_passed = 0;
    const size_t pairs = state.left_rows.size();
    for (size_t pair = 0; pair < pairs; ++pair) {
      const uint32_t row = state.left_rows[pair];
      if (next_passed < state.passed.size() && state.passed[next_passed] == pair) {
        ++next_passed;
        if (state.row_matched && spec_->type == JoinType::kSingle) refuse_second_match();
        state.row_matched = true;
        state.out_left.push_back(row);
        state.out_right.push_back(state.right_rows[pair]);
        if (state.build.matched) mark(state, state.right_rows[pair]);
      }
      const bool last_of_block = pair + 1 == pairs || state.left_rows[pair + 1] != row;
      if (!last_of_block || row >= state.row) continue;  // the row goes on
      if (!state.row_matched) {
        state.out_left.push_back(row);
        state.out_right.push_back(kNoRow);
        state.out_missing = true;
      }
      state.row_matched = false;
    }
  }

  [[noreturn]] static void refuse_second_match() {
    throw Error(
        ErrorKind::kSqlSemantic,
        "a subquery used as a value gave more than one row for one row of the query around "
        "it; make it give one row, with an aggregate like max() or with LIMIT 1, or use IN");
  }

  static void refuse_second_matches(const JoinProbeState& state) {
    for (int64_t i = 0; i < state.rows; ++i) {
      if (state.runs.count[static_cast<size_t>(i)] > 1) refuse_second_match();
    }
  }

  static bool is_matched(const JoinProbeState& state, uint32_t row) {
    return state.build.matched[row].load(std::memory_order_relaxed) != 0;
  }
  static void mark(JoinProbeState& state, uint32_t row) {
    std::atomic<uint8_t>& matched = state.build.matched[row];
    if (matched.load(std::memory_order_relaxed) == 0) matched.store(1, std::memory_order_relaxed);
  }

  // Every row of every run met. A run is marked from its end, so its first row tells whether all
  // of it was marked.
  static void mark_runs(JoinProbeState& state) {
    const uint32_t* run_rows = state.build.table->run_rows();
    for (int64_t i = 0; i < state.rows; ++i) {
      const uint32_t count = state.runs.count[static_cast<size_t>(i)];  // of keys not unique
      const uint32_t first = state.runs.first[static_cast<size_t>(i)];
      const auto row_at = [&](uint32_t place) {
        return run_rows == nullptr ? place : run_rows[place];
      };
      if (count == 0 || is_matched(state, row_at(first))) continue;
      for (uint32_t j = count; j > 0; --j) mark(state, row_at(first + j - 1));
    }
  }

  static uint32_t physical_row(const Chunk& input, uint32_t row) {
    return input.selection ? (*input.selection)[row] : row;
  }
  static void to_physical_rows(const Chunk& input, std::vector<uint32_t>* rows) {
    if (!input.selection) return;
    for (uint32_t& row : *rows) row = (*input.selection)[row];
  }
  static SelectionPtr physical_rows(const Chunk& input, const std::vector<uint32_t>& rows) {
    auto out = new_selection();
    *out = rows;
    to_physical_rows(input, out.get());
    return out;
  }

  void put_left_columns(const Chunk& input, Chunk* output) const {
    for (size_t c = 0; c < input.columns.size(); ++c) {
      output->columns.push_back(spec_->left_wanted[c]
                                    ? input.columns[c]
                                    : Column::nulls(spec_->left_types[c], input.rows));
    }
  }

  static void mark_left(JoinProbeState& state) {
    const auto rows = static_cast<size_t>(state.rows);
    state.marks.resize(rows);
    uint8_t* marks = state.marks.data();
    const uint32_t* first = state.runs.first.data();
    for (size_t i = 0; i < rows; ++i) marks[i] = first[i] != kNoRow;
  }

  // kSemi, kAnti, kMark by `marks`.
  void filter_left(const Chunk& input, JoinProbeState& state, Chunk* output) const {
    const auto rows = static_cast<size_t>(state.rows);
    const uint8_t* matches = state.marks.data();
    put_left_columns(input, output);
    output->rows = input.rows;
    // x NOT IN (...) is NULL, so not true, where x is NULL, or where a NULL might have been x.
    const bool null_aware = spec_->null_aware && state.build.has_rows;
    const auto is_unknown = [&](size_t i) {
      return null_aware && matches[i] == 0 &&
             (state.build.has_null_key ||
              (!spec_->keys[0].null_equals_null && state.key->is_null(static_cast<int64_t>(i))));
    };
    if (spec_->type == JoinType::kMark) {
      output->selection = input.selection;
      auto marks = Buffer::allocate(static_cast<size_t>(input.rows));
      std::fill_n(marks->mutable_data(), input.rows, uint8_t{0});
      auto present = Buffer::allocate(static_cast<size_t>((input.rows + 63) / 64 * 8));
      std::fill_n(present->mutable_data(), present->size_bytes(), uint8_t{0xFF});
      bool any_unknown = false;
      for (size_t i = 0; i < rows; ++i) {
        const uint32_t at = physical_row(input, static_cast<uint32_t>(i));
        marks->mutable_data()[at] = matches[i] != 0 ? 1 : 0;
        if (!is_unknown(i)) continue;
        clear_bit(present->mutable_data(), at);
        any_unknown = true;
      }
      output->columns.push_back(
          Column::flat(DataType(TypeId::kBool), input.rows, std::move(marks), 0,
                       any_unknown ? Validity(std::move(present), 0) : Validity()));
      return;
    }
    const uint8_t wanted = spec_->type == JoinType::kSemi ? 1 : 0;
    auto kept = new_selection();
    kept->resize(rows);
    size_t count = 0;
    for (size_t i = 0; i < rows; ++i) {
      (*kept)[count] = static_cast<uint32_t>(i);
      count += matches[i] == wanted && (!null_aware || wanted != 0 || !is_unknown(i)) ? 1 : 0;
    }
    if (count == rows) {
      output->selection = input.selection;
      return;
    }
    kept->resize(count);
    to_physical_rows(input, kept.get());
    output->selection = std::move(kept);
  }

  // No row has two matches and there is no condition: left columns stay where they are unless few
  // rows are left of them.
  void pair_unique(const Chunk& input, JoinProbeState& state, Chunk* output) const {
    const auto rows = static_cast<size_t>(state.rows);
    const uint32_t* first = state.runs.first.data();
    if (state.build.matched) {
      for (size_t i = 0; i < rows; ++i) {
        if (first[i] != kNoRow) mark(state, first[i]);
      }
      if (only_marks_right()) {
        make_empty(output);
        return;
      }
    }
    auto kept = new_selection();
    kept->resize(rows);
    size_t found = 0;
    for (size_t i = 0; i < rows; ++i) {
      (*kept)[found] = static_cast<uint32_t>(i);
      found += first[i] != kNoRow ? 1 : 0;
    }
    const bool keeps_left = spec_->keeps_left_rows();
    state.out_missing = keeps_left && found < rows;
    if (found == 0 && !keeps_left) {
      make_empty(output);
      return;
    }
    const auto input_rows = static_cast<size_t>(input.rows);
    if ((keeps_left ? rows : found) * 2 < input_rows) {
      if (keeps_left) {
        state.out_left.resize(rows);
        std::iota(state.out_left.begin(), state.out_left.end(), 0u);
        state.out_right.assign(first, first + rows);
      } else {
        state.out_left.assign(kept->begin(), kept->begin() + static_cast<std::ptrdiff_t>(found));
        state.out_right.resize(found);
        for (size_t i = 0; i < found; ++i) state.out_right[i] = first[state.out_left[i]];
      }
      gather(input, state, output);
      return;
    }
    put_left_columns(input, output);
    output->rows = input.rows;
    if (keeps_left || found == rows) {
      output->selection = input.selection;
    } else {
      kept->resize(found);
      to_physical_rows(input, kept.get());
      output->selection = std::move(kept);
    }
    const uint32_t* right = first;
    if (rows < input_rows || (found < rows && !keeps_left)) {
      // Rows that do not count get the first build row.
      state.right_rows.assign(input_rows, 0);
      uint32_t* spread = state.right_rows.data();
      if (!input.selection) {
        for (size_t i = 0; i < rows; ++i) spread[i] = first[i] == kNoRow ? 0 : first[i];
      } else {
        const uint32_t absent = keeps_left ? kNoRow : 0;
        for (size_t i = 0; i < rows; ++i) {
          spread[(*input.selection)[i]] = first[i] == kNoRow ? absent : first[i];
        }
      }
      right = spread;
    }
    put_right_columns(state, right, input.rows, output);
  }

  void put_right_columns(const JoinProbeState& state, const uint32_t* rows, int64_t count,
                         Chunk* output) const {
    for (size_t c = 0; c < spec_->right_types.size(); ++c) {
      output->columns.push_back(
          spec_->right_wanted[c]
              ? take_or_null(state.build.columns[c], rows, count, state.out_missing)
              : Column::nulls(spec_->right_types[c], count));
    }
  }

  void gather(const Chunk& input, const JoinProbeState& state, Chunk* output) const {
    output->rows = static_cast<int64_t>(state.out_left.size());
    const auto rows = physical_rows(input, state.out_left);
    for (size_t c = 0; c < input.columns.size(); ++c) {
      output->columns.push_back(spec_->left_wanted[c]
                                    ? take(input.columns[c], rows->data(), output->rows)
                                    : Column::nulls(spec_->left_types[c], output->rows));
    }
    put_right_columns(state, state.out_right.data(), output->rows, output);
  }

  // The output's columns without rows.
  void make_empty(Chunk* output) const {
    if (gives_left_columns(spec_->type)) {
      for (const DataType& type : spec_->left_types) {
        output->columns.push_back(Column::nulls(type, 0));
      }
    }
    if (gives_right_columns(spec_->type)) {
      for (const DataType& type : spec_->right_types) {
        output->columns.push_back(Column::nulls(type, 0));
      }
    }
    if (spec_->type == JoinType::kMark) {
      output->columns.push_back(Column::nulls(DataType(TypeId::kBool), 0));
    }
  }

  std::shared_ptr<const JoinSpec> spec_;
  size_t build_pipeline_;
};

}  // namespace

std::unique_ptr<TransformOperator> make_join_probe(std::shared_ptr<const JoinSpec> spec,
                                                   size_t build_pipeline) {
  return std::make_unique<JoinProbe>(std::move(spec), build_pipeline);
}

}  // namespace velaria
