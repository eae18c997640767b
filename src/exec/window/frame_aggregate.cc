// Aggregates over frames, in time linear in the rows for every frame.
//
// Frames never go back from one row to the next. A cut is put at the end of a frame; as long as
// frames begin before the cut, each is the rows from its begin to the cut (a suffix) and from the
// cut to its end (a prefix). Suffixes and prefixes are running totals, so every row costs a fixed
// number of merges; when a frame begins at or behind the cut, the next cut is made. This is the
// two-stacks way to slide an aggregate that cannot be subtracted from (see K. Tangwongsan,
// M. Hirzel, S. Schneider, "General Incremental Sliding-Window Aggregation", VLDB 2015), with whole
// arrays instead of stacks. Cuts depend on the frames alone, so float sums are the same for any
// number of threads.
#include <algorithm>
#include <numeric>

#include "src/base/error.h"
#include "src/exec/aggregate/accumulator.h"
#include "src/exec/scheduler.h"
#include "src/exec/window/window_function_exec.h"
#include "src/kernel/compare.h"
#include "src/kernel/take.h"

namespace velaria {

namespace {

constexpr uint32_t kBlockRows = 64 * 1024;

// The arguments of the rows [first, first + count) of an item, in the order of the window.
struct ArgumentRows {
  std::vector<ColumnPtr> arguments;
  std::vector<uint32_t> positions;  // with a filter: which of the rows count
  bool filtered = false;
  uint32_t count = 0;
};

ArgumentRows gather_arguments(const WindowFunctionInput& input, const WindowItem& item,
                              uint32_t first, uint32_t count) {
  ArgumentRows out;
  out.count = count;
  const uint32_t* rows = item.row_numbers() + first;
  std::vector<uint32_t> kept;
  if (input.filter) {
    out.filtered = true;
    const auto* values = input.filter->values<uint8_t>();
    for (uint32_t i = 0; i < count; ++i) {
      if (!input.filter->validity().valid(rows[i]) || values[rows[i]] == 0) continue;
      out.positions.push_back(i);
      kept.push_back(rows[i]);
    }
    rows = kept.data();
    count = static_cast<uint32_t>(kept.size());
  }
  for (const ColumnPtr& argument : input.arguments) {
    out.arguments.push_back(take(argument, rows, count));
  }
  return out;
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
    const Frames frames = find_frames(function_.frame, input_.order_key, input_.order, item);
    if (function_.frame.start == FrameBound::Kind::kUnboundedPreceding) {
      running_totals(item, frames, context);
    } else {
      sliding_frames(item, frames, context);
    }
  }
  const ResultColumn& result() const override { return result_; }

 private:
  // Row i of `rows` goes to group ids[i].
  static void add_rows(const ArgumentRows& rows, const std::vector<uint32_t>& ids,
                       Accumulator* accumulator) {
    const auto count = static_cast<int64_t>(rows.filtered ? rows.positions.size() : rows.count);
    if (count == 0) return;
    std::vector<uint32_t> kept;
    const uint32_t* groups = ids.data();
    if (rows.filtered) {
      for (const uint32_t position : rows.positions) kept.push_back(ids[position]);
      groups = kept.data();
    }
    accumulator->add(rows.arguments.empty() ? nullptr : rows.arguments[0], groups, count);
  }

  std::unique_ptr<Accumulator> new_accumulator(uint32_t groups) const {
    std::unique_ptr<Accumulator> out = Accumulator::make(function_.aggregate);
    out->grow(groups);
    return out;
  }

