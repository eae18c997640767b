// Aggregates over frames, in time linear in the rows for every frame.
//
// Frames never go back from one row of a list to the next. A cut is put at the end of a frame; as
// long as frames begin before the cut, each is the rows from its begin to the cut (a suffix) and
// from the cut to its end (a prefix). Suffixes and prefixes are running totals, so every row costs
// a fixed number of merges; when a frame begins at or behind the cut, the next cut is made. This is
// the two-stacks way to slide an aggregate that cannot be subtracted from (see K. Tangwongsan, M.
// Hirzel, S. Schneider, "General Incremental Sliding-Window Aggregation", VLDB 2015), with whole
// arrays instead of stacks. Cuts depend on the frames alone, so float sums are the same for any
// number of threads.
#include <algorithm>
#include <numeric>

#include "src/exec/aggregate/accumulator.h"
#include "src/exec/window/window_function_exec.h"
#include "src/kernel/take.h"

namespace velaria {

namespace {

constexpr uint32_t kBlockRows = 64 * 1024;

// What an aggregate reads of some rows, in the order of the window.
struct GatheredRows {
  AggregateRows rows;
  std::vector<uint32_t> kept;  // with a filter: which of the rows count
  std::vector<uint64_t> positions;
  bool filtered = false;

  uint32_t place_of(uint32_t i) const { return filtered ? kept[i] : i; }
  uint32_t size() const { return static_cast<uint32_t>(rows.rows); }
};

// `numbers`: of the rows among all rows.
GatheredRows gather_rows(const WindowFunctionInput& input, const uint32_t* numbers,
                         uint32_t count) {
  GatheredRows out;
  std::vector<uint32_t> kept_numbers;
  if (input.filter) {
    out.filtered = true;
    const auto* values = input.filter->values<uint8_t>();
    for (uint32_t i = 0; i < count; ++i) {
      if (!input.filter->validity().valid(numbers[i]) || values[numbers[i]] == 0) continue;
      out.kept.push_back(i);
      kept_numbers.push_back(numbers[i]);
    }
    numbers = kept_numbers.data();
    count = static_cast<uint32_t>(out.kept.size());
  }
  out.rows.rows = count;
  for (const ColumnPtr& argument : input.arguments) {
    out.rows.arguments.push_back(take(argument, numbers, count));
  }
  for (const ColumnPtr& key : input.order_keys) {
    out.rows.order_keys.push_back(take(key, numbers, count));
  }
  return out;
}

// Whether totals may stand for every place of a long list: they take a few words each, and merging
// them one after the other within one accumulator does what it says.
bool has_small_totals(AggregateKind kind) {
  switch (kind) {
    case AggregateKind::kQuantileCont:
    case AggregateKind::kQuantileDisc:
    case AggregateKind::kMode:
    case AggregateKind::kStringAgg:
    case AggregateKind::kApproxCountDistinct: return false;
    default: return true;
  }
}

// Groups of an accumulator stand for places; merges are collected and done in order.
struct Merges {
  std::vector<uint32_t> from;
  std::vector<uint32_t> to;

  void add(uint32_t source, uint32_t target) {
    from.push_back(source);
    to.push_back(target);
  }
  void run(const Accumulator& source, Accumulator* target) const {
    target->merge(source, from.data(), to.data(), static_cast<int64_t>(from.size()));
  }
};

class FrameAggregateFunction : public WindowFunctionExec {
 public:
  FrameAggregateFunction(const BoundWindowFunction& function, WindowFunctionInput input)
      : function_(function),
        input_(std::move(input)),
        result_(function.result_type, input_.rows,
                function.aggregate.kind != AggregateKind::kCount &&
                    function.aggregate.kind != AggregateKind::kCountRows) {}

  void evaluate(WindowItem& item, const ExecutionContext& context) override {
    if (covers_partition(function_.frame, input_.ordered)) {
      whole_partitions(item, context);
      return;
    }
    for (const Frames& frames :
         find_frames_in_order(function_.frame, input_.order_key, input_.order, item)) {
      evaluate_list(item, frames, context);
    }
  }
  const ResultColumn& result() const override { return result_; }

