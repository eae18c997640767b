#include "src/exec/sort/sort_sink.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <mutex>
#include <string>
#include <utility>

#include "src/exec/sort/cancellable_sort.h"
#include "src/exec/sort/chunk_list_scan.h"
#include "src/exec/sort/full_sort.h"
#include "src/exec/spill/sorted_runs.h"
#include "src/kernel/compare.h"
#include "src/kernel/sort_key.h"
#include "src/kernel/take.h"

namespace velaria {

namespace {

// Rows with their places in the input, and the means to sort them.
class SortBuffer {
 public:
  // `items` and `types` outlive the buffer.
  SortBuffer(const std::vector<SortItem>& items, const std::vector<DataType>& types)
      : items_(items), types_(types) {}

  void clear() {
    pieces_.clear();
    rows_ = 0;
    bytes_ = 0;
  }

  void add(const Chunk& chunk) {
    if (chunk.selected_rows() == 0) return;
    pieces_.push_back({compact(chunk), chunk.selection, {}});
    const Chunk& added = pieces_.back().chunk;
    rows_ += added.rows;
    // Constants would otherwise be counted as nothing and expand only in the sort.
    bytes_ += added.estimated_bytes() + added.rows * 8;
  }

  void add_all(SortBuffer&& other) {
    for (Piece& piece : other.pieces_) pieces_.push_back(std::move(piece));
    rows_ += other.rows_;
    bytes_ += other.bytes_;
    other.clear();
  }

  int64_t rows() const { return rows_; }
  // What the rows need while they are sorted: once more as they come out, their keys, and a few
  // words each.
  uint64_t bytes_to_sort() const {
    uint64_t row_bytes = 72;
    bool has_text = false;
    for (const SortItem& item : items_) {
      const DataType& type = types_[item.column];
      has_text |= type.is_string();
      // Keys are in a text that doubles as it grows.
      row_bytes += 2 * (2 + static_cast<uint64_t>(type.is_null() ? 0 : type.value_width_bytes()));
    }
    return static_cast<uint64_t>(bytes_) * (has_text ? 3 : 2) +
           static_cast<uint64_t>(rows()) * row_bytes;
  }

  // Sorts and keeps the first `keep` rows, as one chunk.
  void sort(int64_t keep, const CancellationToken* cancellation) {
    std::vector<Chunk> chunks;
    std::vector<uint64_t> places;
    places.reserve(static_cast<size_t>(rows_));
    for (Piece& piece : pieces_) {
      piece.append_positions_to(&places);
      chunks.push_back(std::move(piece.chunk));
    }
    pieces_.clear();
    Chunk all = concatenate_chunks(chunks, types_);
    chunks.clear();
    std::vector<ColumnPtr> columns;
    std::vector<SortOrder> orders;
    for (const SortItem& item : items_) {
      columns.push_back(all.columns[item.column]);
      orders.push_back({item.descending, item.nulls_first});
    }
    std::string keys;
    std::vector<uint64_t> ends;
    ends.reserve(places.size());
    encode_sort_keys(columns, orders, all.rows, &keys, &ends);
    std::vector<Entry> entries(places.size());
    uint64_t start = 0;
    for (size_t i = 0; i < entries.size(); ++i) {
      entries[i] = {key_prefix(keys, start, ends[i]), static_cast<uint32_t>(i)};
      start = ends[i];
    }
    const auto before = [&](const Entry& a, const Entry& b) {
      if (a.prefix != b.prefix) return a.prefix < b.prefix;
      const auto key = [&](uint32_t row) {
        const uint64_t begin = row == 0 ? 0 : ends[row - 1];
        return std::string_view(keys).substr(begin, ends[row] - begin);
      };
      const int order = key(a.row).compare(key(b.row));
      return order != 0 ? order < 0 : places[a.row] < places[b.row];
    };
    const auto kept = static_cast<size_t>(std::min<int64_t>(keep, rows()));
    if (kept < entries.size()) {
      std::nth_element(entries.begin(), entries.begin() + static_cast<std::ptrdiff_t>(kept),
                       entries.end(), before);
      entries.resize(kept);
    }
    cancellable_sort(entries.begin(), entries.end(), before, cancellation);
    std::vector<uint32_t> order(entries.size());
    std::vector<uint64_t> positions(entries.size());
    for (size_t i = 0; i < entries.size(); ++i) {
      order[i] = entries[i].row;
      positions[i] = places[entries[i].row];
    }
    Chunk sorted;
    sorted.rows = static_cast<int64_t>(order.size());
    for (const ColumnPtr& column : all.columns) {
      sorted.columns.push_back(take(column, order.data(), sorted.rows));
    }
    rows_ = sorted.rows;
    bytes_ = sorted.estimated_bytes() + sorted.rows * 8;
    pieces_.push_back({std::move(sorted), nullptr, std::move(positions)});
  }

  // Of a sorted buffer: the first key of its last row.
  Value last_first_key() const {
    const Chunk& sorted = pieces_[0].chunk;
    return sorted.columns[items_[0].column]->value(sorted.rows - 1);
  }

