#include "src/exec/join/key_filter.h"

#include <algorithm>

#include "src/column/selection_recycling.h"
#include "src/exec/join/join_build.h"
#include "src/expr/evaluator.h"
#include "src/kernel/take.h"
#include "src/plan/condition_cost.h"

namespace velaria {

namespace {

// Left rows without a match change nothing.
bool needs_matches(JoinType type) {
  switch (type) {
    case JoinType::kInner:
    case JoinType::kSemi:
    case JoinType::kRight:
    case JoinType::kRightSemi:
    case JoinType::kRightAnti: return true;
    default: return false;
  }
}

// Whether a left row decides by itself what becomes of it, so that others may be missing.
bool left_rows_stand_alone(JoinType type) {
  return type == JoinType::kInner || type == JoinType::kLeft || type == JoinType::kSemi ||
         type == JoinType::kAnti || type == JoinType::kMark;
}

class KeyFilterState : public TransformState {
 public:
  explicit KeyFilterState(const JoinTable* built) : table(built), off(built == nullptr) {}
  const JoinTable* table;
  JoinRuns scratch;
  std::vector<uint8_t> matches;
  int64_t seen_rows = 0;
  int64_t kept_rows = 0;
  bool off;
};

class KeyFilter : public TransformOperator {
 public:
  KeyFilter(std::vector<size_t> columns, size_t build_pipeline)
      : columns_(std::move(columns)), build_pipeline_(build_pipeline) {}

  std::unique_ptr<TransformState> new_state(const PipelineStates& states) const override {
    // A build side on disk has no table.
    return std::make_unique<KeyFilterState>(
        static_cast<const JoinBuildState&>(*states[build_pipeline_]).table.get());
  }

  TransformResult process(const Chunk& input, TransformState* base, Chunk* output) const override {
    auto& state = static_cast<KeyFilterState&>(*base);
    *output = input;
    const int64_t rows = input.selected_rows();
    if (state.off || rows == 0) return TransformResult::kNeedInput;
    EvaluationBatch batch(input);
    std::vector<ColumnPtr> keys;
    for (size_t column : columns_) keys.push_back(flatten(batch.column(column)));
    state.matches.resize(static_cast<size_t>(rows));
    state.table->may_match(keys, rows, &state.scratch, state.matches.data());
    auto kept = new_selection();
    kept->resize(static_cast<size_t>(rows));
    size_t count = 0;
    for (uint32_t i = 0; i < rows; ++i) {
      (*kept)[count] = i;
      count += state.matches[i];
    }
    note(rows, static_cast<int64_t>(count), state);
    if (static_cast<int64_t>(count) == rows) return TransformResult::kNeedInput;
    kept->resize(count);
    if (input.selection) {
      for (uint32_t& row : *kept) row = (*input.selection)[row];
    }
    output->selection = std::move(kept);
    return TransformResult::kNeedInput;
  }

 private:
  static void note(int64_t rows, int64_t kept, KeyFilterState& state) {
    constexpr int64_t kTrialRows = 32 * 1024;
    state.seen_rows += rows;
    state.kept_rows += kept;
    if (state.seen_rows < kTrialRows) return;
    state.off = state.kept_rows * 5 > state.seen_rows * 4;
    state.seen_rows = state.kept_rows = 0;
  }

  std::vector<size_t> columns_;
  size_t build_pipeline_;
};

}  // namespace

namespace {

// Whether a filter's condition is computed as quickly as rows are looked up in a table of as many
// keys: then it comes first.
bool is_cheaper_than_keys(const FilterPlan& filter, size_t keys) {
  constexpr double kOneKeyCost = 3;
  constexpr double kSeveralKeysCost = 12;
  return condition_cost(*filter.condition()) <= (keys == 1 ? kOneKeyCost : kSeveralKeysCost);
}

}  // namespace

std::optional<KeyFilterPlace> find_key_filter_place(const JoinPlan& plan) {
  if (plan.keys().empty() || !needs_matches(plan.type())) return std::nullopt;
  std::vector<size_t> columns;
  for (const JoinKey& key : plan.keys()) {
    if (key.left->kind != BoundKind::kColumn) return std::nullopt;
    columns.push_back(key.left->column);
  }
  bool passed_work = false;
  // Cheap filters right above the place that is found.
  std::optional<KeyFilterPlace> above_filter;
  for (const LogicalPlan* node = plan.left().get();; node = node->children()[0].get()) {
    switch (node->kind()) {
      case PlanKind::kFilter:
        if (!above_filter && passed_work &&
            is_cheaper_than_keys(static_cast<const FilterPlan&>(*node), columns.size())) {
          above_filter = KeyFilterPlace{node, columns};
        }
        continue;
      case PlanKind::kProject: {
        const auto& expressions = static_cast<const ProjectPlan&>(*node).expressions();
        for (size_t& column : columns) {
          if (expressions[column]->kind != BoundKind::kColumn) return std::nullopt;
          column = expressions[column]->column;
        }
        continue;
      }
      case PlanKind::kJoin: {
        const auto& join = static_cast<const JoinPlan&>(*node);
        if (!left_rows_stand_alone(join.type())) return std::nullopt;
        for (size_t column : columns) {
          if (column >= join.left()->schema().size()) return std::nullopt;
        }
        passed_work = true;
        above_filter.reset();
        continue;
      }
      case PlanKind::kAggregate: {
        const auto& keys = static_cast<const AggregatePlan&>(*node).keys();
        const bool by_keys = std::all_of(columns.begin(), columns.end(), [&](size_t column) {
          return column < keys.size() && keys[column]->kind == BoundKind::kColumn;
        });
        if (!by_keys) break;
        for (size_t& column : columns) column = keys[column]->column;
        passed_work = true;
        above_filter.reset();
        continue;
      }
      // Windows repeat rows and add a column; unions have several beginnings.
      case PlanKind::kTimeWindow:
      case PlanKind::kUnionAll: return std::nullopt;
      default: break;
    }
    if (!passed_work) return std::nullopt;
    if (above_filter) return above_filter;
    return KeyFilterPlace{node, std::move(columns)};
  }
}

std::unique_ptr<TransformOperator> make_key_filter(std::vector<size_t> columns,
                                                   size_t build_pipeline) {
  return std::make_unique<KeyFilter>(std::move(columns), build_pipeline);
}

}  // namespace velaria
