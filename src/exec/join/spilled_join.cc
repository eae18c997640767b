#include "src/exec/join/spilled_join.h"

#include <algorithm>
#include <numeric>

#include "src/exec/join/join_build.h"
#include "src/exec/join/join_probe.h"
#include "src/exec/scheduler.h"
#include "src/exec/spill/sorted_runs.h"
#include "src/expr/evaluator.h"
#include "src/kernel/take.h"

namespace velaria {

namespace {

// The join over left rows that carry their position behind their columns.
std::shared_ptr<const JoinSpec> with_left_position(const JoinSpec& spec) {
  auto out = std::make_shared<JoinSpec>(spec);
  const size_t left = spec.left_types.size();
  out->left_types.emplace_back(TypeId::kUInt64);
  out->left_wanted.push_back(true);
  if (spec.condition) {
    out->condition = replace_columns(spec.condition, [left](const BoundExpression& column) {
      return bound_column(column.column + (column.column >= left ? 1 : 0), column.type,
                          column.name);
    });
  }
  return out;
}

class SpilledProbeState : public SinkState {
 public:
  SpilledProbeState(const ExecutionContext& context, const JoinSpec& spec,
                    std::vector<DataType> output_types)
      : spill(spill_space(context)),
        left(spill, "the left rows of JOIN", spec.left_types),
        output(spill, "the rows of JOIN", std::move(output_types), {}) {}

  const std::shared_ptr<SpillSpace> spill;
  PartitionedRows left;
  SortedRuns output;
};

class SpilledProbeTask : public SinkTask {
 public:
  std::vector<PartitionedRows::Piece> pieces;  // still to be written
  uint64_t bytes = 0;
  PartitionedRows::Sequence on_disk;
};

class SpilledProbe : public SinkOperator {
 public:
  SpilledProbe(std::shared_ptr<const JoinSpec> spec, JoinBuildState& build)
      : spec_(std::move(spec)), with_position_(with_left_position(*spec_)), build_(build) {
    if (gives_left_columns(spec_->type)) output_types_ = spec_->left_types;
    if (gives_right_columns(spec_->type)) {
      output_types_.insert(output_types_.end(), spec_->right_types.begin(),
                           spec_->right_types.end());
    }
    if (spec_->type == JoinType::kMark) output_types_.emplace_back(TypeId::kBool);
  }

  std::unique_ptr<SinkState> new_state(const ExecutionContext& context) const override {
    return std::make_unique<SpilledProbeState>(context, *spec_, output_types_);
  }
  void begin_epoch(SinkState&) const override {}
  std::unique_ptr<SinkTask> new_task(SinkState&, size_t) const override {
    return std::make_unique<SpilledProbeTask>();
  }

  SinkResult consume(SinkState& base, SinkTask& base_task, Chunk chunk) const override {
    if (chunk.selected_rows() == 0) return SinkResult::kNeedInput;
    auto& state = static_cast<SpilledProbeState&>(base);
    auto& task = static_cast<SpilledProbeTask&>(base_task);
    EvaluationBatch batch(chunk);
    PartitionedRows::Piece piece;
    for (const JoinKey& key : spec_->keys) piece.keys.push_back(evaluate(*key.left, batch));
    append_positions(chunk, &piece.positions);
    for (size_t c = 0; c < spec_->left_types.size(); ++c) {
      const auto& in_condition = spec_->condition_left;
      const bool read =
          spec_->left_wanted[c] || is_key_column(c) ||
          std::find(in_condition.begin(), in_condition.end(), c) != in_condition.end();
      piece.columns.push_back(read ? batch.column(c) : nullptr);
      if (read) task.bytes += static_cast<uint64_t>(piece.columns.back()->estimated_bytes());
    }
    task.pieces.push_back(std::move(piece));
    // So much that a part's share of it is worth a frame.
    constexpr uint64_t kBytesBetweenWrites = kSpillPartitions * SpillFile::kFrameBytes / 2;
    if (task.bytes > kBytesBetweenWrites || state.spill->is_too_much(task.bytes)) {
      write(state, task);
    }
    return SinkResult::kNeedInput;
  }

