#include "src/exec/window/window_sink.h"

#include <algorithm>
#include <mutex>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/exec/aggregate/group_table.h"
#include "src/exec/scheduler.h"
#include "src/exec/sort/chunk_list_scan.h"
#include "src/exec/sort/full_sort.h"
#include "src/exec/window/partition_totals.h"
#include "src/exec/window/partitions.h"
#include "src/exec/window/window_function_exec.h"
#include "src/expr/evaluator.h"
#include "src/kernel/take.h"

namespace velaria {

namespace {

// A chunk of the input, and what was computed over it.
struct CollectedChunk {
  Chunk chunk;                       // without a selection
  std::vector<ColumnPtr> computed;   // one for each expression of the window
  std::vector<uint32_t> partitions;  // one a row, numbered by the task; none without PARTITION BY
  const GroupTable* table = nullptr;
};

class WindowState : public SinkState {
 public:
  explicit WindowState(std::shared_ptr<MemoryBudget> session_budget)
      : budget(std::move(session_budget)), reservation(budget, kWindowMemory) {}

  void clear() {
    chunks.clear();
    tables.clear();
    result.clear();
    reservation.resize(0);
  }

  std::shared_ptr<MemoryBudget> budget;
  MemoryReservation reservation;
  std::mutex mutex;
  std::vector<CollectedChunk> chunks;
  std::vector<std::unique_ptr<GroupTable>> tables;  // of the tasks
  std::vector<Chunk> result;
};

class WindowTask : public SinkTask {
 public:
  explicit WindowTask(std::shared_ptr<MemoryBudget> budget)
      : reservation(std::move(budget), kWindowMemory) {}
  MemoryReservation reservation;
  uint64_t bytes = 0;
  std::vector<CollectedChunk> chunks;
  std::unique_ptr<GroupTable> table;
};

class WindowSink : public SinkOperator {
 public:
  WindowSink(std::vector<BoundExpressionPtr> partition_by, std::vector<BoundSortKey> order_by,
             std::vector<BoundWindowFunction> functions)
      : partition_by_(std::move(partition_by)), functions_(std::move(functions)) {
    for (const auto& key : partition_by_) key_types_.push_back(key->type);
    for (const BoundSortKey& key : order_by) {
      order_by_.push_back(computed_place(key.expression));
      orders_.push_back({key.descending, key.nulls_first});
    }
    for (const BoundWindowFunction& function : functions_) {
      FunctionPlaces places;
      const bool aggregate = function.kind == WindowFunctionKind::kAggregate;
      const BoundExpressionPtr filter = aggregate ? function.aggregate.filter : nullptr;
      for (const auto& e : aggregate ? function.aggregate.arguments : function.arguments) {
        places.arguments.push_back(computed_place(guarded(e, filter)));
      }
      if (aggregate) {
        for (const BoundSortKey& key : function.aggregate.order_by) {
          places.order_keys.push_back(computed_place(guarded(key.expression, filter)));
        }
      }
      if (filter) places.filter = computed_place(filter);
      places_.push_back(std::move(places));
    }
  }

  std::unique_ptr<SinkState> new_state(const ExecutionContext& context) const override {
    return std::make_unique<WindowState>(context.budget);
  }
  void begin_epoch(SinkState& state) const override { static_cast<WindowState&>(state).clear(); }

  std::unique_ptr<SinkTask> new_task(SinkState& state, size_t) const override {
    auto task = std::make_unique<WindowTask>(static_cast<WindowState&>(state).budget);
    if (!partition_by_.empty()) task->table = GroupTable::make(key_types_);
    return task;
  }

