#include "src/exec/aggregate/aggregate_sink.h"

#include <atomic>
#include <mutex>
#include <numeric>
#include <utility>

#include "src/exec/aggregate/aggregate_merge.h"
#include "src/exec/aggregate/aggregate_scan.h"
#include "src/exec/aggregate/aggregate_table.h"
#include "src/exec/aggregate/group_order.h"
#include "src/exec/aggregate/groups_on_disk.h"
#include "src/exec/aggregate/row_groups.h"
#include "src/exec/spill/spill_space.h"
#include "src/expr/evaluator.h"
#include "src/kernel/take.h"

namespace velaria {

namespace {

// How a batch is grouped; the tasks agree on one way.
enum class GroupingWay { kUndecided, kTables, kRows };

// A task that came to its end before it could tell which way is better: both are open.
struct UndecidedTask {
  std::unique_ptr<AggregateTable> table;
  std::vector<Chunk> chunks;
};

class AggregateState : public SinkState {
 public:
  AggregateState(const AggregateSpec& spec, const ExecutionContext& context)
      : cancellation(context.cancellation),
        budget(context.budget),
        spill(spill_space(context)),
        limited((budget && budget->is_limited()) || spill->spill_after_bytes() != 0),
        reservation(budget, "GROUP BY") {
    groups.tables.push_back(std::make_unique<AggregateTable>(spec, cancellation));
  }

  const CancellationToken* const cancellation;  // of the query; may be null
  std::shared_ptr<MemoryBudget> budget;
  const std::shared_ptr<SpillSpace> spill;
  const bool limited;             // memory may come to an end
  MemoryReservation reservation;  // of the finished tables
  std::mutex mutex;
  // Batch: what the tasks left; disjoint after finish().
  DisjointTables groups;
  std::vector<GroupRef> output;  // unless any order will do
  bool all_asked = false;        // streams: of the running epoch
  bool gives_places = false;     // streams: what came out is in the order of touched_places()
  // Streams that keep some windows only.
  std::unique_ptr<RetainedWindows> retained;
  uint32_t noted_groups = 0;  // of tables[0], in `retained`
  // Streams: tables of tasks for the next epochs. They know the keys already.
  std::vector<std::unique_ptr<AggregateTable>> spare;
  std::atomic<uint64_t> late_rows{0};
  // Batch with keys whose rows may stay where they are.
  std::atomic<GroupingWay> way{GroupingWay::kUndecided};
  std::vector<UndecidedTask> undecided;
  std::unique_ptr<RowGroups> rows;  // null: only tables
  std::vector<std::unique_ptr<RowGroups::Part>> parts;
  // Limited batch with keys; what comes out of it when it is not empty.
  std::unique_ptr<GroupsOnDisk> disk;
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
  PartitionedRows::Sequence on_disk;
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
    auto state = std::make_unique<AggregateState>(spec_, context);
    if (output_ == AggregateOutput::kTouchedGroups) state->groups.tables[0]->track_touched();
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
      state.groups.tables[0]->begin_epoch();
    } else {
      state.groups.tables.clear();
      state.groups.tables.push_back(new_empty_table(state));
      state.way = GroupingWay::kUndecided;
      state.undecided.clear();
      state.parts.clear();
      state.disk = state.limited && !spec_.keys.empty()
                       ? std::make_unique<GroupsOnDisk>(spec_, state.budget, state.spill)
                       : nullptr;
      // Rows that stay in their chunks cannot be put aside.
      state.rows =
          !state.limited && RowGroups::suits(spec_.keys, spec_.aggregates)
              ? std::make_unique<RowGroups>(spec_.keys, spec_.aggregates, spec_.options.table)
              : nullptr;
    }
  }