  void combine(SinkState& base, std::unique_ptr<SinkTask> base_task) const override {
    auto& state = static_cast<SpilledProbeState&>(base);
    auto& task = static_cast<SpilledProbeTask&>(*base_task);
    write(state, task);
    state.left.add(std::move(task.on_disk));
  }

  void finish(SinkState& base, const ExecutionContext& context) const override {
    auto& state = static_cast<SpilledProbeState&>(base);
    run_parallel(kSpillPartitions, [&](size_t part) { probe_part(state, part, context); }, context);
    state.output.merge_down(context);
  }

  std::unique_ptr<TableScan> result(SinkState& base, const ScanRequest& request) const override {
    auto& state = static_cast<SpilledProbeState&>(base);
    ScanRequest all = request;
    all.columns.resize(output_types_.size());
    std::iota(all.columns.begin(), all.columns.end(), size_t{0});
    return state.output.scan(all, 0, state.output.rows());
  }
  int64_t result_rows(const SinkState& base) const override {
    return static_cast<const SpilledProbeState&>(base).output.rows();
  }

 private:
  bool is_key_column(size_t column) const {
    bool read = false;
    for (const JoinKey& key : spec_->keys) {
      visit_columns(*key.left, [&](size_t c) { read |= c == column; });
    }
    return read;
  }

  static void write(SpilledProbeState& state, SpilledProbeTask& task) {
    state.left.write(std::move(task.pieces), &task.on_disk);
    task.pieces = {};
    task.bytes = 0;
  }

  void probe_part(SpilledProbeState& state, size_t number, const ExecutionContext& context) const {
    int64_t left_rows = 0;
    for (const auto& sequence : state.left.sequences()) {
      for (const SpillFrame& frame : sequence.parts[number]) left_rows += frame.rows;
    }
    if (left_rows == 0) return;
    PipelineStates states;
    states.push_back(build_.load_part(number, context));
    auto& part = static_cast<JoinBuildState&>(*states[0]);
    const auto probe = make_join_probe(with_position_, 0);
    for (const auto& sequence : state.left.sequences()) {
      const std::unique_ptr<TransformState> probe_state = probe->new_state(states);
      SortedRuns::Run run;
      for (const SpillFrame& frame : sequence.parts[number]) {
        const Chunk left = state.left.read(frame);
        TransformResult result = TransformResult::kHaveMoreOutput;
        while (result == TransformResult::kHaveMoreOutput) {
          if (context.cancellation != nullptr) context.cancellation->throw_if_cancelled();
          if (context.pool == nullptr && context.interrupt_check) context.interrupt_check();
          Chunk out;
          result = probe->process(left, probe_state.get(), &out);
          if (out.selected_rows() > 0) put_out(state, out, &run);
        }
      }
      state.output.add(std::move(run));
    }
    if (part.matched) note_matches(part, number);
  }

  // The position goes from behind the left columns to the end. There may be no other column.
  void put_out(SpilledProbeState& state, const Chunk& joined, SortedRuns::Run* run) const {
    if (!gives_left_columns(spec_->type)) return;
    Chunk out = compact(joined);
    const auto at = out.columns.begin() + static_cast<std::ptrdiff_t>(spec_->left_types.size());
    std::rotate(at, at + 1, out.columns.end());
    state.output.append(out, run);
  }

  void note_matches(const JoinBuildState& part, size_t number) const {
    std::vector<uint8_t>& matched = build_.spilled->matched[number];
    matched.resize(static_cast<size_t>(part.rows), 0);
    for (size_t row = 0; row < matched.size(); ++row) {
      matched[row] |= part.matched[row].load(std::memory_order_relaxed);
    }
  }

  const std::shared_ptr<const JoinSpec> spec_;
  const std::shared_ptr<const JoinSpec> with_position_;
  JoinBuildState& build_;
  std::vector<DataType> output_types_;
};

}  // namespace

std::unique_ptr<SinkOperator> make_spilled_probe(std::shared_ptr<const JoinSpec> spec,
                                                 JoinBuildState& build) {
  return std::make_unique<SpilledProbe>(std::move(spec), build);
}

}  // namespace velaria