 private:
  void evaluate_list(const WindowItem& item, const Frames& frames,
                     const ExecutionContext& context) {
    const bool growing = function_.frame.start == FrameBound::Kind::kUnboundedPreceding;
    if (!has_small_totals(function_.aggregate.kind)) {
      if (growing) {
        growing_frames(item, frames, context);
      } else {
        separate_frames(item, frames, context);
      }
    } else if (growing) {
      running_totals(item, frames, context);
    } else {
      sliding_frames(item, frames, context);
    }
  }

  // Row i of the gathered ones, the first of which is row `first` of the item, goes to group
  // ids[i].
  static void add_rows(GatheredRows& gathered, uint32_t first, const std::vector<uint32_t>& ids,
                       Accumulator* accumulator) {
    const uint32_t count = gathered.size();
    if (count == 0) return;
    std::vector<uint32_t> kept_ids;
    gathered.rows.ids = ids.data();
    if (gathered.filtered) {
      for (const uint32_t place : gathered.kept) kept_ids.push_back(ids[place]);
      gathered.rows.ids = kept_ids.data();
    }
    if (accumulator->reads_positions() && gathered.positions.empty()) {
      for (uint32_t i = 0; i < count; ++i) {
        gathered.positions.push_back(uint64_t{first} + gathered.place_of(i));
      }
    }
    gathered.rows.positions = gathered.positions.data();
    accumulator->add_rows(gathered.rows);
  }

  std::unique_ptr<Accumulator> new_accumulator(uint32_t groups) const {
    std::unique_ptr<Accumulator> out = Accumulator::make(function_.aggregate);
    out->grow(groups);
    return out;
  }

  // Every one of the rows has the value of its group.
  void give_out(const Accumulator& totals, const std::vector<uint32_t>& groups,
                const uint32_t* rows) {
    const auto count = static_cast<int64_t>(groups.size());
    result_.scatter(totals.result(groups.data(), count), rows, count);
  }

  void whole_partitions(const WindowItem& item, const ExecutionContext& context) {
    const auto partitions = static_cast<uint32_t>(item.starts().size() - 1);
    const std::unique_ptr<Accumulator> totals = new_accumulator(partitions);
    std::vector<uint32_t> ids(item.size());
    for (uint32_t p = 0; p < partitions; ++p) {
      std::fill(ids.begin() + item.starts()[p], ids.begin() + item.starts()[p + 1], p);
    }
    for (uint32_t first = 0; first < item.size(); first += kBlockRows) {
      check_cancelled(context);
      const uint32_t count = std::min(kBlockRows, item.size() - first);
      GatheredRows rows = gather_rows(input_, item.row_numbers() + first, count);
      add_rows(rows, first, part_of(ids, first, count), totals.get());
    }
    std::vector<uint32_t> all(partitions);
    std::iota(all.begin(), all.end(), 0u);
    const ColumnPtr values = totals->result(all.data(), partitions);
    for (uint32_t first = 0; first < item.size(); first += kBlockRows) {
      check_cancelled(context);
      const uint32_t count = std::min(kBlockRows, item.size() - first);
      result_.scatter(take(values, ids.data() + first, count), item.row_numbers() + first, count);
    }
  }

