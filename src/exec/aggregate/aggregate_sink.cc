#include "src/exec/aggregate/aggregate_sink.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <numeric>
#include <utility>

#include "src/base/error.h"
#include "src/column/builder.h"
#include "src/exec/aggregate/accumulator.h"
#include "src/exec/aggregate/group_order.h"
#include "src/exec/aggregate/group_table.h"
#include "src/exec/aggregate/row_groups.h"
#include "src/exec/scheduler.h"
#include "src/expr/evaluator.h"
#include "src/expr/filter.h"
#include "src/kernel/compare.h"
#include "src/kernel/take.h"

namespace velaria {

namespace {

struct AggregateSpec {
  std::vector<BoundExpressionPtr> keys;
  std::vector<BoundAggregate> aggregates;
  std::vector<DataType> key_types;
  AggregateOptions options;
};

// Groups and their running values. Without keys there is exactly one group, number 0.
class AggregateTable {
 public:
  explicit AggregateTable(const AggregateSpec& spec) : spec_(spec) {
    if (!spec.keys.empty()) groups_ = GroupTable::make(spec.key_types, spec.options.table);
    for (const BoundAggregate& aggregate : spec.aggregates) {
      accumulators_.push_back(Accumulator::make(aggregate));
    }
    if (!groups_) grow(1);
  }

  uint32_t size() const { return groups_ ? groups_->size() : 1; }
  uint64_t first_position(uint32_t group) const { return first_positions_[group]; }
  const std::vector<uint32_t>& touched() const { return touched_; }
  std::vector<uint64_t> hashes() const { return groups_->hashes(); }
  std::string_view layout() const { return groups_->layout(); }
  void make_general() { groups_->make_general(); }

  void begin_epoch() {
    touched_.clear();
    ++epoch_;
  }
  void track_touched() { tracks_touched_ = true; }

  void add(const Chunk& chunk) {
    const int64_t rows = chunk.selected_rows();
    if (rows == 0) return;
    EvaluationBatch batch(chunk);
    const uint32_t* ids = nullptr;
    if (groups_) {
      std::vector<ColumnPtr> keys;
      for (const auto& key : spec_.keys) {
        ColumnPtr column = evaluate(*key, batch);
        keys.push_back(column->is_dictionary() ? flatten(column) : std::move(column));
      }
      ids_.resize(static_cast<size_t>(rows));
      const uint32_t before = groups_->size();
      groups_->find_or_add(keys, rows, ids_.data());
      ids = ids_.data();
      if (groups_->size() > before) note_first_positions(chunk, before, rows);
    }
    if (tracks_touched_) touch(ids, rows);
    positions_.clear();
    for (size_t a = 0; a < accumulators_.size(); ++a) {
      add_aggregate(spec_.aggregates[a], *accumulators_[a], chunk, batch, ids, rows);
    }
  }

  // Adds the given groups of another table.
  void merge(const AggregateTable& other, const std::vector<uint32_t>& from) {
    const auto count = static_cast<int64_t>(from.size());
    std::vector<uint32_t> to(from.size(), 0);
    if (groups_) {
      groups_->find_or_add_groups(*other.groups_, from.data(), count, to.data());
      grow(groups_->size());
      for (size_t i = 0; i < from.size(); ++i) {
        uint64_t& first = first_positions_[to[i]];
        first = std::min(first, other.first_positions_[from[i]]);
      }
    }
    if (tracks_touched_) touch(groups_ ? to.data() : nullptr, count);
    for (size_t a = 0; a < accumulators_.size(); ++a) {
      accumulators_[a]->merge(*other.accumulators_[a], from.data(), to.data(), count);
    }
  }

