// Quantiles over frames that move. Frames of a list never go back, so each row of a partition comes
// into the frame once and leaves it once; the rows in the frame are counted by rank in a Fenwick
// tree, which finds the one of any rank in log n steps (P. M. Fenwick, "A New Data Structure for
// Cumulative Frequency Tables", 1994).
#include <algorithm>
#include <map>
#include <numeric>
#include <utility>

#include "src/exec/aggregate/accumulator.h"
#include "src/exec/aggregate/quantile_rank.h"
#include "src/exec/sort/cancellable_sort.h"
#include "src/exec/window/window_function_exec.h"
#include "src/kernel/take.h"

namespace velaria {

namespace {

class RankCounts {
 public:
  explicit RankCounts(uint32_t ranks) : counts_(ranks + 1, 0) {
    while (top_ * 2 <= ranks) top_ *= 2;
  }
  void add(uint32_t rank, int32_t count) {
    for (size_t at = rank + 1; at < counts_.size(); at += at & (~at + 1)) counts_[at] += count;
    total_ += count;
  }
  uint32_t total() const { return static_cast<uint32_t>(total_); }
  // The rank of the row that has `before` rows before it.
  uint32_t find(uint32_t before) const {
    size_t at = 0;
    auto left = static_cast<int64_t>(before);
    for (size_t step = top_; step > 0; step /= 2) {
      if (at + step < counts_.size() && counts_[at + step] <= left) {
        at += step;
        left -= counts_[at];
      }
    }
    return static_cast<uint32_t>(at);
  }

 private:
  std::vector<int32_t> counts_;
  size_t top_ = 1;
  int64_t total_ = 0;
};

class FrameQuantileFunction : public WindowFunctionExec {
 public:
  FrameQuantileFunction(const BoundWindowFunction& function, WindowFunctionInput input)
      : function_(function),
        input_(std::move(input)),
        continuous_(function.aggregate.kind == AggregateKind::kQuantileCont),
        fraction_(function.aggregate.parameters[0].as_double()),
        discrete_(fraction_),
        direction_(function.aggregate.parameters[1].as_bool() ? -1 : 1),
        compare_(row_compare(input_.arguments[0]->type())) {
    if (continuous_) {
      values_ = std::make_unique<ValueColumn>(function.result_type, input_.rows, true);
    } else {
      picked_ = std::make_unique<PickedColumn>(input_.arguments[0], nullptr, input_.rows);
    }
  }

  void evaluate(WindowItem& item, const ExecutionContext& context) override {
    const std::vector<uint32_t> sorted = sorted_places(item, context);
    std::vector<uint32_t> ranks(item.size(), kNoRow);
    for (uint32_t rank = 0; rank < sorted.size(); ++rank) ranks[sorted[rank]] = rank;
    Between between;
    for (const Frames& frames :
         find_frames_in_order(function_.frame, input_.order_key, input_.order, item)) {
      evaluate_list(item, frames, sorted, ranks, &between, context);
    }
    give_out(between, context);
  }

  const ResultColumn& result() const override {
    return continuous_ ? static_cast<const ResultColumn&>(*values_) : *picked_;
  }

 private:
  // Rows whose value lies between two others, by how far.
  struct Neighbours {
    std::vector<uint32_t> rows;
    std::vector<uint32_t> lower;
    std::vector<uint32_t> upper;
    void add(uint32_t row, uint32_t a, uint32_t b) {
      rows.push_back(row);
      lower.push_back(a);
      upper.push_back(b);
    }
  };
  using Between = std::map<double, Neighbours>;

