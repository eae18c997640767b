#include "src/exec/aggregate/accumulator.h"

#include <limits>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/column/builder.h"
#include "src/column/decimal.h"
#include "src/exec/aggregate/accumulator_families.h"
#include "src/exec/aggregate/number_accumulators.h"
#include "src/kernel/compare.h"
#include "src/kernel/dispatch.h"
#include "src/kernel/rounded_ratio.h"
#include "src/kernel/take.h"

namespace velaria {

namespace {

template <typename Vector>
uint64_t vector_bytes(const Vector& values) {
  return values.capacity() * sizeof(typename Vector::value_type);
}

class CountAccumulator : public Accumulator {
 public:
  explicit CountAccumulator(bool rows) : count_rows_(rows) {}

  void grow(uint32_t groups) override { counts_.resize(groups, 0); }

  void add(const ColumnPtr& argument, const uint32_t* ids, int64_t rows) override {
    if (!count_rows_ && argument->may_have_nulls()) {
      const ColumnPtr flat = flatten(argument);
      if (flat->type().is_null()) return;
      for_present_rows(*flat, ids, rows, [&](int64_t, uint32_t group) { ++counts_[group]; });
    } else if (ids == nullptr) {
      counts_[0] += rows;
    } else {
      for (int64_t i = 0; i < rows; ++i) ++counts_[ids[i]];
    }
  }

  void merge(const Accumulator& other, const uint32_t* from, const uint32_t* to,
             int64_t count) override {
    const auto& counts = static_cast<const CountAccumulator&>(other).counts_;
    for (int64_t i = 0; i < count; ++i) counts_[to[i]] += counts[from[i]];
  }

  ColumnPtr result(const uint32_t* groups, int64_t count) const override {
    ArrayBuilder<int64_t> values;
    int64_t* out = count > 0 ? values.extend(count) : nullptr;
    for (int64_t i = 0; i < count; ++i) out[i] = counts_[groups[i]];
    return Column::flat(DataType(TypeId::kInt64), count, values.finish(), 0, {});
  }

  uint64_t memory_bytes() const override { return vector_bytes(counts_); }

  std::vector<ColumnPtr> state(const uint32_t* groups, int64_t count) const override {
    return {result(groups, count)};
  }
  void restore(const std::vector<ColumnPtr>& state) override {
    const int64_t* values = state[0]->values<int64_t>();
    counts_.assign(values, values + state[0]->length());
  }

 private:
  bool count_rows_;
  LargeVector<int64_t> counts_;
};

// SUM and AVG of decimals; only AVG counts.
template <typename T, bool kCounts>
class ExactSumAccumulator : public Accumulator {
 public:
  ExactSumAccumulator(AggregateKind kind, DataType argument, DataType result)
      : kind_(kind), argument_type_(std::move(argument)), result_type_(std::move(result)) {}

  void grow(uint32_t groups) override { cells_.resize(groups); }

  void add(const ColumnPtr& argument, const uint32_t* ids, int64_t rows) override {
    const ColumnPtr flat = flatten(argument);
    const T* values = flat->values<T>();
    for_present_rows(*flat, ids, rows, [&](int64_t i, uint32_t group) {
      Cell& cell = cells_[group];
      if (__builtin_add_overflow(cell.sum, values[i], &cell.sum)) overflowed();
      note_values(group, 1);
    });
  }

  void merge(const Accumulator& other, const uint32_t* from, const uint32_t* to,
             int64_t count) override {
    const auto& source = static_cast<const ExactSumAccumulator&>(other);
    for (int64_t i = 0; i < count; ++i) {
      if (source.empty(from[i])) continue;
      Cell& cell = cells_[to[i]];
      if (__builtin_add_overflow(cell.sum, source.cells_[from[i]].sum, &cell.sum)) overflowed();
      note_values(to[i], source.values(from[i]));
    }
  }