  // Adds the groups of panes to the windows that cover them, in the order of their first rows.
  void merge_panes(const AggregateTable& panes, const GroupWindows& windows,
                   std::optional<int64_t> horizon) {
    std::vector<uint32_t> order(panes.size());
    std::iota(order.begin(), order.end(), 0u);
    std::sort(order.begin(), order.end(), [&panes](uint32_t a, uint32_t b) {
      return panes.first_positions_[a] < panes.first_positions_[b];
    });
    const auto count = static_cast<int64_t>(order.size());
    const std::vector<ColumnPtr> pane_keys = panes.groups_->keys(order.data(), count);
    const int64_t* pane_starts = pane_keys[windows.key]->values<int64_t>();
    std::vector<uint32_t> rows;
    std::vector<int64_t> starts;
    for (size_t i = 0; i < order.size(); ++i) {
      append_windows_of_pane(windows, pane_starts[i], horizon, &starts);
      rows.resize(starts.size(), static_cast<uint32_t>(i));
      constexpr size_t kPairsAtATime = 8192;
      if (starts.size() < kPairsAtATime && i + 1 < order.size()) continue;
      merge_pairs(panes, windows.key, order, pane_keys, rows, starts);
      rows.clear();
      starts.clear();
    }
  }

  // The start of each of the given groups' window.
  ColumnPtr window_starts(size_t key, uint32_t from) const {
    std::vector<uint32_t> groups(size() - from);
    std::iota(groups.begin(), groups.end(), from);
    return groups_->keys(groups.data(), static_cast<int64_t>(groups.size()))[key];
  }

  std::vector<ColumnPtr> result(const uint32_t* groups, int64_t count) const {
    std::vector<ColumnPtr> out;
    if (groups_) out = groups_->keys(groups, count);
    for (const auto& accumulator : accumulators_) out.push_back(accumulator->result(groups, count));
    return out;
  }

  Chunk snapshot() const {
    std::vector<uint32_t> all(size());
    std::iota(all.begin(), all.end(), 0u);
    // Tasks number groups as they meet them; what is written down is the order that they have.
    std::stable_sort(all.begin(), all.end(), [this](uint32_t a, uint32_t b) {
      return first_positions_[a] < first_positions_[b];
    });
    const auto count = static_cast<int64_t>(all.size());
    Chunk out;
    out.rows = count;
    if (groups_) out.columns = groups_->keys(all.data(), count);
    for (const auto& accumulator : accumulators_) {
      for (ColumnPtr& column : accumulator->state(all.data(), count)) {
        out.columns.push_back(std::move(column));
      }
    }
    return out;
  }

  void restore(const Chunk& snapshot) {
    size_t next = 0;
    if (groups_) {
      std::vector<ColumnPtr> keys(
          snapshot.columns.begin(),
          snapshot.columns.begin() + static_cast<std::ptrdiff_t>(spec_.keys.size()));
      next = spec_.keys.size();
      ids_.resize(static_cast<size_t>(snapshot.rows));
      groups_->find_or_add(keys, snapshot.rows, ids_.data());
      if (groups_->size() != snapshot.rows) {
        throw Error(ErrorKind::kCheckpoint, "the checkpoint holds the same group twice");
      }
      // The order of the groups written down goes on to be their order.
      for (uint32_t group = 0; group < groups_->size(); ++group) first_positions_.push_back(group);
    }
    for (const auto& accumulator : accumulators_) {
      const size_t width = accumulator->state(nullptr, 0).size();
      if (next + width > snapshot.columns.size()) {
        throw Error(ErrorKind::kCheckpoint, "the checkpoint holds too few state columns");
      }
      accumulator->restore({snapshot.columns.begin() + static_cast<std::ptrdiff_t>(next),
                            snapshot.columns.begin() + static_cast<std::ptrdiff_t>(next + width)});
      accumulator->grow(size());
      next += width;
    }
    touched_epochs_.assign(size(), 0);
  }

  uint64_t memory_bytes() const {
    uint64_t bytes = groups_ ? groups_->memory_bytes() : 0;
    for (const auto& accumulator : accumulators_) bytes += accumulator->memory_bytes();
    return bytes + first_positions_.capacity() * 8 + touched_epochs_.capacity() * 8;
  }

 private:
  void grow(uint32_t groups) {
    for (const auto& accumulator : accumulators_) accumulator->grow(groups);
    first_positions_.resize(groups, ~uint64_t{0});
  }