  // `sorted`: places in the item by value; `ranks`: the rank of each place.
  void evaluate_list(const WindowItem& item, const Frames& frames,
                     const std::vector<uint32_t>& sorted, const std::vector<uint32_t>& ranks,
                     Between* between, const ExecutionContext& context) {
    const uint32_t* rows = frames.row_numbers(item);
    RankCounts counts(static_cast<uint32_t>(sorted.size()));
    uint32_t begin = 0;  // the rows that are counted
    uint32_t end = 0;
    for (uint32_t i = 0; i < frames.size(); ++i) {
      if (i % 4096 == 0 && context.cancellation) context.cancellation->throw_if_cancelled();
      for (; end < frames.end[i]; ++end) {
        if (ranks[end] != kNoRow) counts.add(ranks[end], 1);
      }
      for (; begin < std::min(frames.begin[i], end); ++begin) {
        if (ranks[begin] != kNoRow) counts.add(ranks[begin], -1);
      }
      const bool empty = frames.end[i] <= frames.begin[i] || counts.total() == 0;
      const auto row_at = [&](uint32_t rank) {
        return item.row_numbers()[sorted[counts.find(rank)]];
      };
      if (!continuous_) {
        picked_->picks()[rows[i]] =
            empty ? kNoRow : row_at(static_cast<uint32_t>(discrete_.place(counts.total())));
      } else if (empty) {
        values_->set_null(rows[i]);
      } else {
        const auto [lower, part] = rank_among(counts.total());
        const bool two = part > 0 && lower + 1 < counts.total();
        const uint32_t first = row_at(lower);
        (*between)[part].add(rows[i], first, two ? row_at(lower + 1) : first);
      }
    }
  }

  // The places in the item of the rows that count, by value.
  std::vector<uint32_t> sorted_places(const WindowItem& item,
                                      const ExecutionContext& context) const {
    const Column& column = *input_.arguments[0];
    const uint32_t* rows = item.row_numbers();
    std::vector<uint32_t> out;
    for (uint32_t i = 0; i < item.size(); ++i) {
      if (!column.validity().valid(rows[i])) continue;
      if (input_.filter && (!input_.filter->validity().valid(rows[i]) ||
                            input_.filter->values<uint8_t>()[rows[i]] == 0)) {
        continue;
      }
      out.push_back(i);
    }
    cancellable_sort(
        out.begin(), out.end(),
        [&](uint32_t a, uint32_t b) {
          const int order = compare_(column, rows[a], rows[b]) * direction_;
          return order != 0 ? order < 0 : a < b;
        },
        context.cancellation);
    return out;
  }

  // Of so many values: the number of the one at or before the quantile, and the part of the way to
  // the next one. As the aggregate itself does it, so that both give the same digits.
  std::pair<uint32_t, double> rank_among(uint32_t count) const {
    if (input_.arguments[0]->type().id() == TypeId::kDecimal128) {
      const QuantileRank rank = QuantileRank::exact(fraction_, count - 1);
      return {static_cast<uint32_t>(rank.lower), rank.part()};
    }
    const double rank = fraction_ * static_cast<double>(count - 1);
    const uint32_t lower = std::min(static_cast<uint32_t>(rank), count - 1);
    return {lower, rank - static_cast<double>(lower)};
  }

  // A quantile of two values, at the fraction that is left, is the value between them: so the
  // aggregate itself rounds as it does everywhere.
  void give_out(const Between& between, const ExecutionContext& context) {
    constexpr size_t kBlockRows = 16 * 1024;
    std::vector<uint32_t> groups(kBlockRows);
    std::iota(groups.begin(), groups.end(), 0u);
    for (const auto& [part, neighbours] : between) {
      BoundAggregate aggregate = function_.aggregate;
      aggregate.parameters[0] = Value::float64(part);
      for (size_t begin = 0; begin < neighbours.rows.size(); begin += kBlockRows) {
        if (context.cancellation) context.cancellation->throw_if_cancelled();
        const auto count =
            static_cast<int64_t>(std::min(kBlockRows, neighbours.rows.size() - begin));
        const std::unique_ptr<Accumulator> totals = Accumulator::make(aggregate);
        totals->grow(static_cast<uint32_t>(count));
        for (const auto* side : {&neighbours.lower, &neighbours.upper}) {
          AggregateRows rows;
          rows.arguments = {take(input_.arguments[0], side->data() + begin, count)};
          rows.ids = groups.data();
          rows.rows = count;
          totals->add_rows(rows);
        }
        values_->scatter(totals->result(groups.data(), count), neighbours.rows.data() + begin,
                         count);
      }
    }
  }

  const BoundWindowFunction& function_;
  WindowFunctionInput input_;
  bool continuous_;
  double fraction_;
  DiscreteQuantile discrete_;
  int direction_;
  RowCompare compare_;
  std::unique_ptr<ValueColumn> values_;
  std::unique_ptr<PickedColumn> picked_;
};

}  // namespace

std::unique_ptr<WindowFunctionExec> make_frame_quantile(const BoundWindowFunction& function,
                                                        WindowFunctionInput input) {
  return std::make_unique<FrameQuantileFunction>(function, std::move(input));
}

}  // namespace velaria