  SinkResult consume(SinkState&, SinkTask& base, Chunk chunk) const override {
    if (chunk.selected_rows() == 0) return SinkResult::kNeedInput;
    auto& task = static_cast<WindowTask&>(base);
    CollectedChunk collected;
    collected.chunk = compact(chunk);
    task.bytes += static_cast<uint64_t>(collected.chunk.estimated_bytes());
    EvaluationBatch batch(collected.chunk);
    if (task.table) {
      std::vector<ColumnPtr> keys;
      for (const auto& key : partition_by_) {
        ColumnPtr column = evaluate(*key, batch);
        keys.push_back(column->is_dictionary() ? flatten(column) : std::move(column));
      }
      collected.partitions.resize(static_cast<size_t>(collected.chunk.rows));
      task.table->find_or_add(keys, collected.chunk.rows, collected.partitions.data());
      collected.table = task.table.get();
      task.bytes += collected.partitions.size() * sizeof(uint32_t);
    }
    for (const auto& expression : computed_) {
      collected.computed.push_back(evaluate(*expression, batch));
      if (expression->kind != BoundKind::kColumn) {
        task.bytes += static_cast<uint64_t>(collected.computed.back()->estimated_bytes());
      }
    }
    task.chunks.push_back(std::move(collected));
    task.reservation.resize(task.bytes + (task.table ? task.table->memory_bytes() : 0));
    return SinkResult::kNeedInput;
  }

  void combine(SinkState& base, std::unique_ptr<SinkTask> base_task) const override {
    auto& state = static_cast<WindowState&>(base);
    auto& task = static_cast<WindowTask&>(*base_task);
    const std::lock_guard<std::mutex> lock(state.mutex);
    for (CollectedChunk& chunk : task.chunks) state.chunks.push_back(std::move(chunk));
    if (task.table) state.tables.push_back(std::move(task.table));
    const uint64_t bytes = task.reservation.held_bytes();
    task.reservation.resize(0);
    state.reservation.resize(state.reservation.held_bytes() + bytes);
  }

  void finish(SinkState& base, const ExecutionContext& context) const override {
    auto& state = static_cast<WindowState&>(base);
    // Chunks of a task may share an order; then they stand as they came.
    std::stable_sort(state.chunks.begin(), state.chunks.end(),
                     [](const CollectedChunk& a, const CollectedChunk& b) {
                       return a.chunk.order < b.chunk.order;
                     });
    uint64_t rows = 0;
    for (const CollectedChunk& chunk : state.chunks) {
      rows += static_cast<uint64_t>(chunk.chunk.rows);
    }
    if (rows >= kNoRow) {
      throw Error(ErrorKind::kResource, concat("window functions over ", rows, " rows; at most ",
                                               kNoRow - 1, " are possible"));
    }
    if (rows > 0 && only_totals()) {
      compute_totals(state, static_cast<uint32_t>(rows), context);
    } else if (rows > 0) {
      compute(state, static_cast<uint32_t>(rows), context);
    }
    state.chunks.clear();
    state.tables.clear();
    uint64_t bytes = 0;
    for (const Chunk& chunk : state.result) bytes += static_cast<uint64_t>(chunk.estimated_bytes());
    state.reservation.resize(bytes);
  }

  std::unique_ptr<TableScan> result(SinkState& base, const ScanRequest& request) const override {
    return scan_chunks(static_cast<WindowState&>(base).result, request);
  }
  int64_t result_rows(const SinkState& base) const override {
    int64_t rows = 0;
    for (const Chunk& chunk : static_cast<const WindowState&>(base).result) rows += chunk.rows;
    return rows;
  }

 private:
  static constexpr size_t kNone = ~size_t{0};

  // Where the values of a function's expressions are among the computed columns.
  struct FunctionPlaces {
    std::vector<size_t> arguments;
    std::vector<size_t> order_keys;
    size_t filter = kNone;
  };

  size_t computed_place(const BoundExpressionPtr& expression) {
    for (size_t i = 0; i < computed_.size(); ++i) {
      if (same_expression(*computed_[i], *expression)) return i;
    }
    computed_.push_back(expression);
    return computed_.size() - 1;
  }