  ColumnPtr result(const uint32_t* groups, int64_t count) const override {
    if constexpr (kCounts) return average(groups, count);
    return visit_stored_type(result_type_, [&](auto tag) -> ColumnPtr {
      using R = typename decltype(tag)::type;
      if constexpr (std::is_integral_v<R> || std::is_same_v<R, Int128>) {
        FixedBuilder<R> builder(result_type_);
        for (int64_t i = 0; i < count; ++i) {
          const Cell& cell = cells_[groups[i]];
          if (empty(groups[i])) {
            builder.append_null();
            continue;
          }
          check_fits<R>(cell.sum);
          builder.append(static_cast<R>(cell.sum));
        }
        return builder.finish();
      } else {
        VELARIA_CHECK(false);
        return nullptr;
      }
    });
  }

  uint64_t memory_bytes() const override { return vector_bytes(cells_) + marked_.memory_bytes(); }

  std::vector<ColumnPtr> state(const uint32_t* groups, int64_t count) const override {
    FixedBuilder<Int128> sums{DataType::decimal(38, 0)};
    FixedBuilder<int64_t> counts{DataType(TypeId::kInt64)};  // without counts: whether there is any
    for (int64_t i = 0; i < count; ++i) {
      sums.append(cells_[groups[i]].sum);
      counts.append(values(groups[i]));
    }
    return {sums.finish(), counts.finish()};
  }
  void restore(const std::vector<ColumnPtr>& state) override {
    cells_.resize(static_cast<size_t>(state[0]->length()));
    for (uint32_t i = 0; i < cells_.size(); ++i) {
      cells_[i].sum = state[0]->values<Int128>()[i];
      const int64_t values = state[1]->values<int64_t>()[i];
      if (values > 0) note_values(i, values);
    }
  }

 private:
  using Cell = SumCell<Int128, kCounts>;

  void note_values(uint32_t group, int64_t values) {
    if constexpr (kCounts) {
      cells_[group].count += values;
    } else {
      static_cast<void>(values);
      if (cells_[group].sum == 0) marked_.mark(group);
    }
  }
  bool empty(uint32_t group) const { return values(group) == 0; }
  int64_t values(uint32_t group) const {
    if constexpr (kCounts) return cells_[group].count;
    return cells_[group].sum == 0 && !marked_.has(group) ? 0 : 1;
  }

  [[noreturn]] void overflowed() const {
    throw Error(ErrorKind::kTypeMismatch,
                concat(aggregate_name(kind_), "() of ", argument_type_.to_string(), " overflows ",
                       result_type_.to_string(), "; use a DOUBLE instead: ", aggregate_name(kind_),
                       "(CAST(x AS DOUBLE))"));
  }

  template <typename R>
  void check_fits(Int128 sum) const {
    if constexpr (std::is_same_v<R, Int128>) {
      static const Int128 limit = power_of_ten(38);
      if (sum >= limit || sum <= -limit) overflowed();
    } else {
      if (sum > static_cast<Int128>(std::numeric_limits<R>::max()) ||
          sum < static_cast<Int128>(std::numeric_limits<R>::min())) {
        overflowed();
      }
    }
  }

  ColumnPtr average(const uint32_t* groups, int64_t count) const {
    FixedBuilder<Int128> builder(result_type_);
    const Int128 factor = power_of_ten(result_type_.scale() - argument_type_.scale());
    const Int128 limit = power_of_ten(38);
    for (int64_t i = 0; i < count; ++i) {
      const Cell& cell = cells_[groups[i]];
      if (empty(groups[i])) {
        builder.append_null();
        continue;
      }
      const auto ratio = rounded_decimal_ratio(cell.sum, values(groups[i]), factor);
      if (!ratio || *ratio >= limit || *ratio <= -limit) overflowed();
      builder.append(*ratio);
    }
    return builder.finish();
  }

  AggregateKind kind_;
  DataType argument_type_;
  DataType result_type_;
  LargeVector<Cell> cells_;
  MarkedGroups marked_;
};

// MIN and MAX of what has no small cells: texts, decimals, intervals. Ties keep the first value.
template <typename T>
class ExtremeAccumulator : public Accumulator {
 public:
  ExtremeAccumulator(bool max, DataType type) : max_(max), type_(std::move(type)) {}