  void merge_pairs(const AggregateTable& panes, size_t key, const std::vector<uint32_t>& order,
                   const std::vector<ColumnPtr>& pane_keys, const std::vector<uint32_t>& rows,
                   const std::vector<int64_t>& starts) {
    const auto count = static_cast<int64_t>(rows.size());
    if (count == 0) return;
    std::vector<ColumnPtr> keys;
    for (size_t k = 0; k < pane_keys.size(); ++k) {
      if (k != key) {
        keys.push_back(take(pane_keys[k], rows.data(), count));
        continue;
      }
      FixedBuilder<int64_t> builder(pane_keys[k]->type());
      for (const int64_t start : starts) builder.append(start);
      keys.push_back(builder.finish());
    }
    std::vector<uint32_t> from(rows.size());
    for (size_t i = 0; i < rows.size(); ++i) from[i] = order[rows[i]];
    ids_.resize(rows.size());
    groups_->find_or_add(keys, count, ids_.data());
    grow(groups_->size());
    for (size_t i = 0; i < rows.size(); ++i) {
      uint64_t& first = first_positions_[ids_[i]];
      first = std::min(first, panes.first_positions_[from[i]]);
    }
    if (tracks_touched_) touch(ids_.data(), count);
    for (size_t a = 0; a < accumulators_.size(); ++a) {
      accumulators_[a]->merge(*panes.accumulators_[a], from.data(), ids_.data(), count);
    }
  }

  void note_first_positions(const Chunk& chunk, uint32_t before, int64_t rows) {
    grow(groups_->size());
    uint32_t next = before;
    for (int64_t i = 0; i < rows && next < groups_->size(); ++i) {
      if (ids_[static_cast<size_t>(i)] != next) continue;
      const uint32_t row =
          chunk.selection ? (*chunk.selection)[static_cast<size_t>(i)] : static_cast<uint32_t>(i);
      first_positions_[next++] = row_position(chunk.order, row);
    }
  }

  void touch(const uint32_t* ids, int64_t rows) {
    touched_epochs_.resize(size(), 0);
    for (int64_t i = 0; i < rows; ++i) {
      const uint32_t group = ids == nullptr ? 0 : ids[i];
      if (touched_epochs_[group] == epoch_) continue;
      touched_epochs_[group] = epoch_;
      touched_.push_back(group);
      if (ids == nullptr) return;
    }
  }

  void add_aggregate(const BoundAggregate& aggregate, Accumulator& accumulator, const Chunk& chunk,
                     EvaluationBatch& batch, const uint32_t* ids, int64_t rows) {
    AggregateRows out;
    if (accumulator.reads_positions() && positions_.empty()) note_positions(chunk, rows);
    if (!aggregate.filter) {
      evaluate_parts(aggregate, batch, &out);
      out.ids = ids;
      out.positions = positions_.empty() ? nullptr : positions_.data();
      out.rows = rows;
      accumulator.add_rows(out);
      return;
    }
    RowMask chosen;
    evaluate_mask(*aggregate.filter, batch, &chosen);
    std::vector<uint32_t> kept;
    mask_rows(chosen, &kept);
    EvaluationBatch subset(batch, kept);
    evaluate_parts(aggregate, subset, &out);
    std::vector<uint32_t> kept_ids;
    std::vector<uint64_t> kept_positions;
    for (uint32_t row : kept) {
      if (ids != nullptr) kept_ids.push_back(ids[row]);
      if (!positions_.empty()) kept_positions.push_back(positions_[row]);
    }
    out.ids = ids == nullptr ? nullptr : kept_ids.data();
    out.positions = positions_.empty() ? nullptr : kept_positions.data();
    out.rows = static_cast<int64_t>(kept.size());
    accumulator.add_rows(out);
  }

  static void evaluate_parts(const BoundAggregate& aggregate, EvaluationBatch& batch,
                             AggregateRows* out) {
    const auto evaluate_part = [&](const BoundExpression& expression) {
      ColumnPtr column = evaluate(expression, batch);
      return column->is_dictionary() ? flatten(column) : column;
    };
    for (const auto& argument : aggregate.arguments) {
      out->arguments.push_back(evaluate_part(*argument));
    }
    for (const BoundSortKey& key : aggregate.order_by) {
      out->order_keys.push_back(evaluate_part(*key.expression));
    }
  }

