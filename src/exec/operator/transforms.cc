#include "src/exec/operator/transforms.h"

#include <algorithm>
#include <limits>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/column/builder.h"
#include "src/column/calendar.h"
#include "src/column/selection_recycling.h"
#include "src/expr/evaluator.h"
#include "src/expr/filter.h"
#include "src/kernel/compare.h"
#include "src/kernel/take.h"
#include "src/kernel/temporal.h"

namespace velaria {

namespace {

class FilterOperator : public TransformOperator {
 public:
  explicit FilterOperator(BoundExpressionPtr condition) : condition_(std::move(condition)) {}

  TransformResult process(const Chunk& input, TransformState*, Chunk* output) const override {
    *output = input;
    if (input.selected_rows() == 0) return TransformResult::kNeedInput;
    EvaluationBatch batch(input);
    RowMask kept;
    evaluate_mask(*condition_, batch, &kept);
    if (count_rows(kept) == batch.rows()) return TransformResult::kNeedInput;
    auto rows = new_selection();
    mask_rows(kept, rows.get());
    if (input.selection) {
      for (uint32_t& row : *rows) row = (*input.selection)[row];
    }
    output->selection = std::move(rows);
    return TransformResult::kNeedInput;
  }

 private:
  BoundExpressionPtr condition_;
};

class ProjectOperator : public TransformOperator {
 public:
  explicit ProjectOperator(std::vector<BoundExpressionPtr> expressions)
      : expressions_(std::move(expressions)),
        only_columns_(std::all_of(expressions_.begin(), expressions_.end(),
                                  [](const auto& e) { return e->kind == BoundKind::kColumn; })) {}

  TransformResult process(const Chunk& input, TransformState*, Chunk* output) const override {
    output->order = input.order;
    output->columns.reserve(expressions_.size());
    if (only_columns_) {  // renaming and dropping keep the selection: nothing is gathered yet
      output->rows = input.rows;
      output->selection = input.selection;
      for (const auto& e : expressions_) output->columns.push_back(input.columns[e->column]);
      return TransformResult::kNeedInput;
    }
    EvaluationBatch batch(input);
    output->rows = batch.rows();
    for (const auto& expression : expressions_) {
      output->columns.push_back(evaluate(*expression, batch));
    }
    return TransformResult::kNeedInput;
  }

 private:
  std::vector<BoundExpressionPtr> expressions_;
  bool only_columns_;
};

// Which part of an input chunk comes out next.
class TimeWindowState : public TransformState {
 public:
  Chunk input;  // compacted rows with a time
  ColumnPtr first_start;
  int64_t next_row = 0;
  bool active = false;
};

class TimeWindowOperator : public TransformOperator {
 public:
  TimeWindowOperator(TimeWindow window, bool panes) : window_(std::move(window)), panes_(panes) {}

  std::unique_ptr<TransformState> new_state(const PipelineStates&) const override {
    return std::make_unique<TimeWindowState>();
  }

  TransformResult process(const Chunk& input, TransformState* state_base,
                          Chunk* output) const override {
    auto& state = static_cast<TimeWindowState&>(*state_base);
    if (!state.active) {
      state.input = rows_with_time(input);
      state.next_row = 0;
      // The latest window that covers a row starts at floor(t / slide) * slide.
      const ColumnPtr& time = state.input.columns[window_.time_column];
      state.first_start = flatten(window_start(time, window_.slide_ms));
      check_width(time->type());
    }
    if (window_.slide_ms == window_.width_ms) {
      *output = state.input;
      output->columns.push_back(state.first_start);
      return TransformResult::kNeedInput;
    }
    if (panes_) {
      *output = state.input;
      output->columns.push_back(pane_starts(state));
      return TransformResult::kNeedInput;
    }
    expand(state, output);
    state.active = state.next_row < state.input.rows;
    return state.active ? TransformResult::kHaveMoreOutput : TransformResult::kNeedInput;
  }

 private:
  // As window_start() checks the slide; but width + slide fits 64 bits too.
  void check_width(const DataType& type) const {
    const Int128 exact = static_cast<Int128>(window_.width_ms) * units_per_second(type.unit());
    if (exact % 1000 == 0 && exact / 1000 <= std::numeric_limits<int64_t>::max() / 2) return;
    throw Error(ErrorKind::kSqlSemantic,
                concat("a window of ", window_.width_ms, " ms does not fit a column of type ",
                       type.to_string(),
                       exact % 1000 != 0 ? "; use a whole multiple of the column's unit"
                                         : "; use a narrower window, or a coarser unit"));
  }