  void grow(uint32_t groups) override {
    values_.resize(groups);
    present_.resize(groups, 0);
  }

  void add(const ColumnPtr& argument, const uint32_t* ids, int64_t rows) override {
    const ColumnPtr flat = flatten(argument);
    const T* values = flat->values<T>();
    if (max_) {
      for_present_rows(*flat, ids, rows, [&](int64_t i, uint32_t g) { offer<true>(g, values[i]); });
    } else {
      for_present_rows(*flat, ids, rows,
                       [&](int64_t i, uint32_t g) { offer<false>(g, values[i]); });
    }
  }

  void merge(const Accumulator& other_base, const uint32_t* from, const uint32_t* to,
             int64_t count) override {
    const auto& other = static_cast<const ExtremeAccumulator&>(other_base);
    for (int64_t i = 0; i < count; ++i) {
      if (!other.present_[from[i]]) continue;
      if (max_) {
        offer<true>(to[i], other.values_[from[i]]);
      } else {
        offer<false>(to[i], other.values_[from[i]]);
      }
    }
  }

  ColumnPtr result(const uint32_t* groups, int64_t count) const override {
    if constexpr (std::is_same_v<T, StringView>) {
      StringBuilder builder(type_);
      for (int64_t i = 0; i < count; ++i) {
        // Copied: the heap of a stream's state goes on changing.
        present_[groups[i]] ? builder.append(values_[groups[i]].text()) : builder.append_null();
      }
      return builder.finish();
    } else {
      FixedBuilder<T> builder(type_);
      for (int64_t i = 0; i < count; ++i) {
        present_[groups[i]] ? builder.append(values_[groups[i]]) : builder.append_null();
      }
      return builder.finish();
    }
  }

  uint64_t memory_bytes() const override {
    return vector_bytes(values_) + vector_bytes(present_) + (heap_ ? heap_->size_bytes() : 0);
  }

  std::vector<ColumnPtr> state(const uint32_t* groups, int64_t count) const override {
    return {result(groups, count)};
  }
  void restore(const std::vector<ColumnPtr>& state) override {
    grow(static_cast<uint32_t>(state[0]->length()));
    std::vector<uint32_t> ids(values_.size());
    for (size_t i = 0; i < ids.size(); ++i) ids[i] = static_cast<uint32_t>(i);
    add(state[0], ids.data(), state[0]->length());
  }

 private:
  template <bool kMax>
  void offer(uint32_t group, const T& value) {
    if (present_[group]) {
      const int order = compare_values(value, values_[group]);
      if (kMax ? order <= 0 : order >= 0) return;
    }
    present_[group] = 1;
    if constexpr (std::is_same_v<T, StringView>) {
      live_bytes_ += value.is_inline() ? 0 : value.size();
      live_bytes_ -= values_[group].is_inline() ? 0 : values_[group].size();
      values_[group] = heap_->add(value);
      // Values that were beaten stay in the heap: copy the living ones over when they are few.
      if (heap_->size_bytes() > (uint64_t{1} << 20) && heap_->size_bytes() > 4 * live_bytes_) {
        auto fresh = std::make_unique<StringHeap>();
        for (StringView& text : values_) text = fresh->add(text);
        heap_ = std::move(fresh);
      }
    } else {
      values_[group] = value;
    }
  }