  // Frames from the first row of the partition: block by block, each going on from the last total
  // of the one before.
  void running_totals(const WindowItem& item, const Frames& frames,
                      const ExecutionContext& context) {
    std::unique_ptr<Accumulator> before;  // one group: the total up to the block
    uint32_t row = 0;
    size_t partition = 0;
    for (uint32_t first = 0; first < item.size(); first += kBlockRows) {
      check_cancelled(context);
      const uint32_t count = std::min(kBlockRows, item.size() - first);
      std::unique_ptr<Accumulator> totals = new_accumulator(count + 1);  // the last one is empty
      GatheredRows rows = gather_rows(input_, item.row_numbers() + first, count);
      add_rows(rows, first, identity(count), totals.get());
      Merges steps;
      for (uint32_t i = 0; i < count; ++i) {
        if (first + i == item.starts()[partition]) {
          ++partition;
        } else if (i > 0) {
          steps.add(i - 1, i);
        } else {
          totals = after_total(*before, *totals, count);
        }
      }
      steps.run(*totals, totals.get());
      // Rows whose frames end in this block; they follow those of the block before.
      const uint32_t first_row = row;
      std::vector<uint32_t> groups;
      for (; row < frames.size() && frames.end[row] <= first + count; ++row) {
        groups.push_back(frames.end[row] <= frames.begin[row] ? count
                                                              : frames.end[row] - 1 - first);
      }
      give_out(*totals, groups, frames.row_numbers(item) + first_row);
      before = new_accumulator(1);
      const uint32_t last = count - 1;
      const uint32_t only = 0;
      before->merge(*totals, &last, &only, 1);
    }
  }

  // `totals` with `before` ahead of its first group: what comes first must be merged first.
  std::unique_ptr<Accumulator> after_total(const Accumulator& before, const Accumulator& totals,
                                           uint32_t count) const {
    std::unique_ptr<Accumulator> out = new_accumulator(count + 1);
    const uint32_t first = 0;
    out->merge(before, &first, &first, 1);
    const std::vector<uint32_t> all = identity(count);
    out->merge(totals, all.data(), all.data(), count);
    return out;
  }

  void sliding_frames(const WindowItem& item, const Frames& frames,
                      const ExecutionContext& context) {
    for (uint32_t first = 0; first < frames.size();) {
      check_cancelled(context);
      // Blocks that overlap the rows of the next one by less than their own length.
      uint32_t rows = std::min(kBlockRows, frames.size() - first);
      const auto span = [&] {
        const uint32_t end = frames.end[first + rows - 1];
        return end > frames.begin[first] ? end - frames.begin[first] : 0;
      };
      while (first + rows < frames.size() && span() > 4 * uint64_t{rows}) {
        rows = std::min(rows * 2, frames.size() - first);
      }
      sliding_block(item, frames, first, rows, span());
      first += rows;
    }
  }

  // The frames [first, first + rows), which are within `span` rows from the first one's begin.
  void sliding_block(const WindowItem& item, const Frames& frames, uint32_t first, uint32_t rows,
                     uint32_t span) {
    const uint32_t base = frames.begin[first];
    Merges suffix_steps;
    Merges prefix_steps;
    Merges from_suffixes;
    Merges from_prefixes;
    bool any_cut = false;
    uint32_t cut = 0;
    uint32_t prefix_end = 0;
    for (uint32_t i = 0; i < rows; ++i) {
      if (frames.end[first + i] <= frames.begin[first + i]) continue;
      const uint32_t begin = frames.begin[first + i] - base;
      const uint32_t end = frames.end[first + i] - base;
      if (!any_cut || begin >= cut) {
        any_cut = true;
        cut = end;
        prefix_end = end;
        for (uint32_t k = end - 1; k > begin; --k) suffix_steps.add(k, k - 1);
      }
      for (; prefix_end < end; ++prefix_end) {
        if (prefix_end > cut) prefix_steps.add(prefix_end - 1, prefix_end);
      }
      from_suffixes.add(begin, i);
      if (end > cut) from_prefixes.add(end - 1, i);
    }
    GatheredRows gathered = gather_rows(input_, item.row_numbers() + base, span);
    const std::vector<uint32_t> ids = identity(span);
    const std::unique_ptr<Accumulator> totals = new_accumulator(rows);
    {
      const std::unique_ptr<Accumulator> suffixes = new_accumulator(span);
      add_rows(gathered, base, ids, suffixes.get());
      suffix_steps.run(*suffixes, suffixes.get());
      from_suffixes.run(*suffixes, totals.get());
    }
    if (!from_prefixes.from.empty()) {
      const std::unique_ptr<Accumulator> prefixes = new_accumulator(span);
      add_rows(gathered, base, ids, prefixes.get());
      prefix_steps.run(*prefixes, prefixes.get());
      from_prefixes.run(*prefixes, totals.get());
    }
    give_out(*totals, identity(rows), frames.row_numbers(item) + first);
  }