  void note_positions(const Chunk& chunk, int64_t rows) {
    positions_.reserve(static_cast<size_t>(rows));
    for (int64_t i = 0; i < rows; ++i) {
      const uint32_t row =
          chunk.selection ? (*chunk.selection)[static_cast<size_t>(i)] : static_cast<uint32_t>(i);
      positions_.push_back(row_position(chunk.order, row));
    }
  }

  const AggregateSpec& spec_;
  std::unique_ptr<GroupTable> groups_;
  std::vector<std::unique_ptr<Accumulator>> accumulators_;
  std::vector<uint64_t> first_positions_;
  std::vector<uint32_t> ids_;        // scratch
  std::vector<uint64_t> positions_;  // scratch: of the chunk's rows, when somebody reads them
  // Streams only: which groups the running epoch has met.
  bool tracks_touched_ = false;
  uint64_t epoch_ = 1;
  std::vector<uint64_t> touched_epochs_;
  std::vector<uint32_t> touched_;
};

// How a batch is grouped; the tasks agree on one way.
enum class GroupingWay { kUndecided, kTables, kRows };

// A task that came to its end before it could tell which way is better: both are open.
struct UndecidedTask {
  std::unique_ptr<AggregateTable> table;
  std::vector<Chunk> chunks;
};

class AggregateState : public SinkState {
 public:
  AggregateState(const AggregateSpec& spec, std::shared_ptr<MemoryBudget> session_budget)
      : budget(std::move(session_budget)), reservation(budget, "GROUP BY") {
    tables.push_back(std::make_unique<AggregateTable>(spec));
  }

  std::shared_ptr<MemoryBudget> budget;
  MemoryReservation reservation;  // of the finished tables
  std::mutex mutex;
  // Batch: what the tasks left. After finish(): the merged tables, disjoint by key.
  std::vector<std::unique_ptr<AggregateTable>> tables;
  std::vector<GroupRef> output;
  bool all_asked = false;  // streams: of the running epoch
  // Streams that keep some windows only.
  std::unique_ptr<RetainedWindows> retained;
  uint32_t noted_groups = 0;  // of tables[0], in `retained`
  std::atomic<uint64_t> late_rows{0};
  // Batch with keys whose rows may stay where they are.
  std::atomic<GroupingWay> way{GroupingWay::kUndecided};
  std::vector<UndecidedTask> undecided;
  std::unique_ptr<RowGroups> rows;  // null: only tables
  std::vector<std::unique_ptr<RowGroups::Part>> parts;
};

class AggregateTask : public SinkTask {
 public:
  explicit AggregateTask(std::shared_ptr<MemoryBudget> budget)
      : reservation(std::move(budget), "GROUP BY") {}
  MemoryReservation reservation;
  AggregateTable* table = nullptr;            // where rows go
  std::unique_ptr<AggregateTable> own_table;  // null: straight into the shared state
  std::unique_ptr<RowGroups::Part> part;      // not null: where rows go instead
  // The rows so far, as long as the way is open for this task.
  bool chooses = false;
  std::vector<Chunk> seen;
  int64_t seen_rows = 0;
};

// Reads the finished groups in output order.
class AggregateScan : public TableScan {
 public:
  AggregateScan(const AggregateState& state, const ScanRequest& request)
      : state_(state), request_(request) {}

  std::unique_ptr<ScanTask> new_task() override { return std::make_unique<Task>(*this); }

 private:
  class Task : public ScanTask {
   public:
    explicit Task(AggregateScan& scan) : scan_(scan) {}
    bool next(Chunk* chunk) override {
      const std::vector<GroupRef>& output = scan_.state_.output;
      const auto rows = static_cast<size_t>(scan_.request_.chunk_rows);
      const size_t part = scan_.next_.fetch_add(1);
      if (part * rows >= output.size()) return false;
      const size_t begin = part * rows;
      const size_t end = std::min(output.size(), begin + rows);
      *chunk = gather(begin, end);
      chunk->order = part;
      return true;
    }