  // An argument that can fail is computed only for the rows that the filter lets through.
  static BoundExpressionPtr guarded(const BoundExpressionPtr& argument,
                                    const BoundExpressionPtr& filter) {
    if (!filter || !argument->can_fail) return argument;
    auto node = std::make_shared<BoundExpression>();
    node->kind = BoundKind::kCase;
    node->type = argument->type;
    node->can_fail = true;
    node->children = {filter, argument};
    return node;
  }

  // Whether no function asks where a row stands in its partition.
  bool only_totals() const {
    return order_by_.empty() &&
           std::all_of(functions_.begin(), functions_.end(), [](const auto& function) {
             return function.kind == WindowFunctionKind::kAggregate &&
                    covers_partition(function.frame, false);
           });
  }

  void compute_totals(WindowState& state, uint32_t rows, const ExecutionContext& context) const {
    const std::vector<PartitionedChunk> chunks = partitioned_chunks(state);
    PartitionTotals totals(functions_);
    const auto input = [&](size_t chunk, size_t function) {
      const std::vector<ColumnPtr>& computed = state.chunks[chunk].computed;
      const FunctionPlaces& places = places_[function];
      TotalsInput out;
      for (const size_t place : places.arguments) out.arguments.push_back(computed[place]);
      for (const size_t place : places.order_keys) out.order_keys.push_back(computed[place]);
      if (places.filter != kNone) out.filter = computed[places.filter];
      return out;
    };
    uint64_t bytes_per_row = 0;
    for (const BoundWindowFunction& function : functions_) {
      bytes_per_row += result_bytes_per_row(function);
    }
    state.reservation.resize(state.reservation.held_bytes() + bytes_per_row * rows);
    totals.compute(rows, chunks, key_types_, input, context);
    give_out(
        state, [&](size_t chunk, size_t f) { return totals.values(f, chunks[chunk]); }, context);
  }

  void compute(WindowState& state, uint32_t rows, const ExecutionContext& context) const {
    // The computed columns once more as a whole, the sorted rows, the results.
    uint64_t bytes_per_row = kPartitionBytesPerRow;
    for (const auto& expression : computed_) {
      bytes_per_row += static_cast<uint64_t>(expression->type.value_width_bytes());
    }
    for (const BoundWindowFunction& function : functions_) {
      bytes_per_row += result_bytes_per_row(function);
    }
    state.reservation.resize(state.reservation.held_bytes() + bytes_per_row * rows);

    const std::vector<ColumnPtr> whole = whole_columns(
        computed_.size(), state.chunks.size(),
        [&state](size_t column, size_t chunk) { return state.chunks[chunk].computed[column]; },
        context);
    std::vector<ColumnPtr> order_columns;
    for (const size_t place : order_by_) order_columns.push_back(whole[place]);
    const OrderKeys keys(order_columns, orders_, context);
    const SortedPartitions partitions =
        SortedPartitions::make(rows, partitioned_chunks(state), key_types_, keys, context);

    std::vector<std::unique_ptr<WindowFunctionExec>> functions;
    for (size_t f = 0; f < functions_.size(); ++f) {
      WindowFunctionInput input;
      input.rows = rows;
      input.ordered = !order_by_.empty();
      for (const size_t place : places_[f].arguments) input.arguments.push_back(whole[place]);
      for (const size_t place : places_[f].order_keys) input.order_keys.push_back(whole[place]);
      if (places_[f].filter != kNone) input.filter = whole[places_[f].filter];
      if (!order_by_.empty()) {
        input.order_key = order_columns[0];
        input.order = orders_[0];
      }
      functions.push_back(WindowFunctionExec::make(functions_[f], std::move(input)));
    }
    evaluate_partitions(partitions, keys, functions, context);
    std::vector<int64_t> first_rows;
    int64_t first_row = 0;
    for (const CollectedChunk& chunk : state.chunks) {
      first_rows.push_back(first_row);
      first_row += chunk.chunk.rows;
    }
    give_out(
        state,
        [&](size_t chunk, size_t f) {
          return functions[f]->result().part(first_rows[chunk], state.chunks[chunk].chunk.rows);
        },
        context);
  }