  Chunk rows_with_time(const Chunk& input) const {
    Chunk compacted = compact(input);
    const ColumnPtr& time = compacted.columns[window_.time_column];
    bool any_null = false;
    for (int64_t i = 0; time->may_have_nulls() && i < compacted.rows; ++i) {
      any_null = any_null || time->is_null(i);
    }
    if (!any_null) return compacted;
    auto rows = std::make_shared<Selection>();
    for (int64_t i = 0; i < compacted.rows; ++i) {
      if (!time->is_null(i)) rows->push_back(static_cast<uint32_t>(i));
    }
    compacted.selection = std::move(rows);
    return compact(compacted);
  }

  // A pane ends where a window starts or ends: at the multiples of slide, and where the windows
  // end that do not end there.
  ColumnPtr pane_starts(const TimeWindowState& state) const {
    if (window_.width_ms % window_.slide_ms == 0) return state.first_start;
    const ColumnPtr time = flatten(state.input.columns[window_.time_column]);
    const int64_t units = units_per_second(time->type().unit());
    const auto rest = static_cast<int64_t>(
        static_cast<Int128>(window_.width_ms % window_.slide_ms) * units / 1000);
    FixedBuilder<int64_t> starts(time->type());
    const int64_t* times = time->values<int64_t>();
    const int64_t* latest = state.first_start->values<int64_t>();
    for (int64_t i = 0; i < state.input.rows; ++i) {
      starts.append(times[i] - latest[i] < rest ? latest[i] : latest[i] + rest);
    }
    return starts.finish();
  }

  // Rows [next_row, ...) with all their windows, as long as the chunk limit allows (at least a
  // row).
  void expand(TimeWindowState& state, Chunk* output) const {
    const ColumnPtr time = flatten(state.input.columns[window_.time_column]);
    const DataType& type = time->type();
    const int64_t units = units_per_second(type.unit());
    const auto width = static_cast<int64_t>(static_cast<Int128>(window_.width_ms) * units / 1000);
    const auto slide = static_cast<int64_t>(static_cast<Int128>(window_.slide_ms) * units / 1000);
    const int64_t most_windows = (width + slide - 1) / slide;
    Selection rows;
    FixedBuilder<int64_t> starts(type);
    const int64_t* times = time->values<int64_t>();
    const int64_t* latest = state.first_start->values<int64_t>();
    while (state.next_row < state.input.rows &&
           (rows.empty() || static_cast<int64_t>(rows.size()) + most_windows <= kMostChunkRows)) {
      const int64_t row = state.next_row++;
      int64_t windows = 0;
      while (windows < most_windows) {
        int64_t start = 0;
        if (__builtin_sub_overflow(latest[row], windows * slide, &start)) break;
        // Covered while t < start + width, written so that nothing overflows.
        if (times[row] - start >= width) break;
        ++windows;
      }
      for (int64_t w = windows - 1; w >= 0; --w) {
        rows.push_back(static_cast<uint32_t>(row));
        starts.append(latest[row] - w * slide);
      }
    }
    output->rows = static_cast<int64_t>(rows.size());
    for (const ColumnPtr& column : state.input.columns) {
      output->columns.push_back(take(column, rows.data(), output->rows));
    }
    output->columns.push_back(starts.finish());
  }

  TimeWindow window_;
  bool panes_;
};

}  // namespace

std::unique_ptr<TransformOperator> make_filter(BoundExpressionPtr condition) {
  return std::make_unique<FilterOperator>(std::move(condition));
}

std::unique_ptr<TransformOperator> make_project(std::vector<BoundExpressionPtr> expressions) {
  return std::make_unique<ProjectOperator>(std::move(expressions));
}

std::unique_ptr<TransformOperator> make_time_window(TimeWindow window) {
  return std::make_unique<TimeWindowOperator>(std::move(window), false);
}

std::unique_ptr<TransformOperator> make_time_panes(TimeWindow window) {
  return std::make_unique<TimeWindowOperator>(std::move(window), true);
}

}  // namespace velaria