   private:
    // Groups of several tables interleave: one gather per table, then into output order.
    Chunk gather(size_t begin, size_t end) const {
      const auto& tables = scan_.state_.tables;
      const auto& output = scan_.state_.output;
      std::vector<std::vector<uint32_t>> groups(tables.size());
      for (size_t i = begin; i < end; ++i) groups[output[i].table].push_back(output[i].group);
      std::vector<std::vector<ColumnPtr>> results;
      std::vector<uint32_t> part_of_table(tables.size(), 0);
      for (size_t t = 0; t < tables.size(); ++t) {
        if (groups[t].empty()) continue;
        part_of_table[t] = static_cast<uint32_t>(results.size());
        results.push_back(
            tables[t]->result(groups[t].data(), static_cast<int64_t>(groups[t].size())));
      }
      Chunk chunk;
      chunk.rows = static_cast<int64_t>(end - begin);
      std::vector<uint32_t> which;
      if (results.size() > 1) {
        for (size_t i = begin; i < end; ++i) which.push_back(part_of_table[output[i].table]);
      }
      for (size_t column : scan_.request_.columns) {
        if (results.size() == 1) {
          chunk.columns.push_back(results[0][column]);
          continue;
        }
        std::vector<ColumnPtr> parts;
        for (auto& result : results) parts.push_back(result[column]);
        chunk.columns.push_back(interleave(parts[0]->type(), parts, which));
      }
      return chunk;
    }

    AggregateScan& scan_;
  };

  const AggregateState& state_;
  ScanRequest request_;
  std::atomic<size_t> next_{0};
};

class AggregateSink : public SinkOperator, public StatefulSink {
 public:
  AggregateSink(std::vector<BoundExpressionPtr> keys, std::vector<BoundAggregate> aggregates,
                AggregateOutput output, const AggregateOptions& options)
      : output_(output) {
    spec_.options = options;
    spec_.keys = std::move(keys);
    spec_.aggregates = std::move(aggregates);
    for (const auto& key : spec_.keys) spec_.key_types.push_back(key->type);
  }

  std::unique_ptr<SinkState> new_state(const ExecutionContext& context) const override {
    auto state = std::make_unique<AggregateState>(spec_, context.budget);
    if (output_ == AggregateOutput::kTouchedGroups) state->tables[0]->track_touched();
    if (streams() && spec_.options.windows && spec_.options.retention.limited()) {
      const DataType& type = spec_.key_types[spec_.options.windows->key];
      state->retained =
          std::make_unique<RetainedWindows>(spec_.options.retention, units_per_second(type.unit()));
    }
    return state;
  }

  void begin_epoch(SinkState& base) const override {
    auto& state = static_cast<AggregateState&>(base);
    state.output.clear();
    if (streams()) {
      if (state.retained) drop_old_windows(state);
      state.tables[0]->begin_epoch();
    } else {
      state.tables.clear();
      state.tables.push_back(std::make_unique<AggregateTable>(spec_));
      state.way = GroupingWay::kUndecided;
      state.undecided.clear();
      state.parts.clear();
      state.rows =
          RowGroups::suits(spec_.keys, spec_.aggregates)
              ? std::make_unique<RowGroups>(spec_.keys, spec_.aggregates, spec_.options.table)
              : nullptr;
    }
  }

  std::unique_ptr<SinkTask> new_task(SinkState& base, size_t tasks) const override {
    auto& state = static_cast<AggregateState&>(base);
    auto task = std::make_unique<AggregateTask>(state.budget);
    if (tasks > 1 || state.rows || panes()) {
      task->own_table = std::make_unique<AggregateTable>(spec_);
      task->table = task->own_table.get();
      task->chooses = state.rows != nullptr;
    } else {
      task->table = state.tables[0].get();
    }
    return task;
  }