  const Chunk& sorted() const { return pieces_[0].chunk; }
  const std::vector<uint64_t>& positions() const { return pieces_[0].positions; }

  Chunk take_sorted() {
    Chunk out = std::move(pieces_[0].chunk);
    clear();
    return out;
  }

  // The chunks in the order of the input; none was sorted before.
  std::vector<Chunk> take_in_order() {
    std::sort(pieces_.begin(), pieces_.end(),
              [](const Piece& a, const Piece& b) { return a.chunk.order < b.chunk.order; });
    std::vector<Chunk> out;
    out.reserve(pieces_.size());
    for (Piece& piece : pieces_) out.push_back(std::move(piece.chunk));
    clear();
    return out;
  }

 private:
  // Rows of one chunk of the input, or those that an earlier sort has kept.
  struct Piece {
    Chunk chunk;
    SelectionPtr selection;           // which rows of the input's chunk; null: all
    std::vector<uint64_t> positions;  // of rows that were sorted

    // Only where the order of the chunks does not tell: they are as large as a column.
    void append_positions_to(std::vector<uint64_t>* out) const {
      if (!positions.empty()) {
        out->insert(out->end(), positions.begin(), positions.end());
        return;
      }
      Chunk input;
      input.rows = chunk.rows;
      input.selection = selection;
      input.order = chunk.order;
      append_positions(input, out);
    }
  };

  struct Entry {
    uint64_t prefix;
    uint32_t row;
  };

  static uint64_t key_prefix(const std::string& keys, uint64_t begin, uint64_t end) {
    uint64_t prefix = 0;
    const size_t size = std::min<uint64_t>(8, end - begin);
    std::memcpy(&prefix, keys.data() + begin, size);
    return __builtin_bswap64(prefix);  // big-endian, so that numbers compare like bytes
  }

  const std::vector<SortItem>& items_;
  const std::vector<DataType>& types_;
  std::vector<Piece> pieces_;
  int64_t rows_ = 0;
  int64_t bytes_ = 0;
};

class SortState : public SinkState {
 public:
  SortState(const std::vector<SortItem>& items, const std::vector<DataType>& types,
            const ExecutionContext& context)
      : budget(context.budget),
        spill(spill_space(context)),
        cancellation(context.cancellation),
        reservation(budget, "ORDER BY"),
        buffer(items, types),
        runs(spill, "the rows of ORDER BY", types, items) {}

  std::shared_ptr<MemoryBudget> budget;
  std::shared_ptr<SpillSpace> spill;
  const CancellationToken* cancellation;  // of the query; may be null
  MemoryReservation reservation;
  std::mutex mutex;
  SortBuffer buffer;
  SortedRuns runs;            // what did not fit into memory
  std::vector<Chunk> result;  // when everything did
};

class SortTask : public SinkTask {
 public:
  SortTask(const std::vector<SortItem>& items, const std::vector<DataType>& types,
           std::shared_ptr<MemoryBudget> budget)
      : reservation(std::move(budget), "ORDER BY"), buffer(items, types) {}
  MemoryReservation reservation;
  SortBuffer buffer;
  // First key of the last row that may still be kept: rows behind it are dropped unseen.
  std::optional<Value> boundary;
};

// Sort and top-n in one: a sort keeps all rows.
class SortSink : public SinkOperator {
 public:
  SortSink(std::vector<SortItem> items, std::vector<DataType> types, int64_t keep, int64_t offset)
      : items_(std::move(items)), types_(std::move(types)), keep_(keep), offset_(offset) {}

  std::unique_ptr<SinkState> new_state(const ExecutionContext& context) const override {
    return std::make_unique<SortState>(items_, types_, context);
  }
  void begin_epoch(SinkState& base) const override {
    auto& state = static_cast<SortState&>(base);
    state.buffer.clear();
    state.runs.clear();
    state.result.clear();
  }
  std::unique_ptr<SinkTask> new_task(SinkState& base, size_t) const override {
    return std::make_unique<SortTask>(items_, types_, static_cast<SortState&>(base).budget);
  }

  SinkResult consume(SinkState& base, SinkTask& base_task, Chunk chunk) const override {
    auto& state = static_cast<SortState&>(base);
    auto& task = static_cast<SortTask&>(base_task);
    if (task.boundary) drop_rows_behind(*task.boundary, &chunk);
    task.buffer.add(chunk);
    // A top-n task sorts and cuts whenever it has gathered a multiple of what it may keep.
    constexpr int64_t kRowsBetweenCuts = 16 * kDefaultChunkRows;
    if (!keeps_all() && task.buffer.rows() > keep_ * 2 + kRowsBetweenCuts) {
      task.buffer.sort(keep_, state.cancellation);
      if (keep_ > 0) task.boundary = task.buffer.last_first_key();
    }
    const uint64_t needed = task.buffer.bytes_to_sort();
    if (state.spill->is_too_much(needed) || task.buffer.rows() > kMostRowsInMemory ||
        !task.reservation.try_resize(needed)) {
      put_aside(state, task.buffer);
      task.reservation.resize(0);
    }
    return SinkResult::kNeedInput;
  }