  // Every row of the rows [first, first + groups.size()) has the value of its group.
  void give_out(const Accumulator& totals, const std::vector<uint32_t>& groups,
                const WindowItem& item, uint32_t first) {
    const auto count = static_cast<int64_t>(groups.size());
    result_.scatter(totals.result(groups.data(), count), item.row_numbers() + first, count);
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
      add_rows(gather_arguments(input_, item, first, count), part_of(ids, first, count),
               totals.get());
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
      add_rows(gather_arguments(input_, item, first, count), identity(count), totals.get());
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
      for (; row < item.size() && frames.end[row] <= first + count; ++row) {
        groups.push_back(frames.end[row] <= frames.begin[row] ? count
                                                              : frames.end[row] - 1 - first);
      }
      give_out(*totals, groups, item, first_row);
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
    for (uint32_t first = 0; first < item.size();) {
      check_cancelled(context);
      // Blocks that overlap the rows of the next one by less than their own length.
      uint32_t rows = std::min(kBlockRows, item.size() - first);
      const auto span = [&] {
        const uint32_t end = frames.end[first + rows - 1];
        return end > frames.begin[first] ? end - frames.begin[first] : 0;
      };
      while (first + rows < item.size() && span() > 4 * uint64_t{rows}) {
        rows = std::min(rows * 2, item.size() - first);
      }
      sliding_block(item, frames, first, rows, span());
      first += rows;
    }
  }

  // The rows [first, first + rows), whose frames are within `span` rows from the first one's begin.
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
    const ArgumentRows arguments = gather_arguments(input_, item, base, span);
    const std::vector<uint32_t> ids = identity(span);
    const std::unique_ptr<Accumulator> totals = new_accumulator(rows);
    {
      const std::unique_ptr<Accumulator> suffixes = new_accumulator(span);
      add_rows(arguments, ids, suffixes.get());
      suffix_steps.run(*suffixes, suffixes.get());
      from_suffixes.run(*suffixes, totals.get());
    }
    if (!from_prefixes.from.empty()) {
      const std::unique_ptr<Accumulator> prefixes = new_accumulator(span);
      add_rows(arguments, ids, prefixes.get());
      prefix_steps.run(*prefixes, prefixes.get());
      from_prefixes.run(*prefixes, totals.get());
    }
    give_out(*totals, identity(rows), item, first);
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
    const Frames frames = find_frames(function_.frame, input_.order_key, input_.order, item);
    const ArgumentRows rows = gather_arguments(input_, item, 0, item.size());
    const Column& values = *rows.arguments[0];
    std::vector<uint32_t> queue;
    size_t head = 0;
    uint32_t next = 0;  // into `values`
    const auto kept = static_cast<uint32_t>(values.length());
    const auto place_of = [&](uint32_t at) { return rows.filtered ? rows.positions[at] : at; };
    for (uint32_t i = 0; i < item.size(); ++i) {
      if (i % kBlockRows == 0 && context.cancellation) context.cancellation->throw_if_cancelled();
      for (; next < kept && place_of(next) < frames.end[i]; ++next) {
        if (!values.validity().valid(next)) continue;
        while (queue.size() > head && compare_(values, next, queue.back()) * direction_ > 0) {
          queue.pop_back();
        }
        queue.push_back(next);
      }
      while (head < queue.size() && place_of(queue[head]) < frames.begin[i]) ++head;
      if (head == queue.size()) {
        queue.clear();
        head = 0;
      }
      const bool any = head < queue.size() && place_of(queue[head]) < frames.end[i];
      result_.picks()[item.row_numbers()[i]] =
          any ? item.row_numbers()[place_of(queue[head])] : kNoRow;
    }
  }
  const ResultColumn& result() const override { return result_; }

 private:
  void whole_partitions(const WindowItem& item) {
    const ArgumentRows rows = gather_arguments(input_, item, 0, item.size());
    const Column& values = *rows.arguments[0];
    const auto kept = static_cast<uint32_t>(values.length());
    uint32_t next = 0;
    for (size_t p = 0; p + 1 < item.starts().size(); ++p) {
      const uint32_t end = item.starts()[p + 1];
      uint32_t best = kNoRow;
      uint32_t best_place = 0;
      for (; next < kept; ++next) {
        const uint32_t place = rows.filtered ? rows.positions[next] : next;
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
  return std::make_unique<FrameAggregateFunction>(function, std::move(input));
}

}  // namespace velaria