  SinkResult consume(SinkState& base, SinkTask& base_task, Chunk chunk) const override {
    auto& task = static_cast<AggregateTask&>(base_task);
    auto& whole = static_cast<AggregateState&>(base);
    if (whole.retained && whole.retained->horizon()) drop_late_rows(whole, &chunk);
    if (task.part) {
      task.part->add(chunk);
    } else {
      task.table->add(chunk);
      if (task.chooses) choose(static_cast<AggregateState&>(base), task, std::move(chunk));
    }
    // Asking the budget for every chunk would cost more than it tells.
    constexpr uint64_t kReserveStep = uint64_t{1} << 20;
    const uint64_t bytes =
        task.part ? task.part->memory_bytes() : (task.own_table ? task.table->memory_bytes() : 0);
    if (bytes > task.reservation.held_bytes() + kReserveStep) task.reservation.resize(bytes);
    return SinkResult::kNeedInput;
  }

  void combine(SinkState& base, std::unique_ptr<SinkTask> base_task) const override {
    auto& state = static_cast<AggregateState&>(base);
    auto& task = static_cast<AggregateTask&>(*base_task);
    if (task.chooses && state.way.load() == GroupingWay::kRows) keep_rows(state, task);
    const std::lock_guard<std::mutex> lock(state.mutex);
    if (task.part) {
      state.parts.push_back(std::move(task.part));
    } else if (task.chooses) {
      state.undecided.push_back({std::move(task.own_table), std::move(task.seen)});
    } else if (task.own_table) {
      state.tables.push_back(std::move(task.own_table));
    }
  }

  void finish(SinkState& base, const ExecutionContext& context) const override {
    auto& state = static_cast<AggregateState&>(base);
    state.output.clear();
    if (state.way.load() == GroupingWay::kRows) {
      for (UndecidedTask& task : state.undecided) {
        state.parts.push_back(std::make_unique<RowGroups::Part>(*state.rows));
        for (const Chunk& chunk : task.chunks) state.parts.back()->add(chunk);
      }
      state.undecided.clear();
      state.rows->finish(std::move(state.parts), context);
      state.reservation.resize(state.rows->memory_bytes());
      return;
    }
    for (UndecidedTask& task : state.undecided) state.tables.push_back(std::move(task.table));
    state.undecided.clear();
    if (state.rows) {  // every task had a table of its own, so the shared one is empty
      state.tables.erase(state.tables.begin());
      if (state.tables.empty()) state.tables.push_back(std::make_unique<AggregateTable>(spec_));
    }
    merge_tables(state, context);
    size_t groups = 0;
    for (const auto& table : state.tables) groups += table->size();
    const bool all = !streams() || std::exchange(state.all_asked, false);
    state.output.reserve(all ? groups : 0);
    if (!all) {
      for (uint32_t group : state.tables[0]->touched()) {
        state.output.push_back({state.tables[0]->first_position(group), 0, group});
      }
    } else {
      for (size_t t = 0; t < state.tables.size(); ++t) {
        for (uint32_t group = 0; group < state.tables[t]->size(); ++group) {
          state.output.push_back(
              {state.tables[t]->first_position(group), static_cast<uint32_t>(t), group});
        }
      }
    }
    if (output_ != AggregateOutput::kAnyOrder) sort_by_position(&state.output);
    uint64_t bytes = state.output.capacity() * sizeof(GroupRef);
    for (const auto& table : state.tables) bytes += table->memory_bytes();
    state.reservation.resize(bytes);
  }

  std::unique_ptr<TableScan> result(SinkState& base, const ScanRequest& request) const override {
    auto& state = static_cast<AggregateState&>(base);
    if (state.way.load() == GroupingWay::kRows) return state.rows->scan(request);
    return std::make_unique<AggregateScan>(state, request);
  }

  int64_t result_rows(const SinkState& base) const override {
    const auto& state = static_cast<const AggregateState&>(base);
    if (state.way.load() == GroupingWay::kRows) return state.rows->groups();
    return static_cast<int64_t>(state.output.size());
  }