  void combine(SinkState& base, std::unique_ptr<SinkTask> base_task) const override {
    auto& state = static_cast<SortState&>(base);
    auto& task = static_cast<SortTask&>(*base_task);
    task.reservation.resize(0);
    const std::lock_guard<std::mutex> lock(state.mutex);
    if (state.buffer.rows() + task.buffer.rows() > kMostRowsInMemory ||
        !state.reservation.try_resize(state.buffer.bytes_to_sort() + task.buffer.bytes_to_sort())) {
      put_aside(state, task.buffer);
      return;
    }
    state.buffer.add_all(std::move(task.buffer));
  }

  void finish(SinkState& base, const ExecutionContext& context) const override {
    auto& state = static_cast<SortState&>(base);
    state.result.clear();
    if (!state.runs.empty()) {
      put_aside(state, state.buffer);
      state.reservation.resize(0);
      state.runs.merge_down(context);
      return;
    }
    if (keeps_all()) {
      state.result = sort_chunks(state.buffer.take_in_order(), types_, items_, offset_, context);
    } else {
      state.buffer.sort(keep_, context.cancellation);
      const Chunk sorted = state.buffer.take_sorted();
      const int64_t first = std::min(offset_, sorted.rows);
      state.result.push_back(slice_chunk(sorted, first, sorted.rows - first));
    }
    uint64_t bytes = 0;
    for (const Chunk& chunk : state.result) bytes += static_cast<uint64_t>(chunk.estimated_bytes());
    state.reservation.resize(bytes);
  }

  std::unique_ptr<TableScan> result(SinkState& base, const ScanRequest& request) const override {
    auto& state = static_cast<SortState&>(base);
    if (!state.runs.empty()) return state.runs.scan(request, offset_, keep_);
    return scan_chunks(state.result, request);
  }
  int64_t result_rows(const SinkState& base) const override {
    const auto& state = static_cast<const SortState&>(base);
    if (!state.runs.empty()) {
      return std::max<int64_t>(0, std::min(state.runs.rows(), keep_) - offset_);
    }
    int64_t rows = 0;
    for (const Chunk& chunk : state.result) rows += chunk.rows;
    return rows;
  }

 private:
  // Rows in memory are numbered in 32 bits.
  static constexpr int64_t kMostRowsInMemory = int64_t{1} << 31;

  bool keeps_all() const { return keep_ >= std::numeric_limits<int64_t>::max() / 2; }

  void put_aside(SortState& state, SortBuffer& buffer) const {
    if (buffer.rows() == 0) return;
    buffer.sort(keep_, state.cancellation);
    SortedRuns::Run run;
    state.runs.append(buffer.sorted(), buffer.positions(), &run);
    state.runs.add(std::move(run));
    buffer.clear();
  }

  // Rows whose first key alone puts them behind the boundary; equal ones stay, the other keys
  // decide.
  void drop_rows_behind(const Value& boundary, Chunk* chunk) const {
    const SortItem& item = items_[0];
    const int64_t rows = chunk->selected_rows();
    if (boundary.is_null() && !item.nulls_first) return;  // everything else is before NULL
    ColumnPtr keys = chunk->columns[item.column];
    if (chunk->selection) keys = take(keys, chunk->selection->data(), rows);
    if (keys->is_dictionary()) keys = flatten(keys);
    auto kept = std::make_shared<Selection>();
    if (boundary.is_null()) {  // NULLs come first and fill the places
      for (int64_t i = 0; i < rows; ++i) {
        if (keys->is_null(i)) kept->push_back(static_cast<uint32_t>(i));
      }
    } else {
      const CompareOp op = item.descending ? CompareOp::kGreaterEqual : CompareOp::kLessEqual;
      const ColumnPtr before = compare(op, keys, Column::constant(boundary, rows));
      select_true(*before, kept.get());
      if (item.nulls_first && keys->may_have_nulls()) {
        kept->clear();
        const ColumnPtr flat = flatten(before);
        for (int64_t i = 0; i < rows; ++i) {
          if (flat->is_null(i) || flat->values<uint8_t>()[i] != 0) {
            kept->push_back(static_cast<uint32_t>(i));
          }
        }
      }
    }
    if (static_cast<int64_t>(kept->size()) == rows) return;
    if (chunk->selection) {
      for (uint32_t& row : *kept) row = (*chunk->selection)[row];
    }
    chunk->selection = std::move(kept);
  }

  std::vector<SortItem> items_;
  std::vector<DataType> types_;
  int64_t keep_;
  int64_t offset_;
};

}  // namespace

std::unique_ptr<SinkOperator> make_sort(std::vector<SortItem> items, std::vector<DataType> types) {
  return std::make_unique<SortSink>(std::move(items), std::move(types),
                                    std::numeric_limits<int64_t>::max(), 0);
}

std::unique_ptr<SinkOperator> make_top_n(std::vector<SortItem> items, std::vector<DataType> types,
                                         int64_t limit, int64_t offset) {
  int64_t keep = 0;
  if (__builtin_add_overflow(limit, offset, &keep)) keep = std::numeric_limits<int64_t>::max();
  return std::make_unique<SortSink>(std::move(items), std::move(types), keep, offset);
}

}  // namespace velaria