  // ---- Aggregates that keep all their values

  // Every frame has the rows of the one before and more, until the next partition begins.
  void growing_frames(const WindowItem& item, const Frames& frames,
                      const ExecutionContext& context) {
    std::unique_ptr<Accumulator> total;
    uint32_t begin = 0;
    uint32_t end = 0;
    for (uint32_t i = 0; i < frames.size();) {
      check_cancelled(context);
      if (total == nullptr || frames.begin[i] != begin) {
        total = new_accumulator(1);
        begin = end = frames.begin[i];
      }
      if (frames.end[i] > end) {
        const uint32_t more = frames.end[i] - end;
        GatheredRows rows = gather_rows(input_, item.row_numbers() + end, more);
        add_rows(rows, end, std::vector<uint32_t>(more, 0), total.get());
        end = frames.end[i];
      }
      uint32_t alike = 1;  // rows with this very frame
      while (i + alike < frames.size() && frames.begin[i + alike] == begin &&
             frames.end[i + alike] <= end) {
        ++alike;
      }
      give_out(*total, std::vector<uint32_t>(alike, 0), frames.row_numbers(item) + i);
      i += alike;
    }
  }

  // Frame by frame, many at a time.
  void separate_frames(const WindowItem& item, const Frames& frames,
                       const ExecutionContext& context) {
    for (uint32_t first = 0; first < frames.size();) {
      check_cancelled(context);
      std::vector<uint32_t> positions;
      std::vector<uint32_t> ids;
      std::vector<uint32_t> groups;
      uint32_t i = first;
      uint32_t group = 0;
      for (; i < frames.size() && positions.size() < kBlockRows; ++i) {
        const bool same = i > first && frames.begin[i] == frames.begin[i - 1] &&
                          frames.end[i] == frames.end[i - 1];
        if (!same && i > first) ++group;
        groups.push_back(group);
        if (same) continue;
        for (uint32_t row = frames.begin[i]; row < frames.end[i]; ++row) {
          positions.push_back(row);
          ids.push_back(group);
        }
      }
      std::vector<uint32_t> numbers;
      numbers.reserve(positions.size());
      for (const uint32_t position : positions) numbers.push_back(item.row_numbers()[position]);
      GatheredRows rows =
          gather_rows(input_, numbers.data(), static_cast<uint32_t>(numbers.size()));
      for (uint32_t row = 0; row < rows.size(); ++row) {
        rows.positions.push_back(positions[rows.place_of(row)]);
      }
      const std::unique_ptr<Accumulator> totals = new_accumulator(group + 1);
      add_rows(rows, 0, ids, totals.get());
      give_out(*totals, groups, frames.row_numbers(item) + first);
      first = i;
    }
  }

  static std::vector<uint32_t> identity(uint32_t count) {
    std::vector<uint32_t> out(count);
    std::iota(out.begin(), out.end(), 0u);
    return out;
  }
  static std::vector<uint32_t> part_of(const std::vector<uint32_t>& ids, uint32_t first,
                                       uint32_t count) {
    return {ids.begin() + first, ids.begin() + first + count};
  }
  static void check_cancelled(const ExecutionContext& context) {
    if (context.cancellation) context.cancellation->throw_if_cancelled();
  }

  const BoundWindowFunction& function_;
  WindowFunctionInput input_;
  ValueColumn result_;
};

// MIN and MAX as rows of the frame, so that no value is copied. The rows that may still become the
// answer stand in a queue, the best one first.
class FrameExtremeFunction : public WindowFunctionExec {
 public:
  FrameExtremeFunction(const BoundWindowFunction& function, WindowFunctionInput input)
      : function_(function),
        input_(std::move(input)),
        compare_(row_compare(input_.arguments[0]->type())),
        direction_(function.aggregate.kind == AggregateKind::kMax ? 1 : -1),
        result_(input_.arguments[0], nullptr, input_.rows) {}