  Chunk snapshot(const SinkState& base) const override {
    return static_cast<const AggregateState&>(base).tables[0]->snapshot();
  }
  void restore(SinkState& base, const Chunk& snapshot) const override {
    static_cast<AggregateState&>(base).tables[0]->restore(snapshot);
  }
  uint64_t state_bytes(const SinkState& base) const override {
    return static_cast<const AggregateState&>(base).tables[0]->memory_bytes();
  }
  int64_t state_groups(const SinkState& base) const override {
    return static_cast<const AggregateState&>(base).tables[0]->size();
  }
  void ask_for_all(SinkState& base) const override {
    static_cast<AggregateState&>(base).all_asked = true;
  }
  uint64_t late_rows(const SinkState& base) const override {
    return static_cast<const AggregateState&>(base).late_rows.load();
  }

 private:
  bool streams() const {
    return output_ == AggregateOutput::kTouchedGroups || output_ == AggregateOutput::kWhenAsked;
  }

  // After enough rows: keeps them in their chunks from now on when nearly all made a group.
  void choose(AggregateState& state, AggregateTask& task, Chunk chunk) const {
    task.seen_rows += chunk.selected_rows();
    if (chunk.selected_rows() > 0) task.seen.push_back(std::move(chunk));
    if (task.seen_rows < spec_.options.rows_before_choice) return;
    GroupingWay way = GroupingWay::kUndecided;
    const bool nearly_all = int64_t{task.table->size()} * 100 >= task.seen_rows * 99;
    const GroupingWay wanted = nearly_all ? GroupingWay::kRows : GroupingWay::kTables;
    if (state.way.compare_exchange_strong(way, wanted)) way = wanted;
    if (way == GroupingWay::kRows) {
      keep_rows(state, task);
    } else {
      task.chooses = false;
      task.seen = {};
    }
  }

  static void keep_rows(AggregateState& state, AggregateTask& task) {
    task.part = std::make_unique<RowGroups::Part>(*state.rows);
    for (const Chunk& chunk : task.seen) task.part->add(chunk);
    task.seen = {};
    task.chooses = false;
    task.table = nullptr;
    task.own_table.reset();
  }

  // Between epochs, when nobody reads what the last one gave out.
  void drop_old_windows(AggregateState& state) const {
    const size_t key = spec_.options.windows->key;
    if (state.noted_groups < state.tables[0]->size()) {
      const ColumnPtr starts = state.tables[0]->window_starts(key, state.noted_groups);
      for (int64_t i = 0; i < starts->length(); ++i) {
        state.retained->add(starts->values<int64_t>()[i]);
      }
      state.noted_groups = state.tables[0]->size();
    }
    state.retained->advance();
    // Copying what stays costs as much as was dropped, at most four times.
    const int64_t dropped = state.retained->dropped_groups();
    if (dropped * 4 < int64_t{state.tables[0]->size()} || dropped == 0) return;
    const ColumnPtr starts = state.tables[0]->window_starts(key, 0);
    std::vector<uint32_t> kept;
    for (uint32_t group = 0; group < state.tables[0]->size(); ++group) {
      if (starts->values<int64_t>()[group] >= *state.retained->horizon()) kept.push_back(group);
    }
    auto table = std::make_unique<AggregateTable>(spec_);
    if (output_ == AggregateOutput::kTouchedGroups) table->track_touched();
    table->merge(*state.tables[0], kept);
    state.tables[0] = std::move(table);
    state.noted_groups = state.tables[0]->size();
    state.retained->forget_dropped();
  }