  bool max_;
  DataType type_;
  std::vector<T> values_;
  std::vector<uint8_t> present_;
  std::unique_ptr<StringHeap> heap_ =
      std::is_same_v<T, StringView> ? std::make_unique<StringHeap>() : nullptr;
  uint64_t live_bytes_ = 0;
};

// COUNT, SUM, AVG, MIN, MAX.
std::unique_ptr<Accumulator> make_plain(const BoundAggregate& aggregate) {
  const AggregateKind kind = aggregate.kind;
  if (kind == AggregateKind::kCountRows || kind == AggregateKind::kCount) {
    return std::make_unique<CountAccumulator>(kind == AggregateKind::kCountRows);
  }
  const DataType& type = aggregate.arguments[0]->type;
  const bool extreme = kind == AggregateKind::kMin || kind == AggregateKind::kMax ||
                       kind == AggregateKind::kBoolAnd || kind == AggregateKind::kBoolOr;
  if (auto of_numbers = extreme ? make_number_extreme(aggregate) : make_number_sum(aggregate)) {
    return of_numbers;
  }
  return visit_stored_type(type, [&](auto tag) -> std::unique_ptr<Accumulator> {
    using T = typename decltype(tag)::type;
    if (extreme) {
      return std::make_unique<ExtremeAccumulator<T>>(kind == AggregateKind::kMax, type);
    }
    if constexpr (std::is_same_v<T, Int128>) {
      if (kind == AggregateKind::kAvg) {
        return std::make_unique<ExactSumAccumulator<T, true>>(kind, type, aggregate.result_type);
      }
      return std::make_unique<ExactSumAccumulator<T, false>>(kind, type, aggregate.result_type);
    } else {
      throw Error(ErrorKind::kInternal, "no accumulator for " + aggregate.to_string());
    }
  });
}

std::unique_ptr<Accumulator> make_of_values(const BoundAggregate& aggregate,
                                            const CancellationToken* cancellation) {
  switch (aggregate.kind) {
    case AggregateKind::kSum:
    case AggregateKind::kAvg:
      if (aggregate.arguments[0]->type.id() == TypeId::kInterval) {
        return make_interval_sum(aggregate);
      }
      return make_plain(aggregate);
    case AggregateKind::kCountRows:
    case AggregateKind::kCount:
    case AggregateKind::kMin:
    case AggregateKind::kMax:
    case AggregateKind::kBoolAnd:
    case AggregateKind::kBoolOr: return make_plain(aggregate);
    case AggregateKind::kBitAnd:
    case AggregateKind::kBitOr:
    case AggregateKind::kBitXor: return make_bits(aggregate);
    case AggregateKind::kProduct: return make_product();
    case AggregateKind::kQuantileCont:
    case AggregateKind::kQuantileDisc: return make_quantile(aggregate, cancellation);
    case AggregateKind::kMode: return make_mode(aggregate, cancellation);
    case AggregateKind::kStringAgg: return make_text_list(aggregate, cancellation);
    case AggregateKind::kAnyValue:
    case AggregateKind::kFirst:
    case AggregateKind::kLast:
    case AggregateKind::kArgMin:
    case AggregateKind::kArgMax: return make_chosen_row(aggregate);
    case AggregateKind::kApproxCountDistinct: return make_approximate_count(aggregate);
    case AggregateKind::kVarSamp:
    case AggregateKind::kVarPop:
    case AggregateKind::kStddevSamp:
    case AggregateKind::kStddevPop:
    case AggregateKind::kCovarSamp:
    case AggregateKind::kCovarPop:
    case AggregateKind::kCorr:
    case AggregateKind::kRegrCount:
    case AggregateKind::kRegrAvgX:
    case AggregateKind::kRegrAvgY:
    case AggregateKind::kRegrSxx:
    case AggregateKind::kRegrSyy:
    case AggregateKind::kRegrSxy:
    case AggregateKind::kRegrSlope:
    case AggregateKind::kRegrIntercept:
    case AggregateKind::kRegrR2: return make_statistics(aggregate);
  }
  throw Error(ErrorKind::kInternal, "no accumulator for " + aggregate.to_string());
}

}  // namespace

std::unique_ptr<Accumulator> Accumulator::make(const BoundAggregate& aggregate,
                                               const CancellationToken* cancellation) {
  auto values = make_of_values(aggregate, cancellation);
  return aggregate.distinct ? make_distinct(aggregate, std::move(values), cancellation)
                            : std::move(values);
}

}  // namespace velaria