  std::unique_ptr<SinkTask> new_task(SinkState& base, size_t tasks) const override {
    auto& state = static_cast<AggregateState&>(base);
    auto task = std::make_unique<AggregateTask>(state.budget);
    if (tasks > 1 || has_own_tables(state) || panes()) {
      task->own_table = new_table(state);
      task->table = task->own_table.get();
      task->chooses = state.rows != nullptr;
    } else {
      task->table = state.groups.tables[0].get();
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
    if (whole.limited && !streams()) {
      ask_for_memory(whole, task);
      return SinkResult::kNeedInput;
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
    if (state.limited && !streams()) hand_over_memory(state, task);
    if (task.part) {
      state.parts.push_back(std::move(task.part));
    } else if (task.chooses) {
      state.undecided.push_back({std::move(task.own_table), std::move(task.seen)});
    } else if (task.own_table) {
      state.groups.tables.push_back(std::move(task.own_table));
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
    for (UndecidedTask& task : state.undecided)
      state.groups.tables.push_back(std::move(task.table));
    state.undecided.clear();
    if (state.disk && (!state.disk->empty() || !can_merge(state))) {
      for (auto& table : state.groups.tables) {
        PartitionedRows::Sequence on_disk;
        state.disk->write(std::move(table), &on_disk);
        state.disk->add(std::move(on_disk));
      }
      state.groups.tables.clear();
      state.reservation.resize(0);
      if (!state.disk->empty()) {
        state.disk->merge(context);
        return;
      }
      state.groups.tables.push_back(new_empty_table(state));
      state.groups.tables.push_back(new_empty_table(state));
    }
    if (has_own_tables(state)) {  // every task had a table of its own, so the shared one is empty
      state.groups.tables.erase(state.groups.tables.begin());
      if (state.groups.tables.empty()) state.groups.tables.push_back(new_empty_table(state));
    }
    if (!streams()) {
      make_disjoint(spec_, context, &state.groups);
    } else if (state.groups.tables.size() > 1) {
      panes() ? merge_panes(state) : merge_tasks(state);
      for (size_t t = 1; t < state.groups.tables.size(); ++t) {
        if (state.groups.tables[t]->clear()) {
          state.spare.push_back(std::move(state.groups.tables[t]));
        }
      }
      state.groups.tables.resize(1);
    }
    if (streams()) state.groups.moved.assign(1, {});
    state.gives_places = panes() && !state.all_asked;
    if (streams() && !std::exchange(state.all_asked, false)) {
      state.output.reserve(state.groups.tables[0]->touched().size());
      // Panes are met in the order of their rows, so their windows have an order of their own that
      // no number of tasks changes.
      const bool in_order = panes();
      for (uint32_t group : state.groups.tables[0]->touched()) {
        const uint64_t position =
            in_order ? state.output.size() : state.groups.tables[0]->first_positions()[group];
        state.output.push_back({position, 0, group});
      }
      if (!in_order) sort_by_position(&state.output);
    } else if (output_ != AggregateOutput::kAnyOrder) {
      std::vector<TableGroups> tables;
      for (size_t t = 0; t < state.groups.tables.size(); ++t) {
        tables.push_back({&state.groups.tables[t]->first_positions(), &state.groups.moved[t]});
      }
      state.output = groups_in_order(tables);
    }
    uint64_t bytes = state.output.capacity() * sizeof(GroupRef);
    for (const auto& table : state.groups.tables) bytes += table->memory_bytes();
    for (const auto& table : state.spare) bytes += table->memory_bytes();
    state.reservation.resize(bytes);
  }

  std::unique_ptr<TableScan> result(SinkState& base, const ScanRequest& request) const override {
    auto& state = static_cast<AggregateState&>(base);
    if (state.disk && !state.disk->empty()) return state.disk->scan(request);
    if (state.way.load() == GroupingWay::kRows) return state.rows->scan(request);
    const bool any_order = output_ == AggregateOutput::kAnyOrder;
    return make_aggregate_scan({&state.groups, any_order ? nullptr : &state.output}, request);
  }

  int64_t result_rows(const SinkState& base) const override {
    const auto& state = static_cast<const AggregateState&>(base);
    if (state.disk && !state.disk->empty()) return state.disk->groups();
    if (state.way.load() == GroupingWay::kRows) return state.rows->groups();
    return static_cast<int64_t>(output_ == AggregateOutput::kAnyOrder ? state.groups.groups()
                                                                      : state.output.size());
  }

  Chunk snapshot(const SinkState& base) const override {
    return static_cast<const AggregateState&>(base).groups.tables[0]->snapshot();
  }
  void restore(SinkState& base, const Chunk& snapshot) const override {
    static_cast<AggregateState&>(base).groups.tables[0]->restore(snapshot);
  }
  std::vector<uint64_t> positions(const SinkState& base) const override {
    return static_cast<const AggregateState&>(base).groups.tables[0]->snapshot_positions();
  }
  void restore(SinkState& base, const Chunk& snapshot,
               const std::vector<uint64_t>& positions) const override {
    VELARIA_CHECK(static_cast<size_t>(snapshot.rows) == positions.size());
    static_cast<AggregateState&>(base).groups.tables[0]->restore(snapshot, positions.data());
  }
  std::vector<OutputPlace> output_places(const SinkState& base) const override {
    const auto& state = static_cast<const AggregateState&>(base);
    if (state.gives_places) return state.groups.tables[0]->touched_places();
    std::vector<OutputPlace> out;
    out.reserve(state.output.size());
    for (const GroupRef& group : state.output) out.push_back({0, 0, group.position});
    return out;
  }
  uint64_t state_bytes(const SinkState& base) const override {
    return static_cast<const AggregateState&>(base).groups.tables[0]->memory_bytes();
  }
  int64_t state_groups(const SinkState& base) const override {
    return static_cast<const AggregateState&>(base).groups.tables[0]->size();
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

  std::unique_ptr<AggregateTable> new_empty_table(const AggregateState& state) const {
    return std::make_unique<AggregateTable>(spec_, state.cancellation);
  }

  // A table of an epoch before, where one is left.
  std::unique_ptr<AggregateTable> new_table(AggregateState& state) const {
    {
      const std::lock_guard<std::mutex> lock(state.mutex);
      if (!state.spare.empty()) {
        std::unique_ptr<AggregateTable> table = std::move(state.spare.back());
        state.spare.pop_back();
        return table;
      }
    }
    return new_empty_table(state);
  }

  // Whether every task has a table of its own, though it may be the only task.
  bool has_own_tables(const AggregateState& state) const {
    return state.rows != nullptr || (state.limited && !streams());
  }

  // A table may become larger by half before it is asked again, and is copied when it is put aside.
  static uint64_t bytes_with_room(const AggregateTable& table) {
    return table.memory_bytes() / 2 * 5;
  }

  // Without keys there is one group, and it must fit.
  void ask_for_memory(AggregateState& state, AggregateTask& task) const {
    const uint64_t bytes = bytes_with_room(*task.table);
    if (!state.disk) {
      task.reservation.resize(bytes);
    } else if (state.spill->is_too_much(bytes) || !task.reservation.try_resize(bytes)) {
      put_aside(state, task);
    }
  }

  // What the task's table holds is the state's from now on. Under the state's lock.
  void hand_over_memory(AggregateState& state, AggregateTask& task) const {
    task.reservation.resize(0);
    const uint64_t held = state.reservation.held_bytes() + bytes_with_room(*task.table);
    if (!state.disk) {
      state.reservation.resize(held);
      return;
    }
    if (!state.reservation.try_resize(held)) put_aside(state, task);
    state.disk->add(std::move(task.on_disk));
  }

  void put_aside(AggregateState& state, AggregateTask& task) const {
    state.disk->write(std::move(task.own_table), &task.on_disk);
    task.own_table = new_empty_table(state);
    task.table = task.own_table.get();
    task.reservation.resize(0);
  }

  // Whether the tables fit into memory once more, as they meet.
  static bool can_merge(AggregateState& state) {
    uint64_t bytes = 0;
    for (const auto& table : state.groups.tables) {
      bytes += bytes_with_room(*table) + uint64_t{table->size()} * sizeof(GroupRef);
    }
    return !state.spill->is_too_much(bytes) && state.reservation.try_resize(bytes);
  }

  // After enough rows: keeps them in their chunks from now on when nearly all made a group. Sooner
  // when another task has chosen, or when too many have made none already: chunks that are kept
  // cost memory that is not warm.
  void choose(AggregateState& state, AggregateTask& task, Chunk chunk) const {
    task.seen_rows += chunk.selected_rows();
    if (chunk.selected_rows() > 0) task.seen.push_back(std::move(chunk));
    const int64_t rows_wanted = spec_.options.rows_before_choice;
    const int64_t repeated_rows = task.seen_rows - int64_t{task.table->size()};
    GroupingWay way = state.way.load();
    if (way == GroupingWay::kUndecided && task.seen_rows < rows_wanted &&
        repeated_rows * 100 <= rows_wanted) {
      return;
    }
    const bool nearly_all = repeated_rows * 100 <= task.seen_rows;
    const GroupingWay wanted = nearly_all ? GroupingWay::kRows : GroupingWay::kTables;
    if (way == GroupingWay::kUndecided && state.way.compare_exchange_strong(way, wanted)) {
      way = wanted;
    }
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
    if (state.noted_groups < state.groups.tables[0]->size()) {
      const ColumnPtr starts = state.groups.tables[0]->window_starts(key, state.noted_groups);
      for (int64_t i = 0; i < starts->length(); ++i) {
        state.retained->add(starts->values<int64_t>()[i]);
      }
      state.noted_groups = state.groups.tables[0]->size();
    }
    state.retained->advance();
    // Copying what stays costs as much as was dropped, at most four times.
    const int64_t dropped = state.retained->dropped_groups();
    if (dropped * 4 < int64_t{state.groups.tables[0]->size()} || dropped == 0) return;
    const ColumnPtr starts = state.groups.tables[0]->window_starts(key, 0);
    std::vector<uint32_t> kept;
    for (uint32_t group = 0; group < state.groups.tables[0]->size(); ++group) {
      if (starts->values<int64_t>()[group] >= *state.retained->horizon()) kept.push_back(group);
    }
    auto table = new_empty_table(state);
    if (output_ == AggregateOutput::kTouchedGroups) table->track_touched();
    table->merge(*state.groups.tables[0], kept);
    state.groups.tables[0] = std::move(table);
    state.noted_groups = state.groups.tables[0]->size();
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
    for (size_t t = 2; t < state.groups.tables.size(); ++t) {
      std::vector<uint32_t> all(state.groups.tables[t]->size());
      std::iota(all.begin(), all.end(), 0u);
      state.groups.tables[1]->merge(*state.groups.tables[t], all);
    }
    state.groups.tables[0]->merge_panes(*state.groups.tables[1], *spec_.options.windows,
                                        state.retained ? state.retained->horizon() : std::nullopt);
  }

  static void merge_tasks(AggregateState& state) {
    for (size_t t = 1; t < state.groups.tables.size(); ++t) {
      std::vector<uint32_t> all(state.groups.tables[t]->size());
      std::iota(all.begin(), all.end(), 0u);
      state.groups.tables[0]->merge(*state.groups.tables[t], all);
    }
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