  void drop_late_rows(AggregateState& state, Chunk* chunk) const {
    const int64_t rows = chunk->selected_rows();
    if (rows == 0) return;
    const GroupWindows& windows = *spec_.options.windows;
    const int64_t horizon = *state.retained->horizon();
    EvaluationBatch batch(*chunk);
    const ColumnPtr times = flatten(evaluate(*spec_.keys[windows.key], batch));
    const int64_t* time = times->values<int64_t>();
    // With panes, some windows of a row may be dropped and others not.
    const int64_t reach = panes() ? windows.width : 0;
    bool any_late = false;
    uint64_t late = 0;
    for (int64_t i = 0; i < rows; ++i) {
      if (time[i] < horizon) any_late = true;
      if (static_cast<Int128>(time[i]) - reach >= horizon) continue;
      late += panes() ? static_cast<uint64_t>(windows_before(windows, time[i], horizon))
                      : static_cast<uint64_t>(time[i] < horizon);
    }
    state.late_rows.fetch_add(late, std::memory_order_relaxed);
    if (!any_late) return;
    auto kept = std::make_shared<Selection>();
    for (int64_t i = 0; i < rows; ++i) {
      if (time[i] < horizon) continue;
      kept->push_back(chunk->selection ? (*chunk->selection)[static_cast<size_t>(i)]
                                       : static_cast<uint32_t>(i));
    }
    chunk->selection = std::move(kept);
  }

  // The tasks' panes meet in one table before they become windows.
  void merge_panes(AggregateState& state) const {
    for (size_t t = 2; t < state.tables.size(); ++t) {
      std::vector<uint32_t> all(state.tables[t]->size());
      std::iota(all.begin(), all.end(), 0u);
      state.tables[1]->merge(*state.tables[t], all);
    }
    state.tables[0]->merge_panes(*state.tables[1], *spec_.options.windows,
                                 state.retained ? state.retained->horizon() : std::nullopt);
    state.tables.resize(1);
  }

  void merge_tables(AggregateState& state, const ExecutionContext& context) const {
    if (state.tables.size() == 1) return;
    if (panes()) {
      merge_panes(state);
      return;
    }
    size_t groups = 0;
    for (const auto& table : state.tables) groups += table->size();
    if (streams() || spec_.keys.empty() || groups < spec_.options.groups_worth_partitions ||
        context.tasks <= 1) {
      for (size_t t = 1; t < state.tables.size(); ++t) {
        std::vector<uint32_t> all(state.tables[t]->size());
        std::iota(all.begin(), all.end(), 0u);
        state.tables[0]->merge(*state.tables[t], all);
      }
      state.tables.resize(1);
      return;
    }
    // Hashes are the same in tables of one layout only.
    const auto general = [](const auto& table) { return table->layout() == "bytes"; };
    if (std::any_of(state.tables.begin(), state.tables.end(), general)) {
      run_parallel(
          state.tables.size(), [&](size_t t) { state.tables[t]->make_general(); }, context);
    }
    // Tables meet partition by partition; no two tasks ever touch the same key.
    size_t partitions = 1;
    int shift = 64;
    while (partitions < context.tasks * 8) {
      partitions *= 2;
      --shift;
    }
    std::vector<std::vector<std::vector<uint32_t>>> members(state.tables.size());
    run_parallel(
        state.tables.size(),
        [&](size_t t) {
          members[t].resize(partitions);
          const std::vector<uint64_t> hashes = state.tables[t]->hashes();
          for (auto& part : members[t]) part.reserve(hashes.size() / partitions * 9 / 8);
          for (uint32_t group = 0; group < hashes.size(); ++group) {
            members[t][hashes[group] >> shift].push_back(group);
          }
        },
        context);
    std::vector<std::unique_ptr<AggregateTable>> merged(partitions);
    run_parallel(
        partitions,
        [&](size_t partition) {
          merged[partition] = std::make_unique<AggregateTable>(spec_);
          for (size_t t = 0; t < state.tables.size(); ++t) {
            merged[partition]->merge(*state.tables[t], members[t][partition]);
          }
        },
        context);
    state.tables = std::move(merged);
  }

  bool panes() const {
    return streams() && spec_.options.windows && spec_.options.windows->allows_panes;
  }

  AggregateSpec spec_;
  AggregateOutput output_;
};

}  // namespace

std::unique_ptr<SinkOperator> make_aggregate(std::vector<BoundExpressionPtr> keys,
                                             std::vector<BoundAggregate> aggregates,
                                             AggregateOutput output,
                                             const AggregateOptions& options) {
  return std::make_unique<AggregateSink>(std::move(keys), std::move(aggregates), output, options);
}

}  // namespace velaria