  std::vector<PartitionedChunk> partitioned_chunks(const WindowState& state) const {
    std::vector<PartitionedChunk> out;
    uint32_t first_row = 0;
    for (const CollectedChunk& chunk : state.chunks) {
      const auto rows = static_cast<uint32_t>(chunk.chunk.rows);
      out.push_back({chunk.table, chunk.partitions.data(), first_row, rows});
      first_row += rows;
    }
    return out;
  }

  // Partitions side by side are one piece of work; of a long one each function is one.
  void evaluate_partitions(const SortedPartitions& partitions, const OrderKeys& keys,
                           const std::vector<std::unique_ptr<WindowFunctionExec>>& functions,
                           const ExecutionContext& context) const {
    constexpr uint32_t kRowsPerItem = 32 * 1024;
    struct Work {
      size_t begin;  // of partitions
      size_t end;
      size_t function;  // kNone: all
    };
    const std::vector<uint32_t>& starts = partitions.starts();
    std::vector<Work> work;
    size_t open = 0;
    for (size_t p = 0; p < partitions.count(); ++p) {
      if (starts[p + 1] - starts[p] > 4 * kRowsPerItem) {
        if (open < p) work.push_back({open, p, kNone});
        for (size_t f = 0; f < functions.size(); ++f) work.push_back({p, p + 1, f});
        open = p + 1;
      } else if (starts[p + 1] - starts[open] >= kRowsPerItem) {
        work.push_back({open, p + 1, kNone});
        open = p + 1;
      }
    }
    if (open < partitions.count()) work.push_back({open, partitions.count(), kNone});
    const bool long_pieces = starts.back() > kRowsPerItem;
    (long_pieces ? run_long_pieces : run_parallel)(
        work.size(),
        [&](size_t w) {
          const uint32_t first = starts[work[w].begin];
          std::vector<uint32_t> own_starts;
          for (size_t p = work[w].begin; p <= work[w].end; ++p) {
            own_starts.push_back(starts[p] - first);
          }
          WindowItem item(partitions.rows() + first, std::move(own_starts), keys);
          if (work[w].function != kNone) {
            functions[work[w].function]->evaluate(item, context);
            return;
          }
          for (const auto& function : functions) function->evaluate(item, context);
        },
        context);
  }

  // `values(c, f)`: what function f gives for chunk c.
  void give_out(WindowState& state, const std::function<ColumnPtr(size_t, size_t)>& values,
                const ExecutionContext& context) const {
    state.result.resize(state.chunks.size());
    constexpr size_t kChunksPerTask = 16;
    run_parallel((state.chunks.size() + kChunksPerTask - 1) / kChunksPerTask,
                 [&](size_t t) {
                   const size_t end = std::min(state.chunks.size(), (t + 1) * kChunksPerTask);
                   for (size_t c = t * kChunksPerTask; c < end; ++c) {
                     state.result[c] = state.chunks[c].chunk;
                     for (size_t f = 0; f < functions_.size(); ++f) {
                       state.result[c].columns.push_back(values(c, f));
                     }
                   }
                 },
                 context);
  }

  std::vector<BoundExpressionPtr> partition_by_;
  std::vector<BoundWindowFunction> functions_;
  std::vector<DataType> key_types_;
  std::vector<BoundExpressionPtr> computed_;  // order keys, arguments and filters, each once
  std::vector<size_t> order_by_;              // places in computed_
  std::vector<SortOrder> orders_;
  std::vector<FunctionPlaces> places_;
};

}  // namespace

std::unique_ptr<SinkOperator> make_window(std::vector<BoundExpressionPtr> partition_by,
                                          std::vector<BoundSortKey> order_by,
                                          std::vector<BoundWindowFunction> functions) {
  return std::make_unique<WindowSink>(std::move(partition_by), std::move(order_by),
                                      std::move(functions));
}

}  // namespace velaria