  void evaluate(WindowItem& item, const ExecutionContext& context) override {
    if (covers_partition(function_.frame, input_.ordered)) {
      whole_partitions(item);
      return;
    }
    const GatheredRows rows = gather_rows(input_, item.row_numbers(), item.size());
    for (const Frames& frames :
         find_frames_in_order(function_.frame, input_.order_key, input_.order, item)) {
      pick_extremes(item, frames, rows, context);
    }
  }
  const ResultColumn& result() const override { return result_; }

 private:
  void pick_extremes(const WindowItem& item, const Frames& frames, const GatheredRows& rows,
                     const ExecutionContext& context) {
    const Column& values = *rows.rows.arguments[0];
    std::vector<uint32_t> queue;
    size_t head = 0;
    uint32_t next = 0;  // into `values`
    const uint32_t kept = rows.size();
    for (uint32_t i = 0; i < frames.size(); ++i) {
      if (i % kBlockRows == 0 && context.cancellation) context.cancellation->throw_if_cancelled();
      for (; next < kept && rows.place_of(next) < frames.end[i]; ++next) {
        if (!values.validity().valid(next)) continue;
        while (queue.size() > head && compare_(values, next, queue.back()) * direction_ > 0) {
          queue.pop_back();
        }
        queue.push_back(next);
      }
      while (head < queue.size() && rows.place_of(queue[head]) < frames.begin[i]) ++head;
      if (head == queue.size()) {
        queue.clear();
        head = 0;
      }
      const bool any = head < queue.size() && rows.place_of(queue[head]) < frames.end[i];
      result_.picks()[frames.row_numbers(item)[i]] =
          any ? item.row_numbers()[rows.place_of(queue[head])] : kNoRow;
    }
  }

  void whole_partitions(const WindowItem& item) {
    const GatheredRows rows = gather_rows(input_, item.row_numbers(), item.size());
    const Column& values = *rows.rows.arguments[0];
    const uint32_t kept = rows.size();
    uint32_t next = 0;
    for (size_t p = 0; p + 1 < item.starts().size(); ++p) {
      const uint32_t end = item.starts()[p + 1];
      uint32_t best = kNoRow;
      uint32_t best_place = 0;
      for (; next < kept; ++next) {
        const uint32_t place = rows.place_of(next);
        if (place >= end) break;
        if (!values.validity().valid(next)) continue;
        if (best != kNoRow && compare_(values, next, best) * direction_ <= 0) continue;
        best = next;
        best_place = place;
      }
      const uint32_t pick = best == kNoRow ? kNoRow : item.row_numbers()[best_place];
      for (uint32_t i = item.starts()[p]; i < end; ++i) {
        result_.picks()[item.row_numbers()[i]] = pick;
      }
    }
  }

  const BoundWindowFunction& function_;
  WindowFunctionInput input_;
  RowCompare compare_;
  int direction_;
  PickedColumn result_;
};

}  // namespace

std::unique_ptr<WindowFunctionExec> make_frame_aggregate(const BoundWindowFunction& function,
                                                         WindowFunctionInput input) {
  const AggregateKind kind = function.aggregate.kind;
  if (kind == AggregateKind::kMin || kind == AggregateKind::kMax) {
    return std::make_unique<FrameExtremeFunction>(function, std::move(input));
  }
  const bool quantile =
      kind == AggregateKind::kQuantileCont || kind == AggregateKind::kQuantileDisc;
  if (quantile && !covers_partition(function.frame, input.ordered)) {
    return make_frame_quantile(function, std::move(input));
  }
  return std::make_unique<FrameAggregateFunction>(function, std::move(input));
}

}  // namespace velaria
