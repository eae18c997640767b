#include "src/exec/aggregate/accumulator.h"

#include <cmath>
#include <limits>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/column/builder.h"
#include "src/column/decimal.h"
#include "src/exec/aggregate/float_extremes.h"
#include "src/kernel/compare.h"
#include "src/kernel/dispatch.h"
#include "src/kernel/take.h"

namespace velaria {

namespace {

template <typename T>
uint64_t vector_bytes(const std::vector<T>& values) {
  return values.capacity() * sizeof(T);
}

// Calls f(row, group) for the rows that hold a value.
template <typename F>
void for_present_rows(const Column& argument, const uint32_t* ids, int64_t rows, F f) {
  if (argument.validity().all_valid()) {
    if (ids == nullptr) {
      for (int64_t i = 0; i < rows; ++i) f(i, uint32_t{0});
    } else {
      for (int64_t i = 0; i < rows; ++i) f(i, ids[i]);
    }
  } else {
    for (int64_t i = 0; i < rows; ++i) {
      if (argument.validity().valid(i)) f(i, ids == nullptr ? 0 : ids[i]);
    }
  }
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
    FixedBuilder<int64_t> builder{DataType(TypeId::kInt64)};
    for (int64_t i = 0; i < count; ++i) builder.append(counts_[groups[i]]);
    return builder.finish();
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
  std::vector<int64_t> counts_;
};

// SUM and AVG of integers and decimals.
template <typename T>
class ExactSumAccumulator : public Accumulator {
 public:
  ExactSumAccumulator(AggregateKind kind, DataType argument, DataType result)
      : kind_(kind), argument_type_(std::move(argument)), result_type_(std::move(result)) {}

  void grow(uint32_t groups) override { cells_.resize(groups); }

  void add(const ColumnPtr& argument, const uint32_t* ids, int64_t rows) override {
    const ColumnPtr flat = flatten(argument);
    const T* values = flat->values<T>();
    if constexpr (sizeof(T) <= 8) {
      if (ids == nullptr && flat->validity().all_valid()) {
        // Partial sums of a chunk of narrow values cannot overflow 64 bits; wide ones go by halves.
        Int128 sum = 0;
        for (int64_t i = 0; i < rows; ++i) sum += values[i];
        cells_[0].sum += sum;
        cells_[0].count += rows;
        return;
      }
    }
    for_present_rows(*flat, ids, rows, [&](int64_t i, uint32_t group) {
      Cell& cell = cells_[group];
      if constexpr (sizeof(T) <= 8) {
        cell.sum += values[i];
      } else {
        if (__builtin_add_overflow(cell.sum, values[i], &cell.sum)) overflowed();
      }
      ++cell.count;
    });
  }

  void merge(const Accumulator& other, const uint32_t* from, const uint32_t* to,
             int64_t count) override {
    const auto& cells = static_cast<const ExactSumAccumulator&>(other).cells_;
    for (int64_t i = 0; i < count; ++i) {
      Cell& cell = cells_[to[i]];
      if (__builtin_add_overflow(cell.sum, cells[from[i]].sum, &cell.sum)) overflowed();
      cell.count += cells[from[i]].count;
    }
  }

  ColumnPtr result(const uint32_t* groups, int64_t count) const override {
    if (kind_ == AggregateKind::kAvg) return average(groups, count);
    return visit_stored_type(result_type_, [&](auto tag) -> ColumnPtr {
      using R = typename decltype(tag)::type;
      if constexpr (std::is_integral_v<R> || std::is_same_v<R, Int128>) {
        FixedBuilder<R> builder(result_type_);
        for (int64_t i = 0; i < count; ++i) {
          const Cell& cell = cells_[groups[i]];
          if (cell.count == 0) {
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

  uint64_t memory_bytes() const override { return vector_bytes(cells_); }

  std::vector<ColumnPtr> state(const uint32_t* groups, int64_t count) const override {
    FixedBuilder<Int128> sums{DataType::decimal(38, 0)};
    FixedBuilder<int64_t> counts{DataType(TypeId::kInt64)};
    for (int64_t i = 0; i < count; ++i) {
      sums.append(cells_[groups[i]].sum);
      counts.append(cells_[groups[i]].count);
    }
    return {sums.finish(), counts.finish()};
  }
  void restore(const std::vector<ColumnPtr>& state) override {
    cells_.resize(static_cast<size_t>(state[0]->length()));
    for (size_t i = 0; i < cells_.size(); ++i) {
      cells_[i] = {state[0]->values<Int128>()[i], state[1]->values<int64_t>()[i]};
    }
  }

 private:
  struct Cell {
    Int128 sum = 0;
    int64_t count = 0;
  };

  [[noreturn]] void overflowed() const {
    throw Error(ErrorKind::kTypeMismatch,
                concat("sum() of ", argument_type_.to_string(), " overflows ",
                       result_type_.to_string(), "; sum a DOUBLE instead: sum(CAST(x AS DOUBLE))"));
  }

  template <typename R>
  void check_fits(Int128 sum) const {
    if constexpr (std::is_same_v<R, Int128>) {
      const Int128 limit = power_of_ten(38);
      if (sum >= limit || sum <= -limit) overflowed();
    } else {
      if (sum > static_cast<Int128>(std::numeric_limits<R>::max()) ||
          sum < static_cast<Int128>(std::numeric_limits<R>::min())) {
        overflowed();
      }
    }
  }

  ColumnPtr average(const uint32_t* groups, int64_t count) const {
    FixedBuilder<double> builder(result_type_);
    const Int128 unit = power_of_ten(argument_type_.scale());
    const double scale = static_cast<double>(unit);
    for (int64_t i = 0; i < count; ++i) {
      const Cell& cell = cells_[groups[i]];
      if (cell.count == 0) {
        builder.append_null();
        continue;
      }
      constexpr Int128 kExact = Int128{1} << 53;  // doubles hold these; their quotient rounds once
      Int128 divisor = 0;
      const bool small = !__builtin_mul_overflow(unit, Int128{cell.count}, &divisor) &&
                         divisor <= kExact && cell.sum <= kExact && cell.sum >= -kExact;
      if (small) {
        builder.append(static_cast<double>(cell.sum) / static_cast<double>(divisor));
      } else {
        // Whole part and remainder apart: the sum itself may have more digits than a double.
        const Int128 whole = cell.sum / cell.count;
        const Int128 rest = cell.sum % cell.count;
        builder.append((static_cast<double>(whole) +
                        static_cast<double>(rest) / static_cast<double>(cell.count)) /
                       scale);
      }
    }
    return builder.finish();
  }

  AggregateKind kind_;
  DataType argument_type_;
  DataType result_type_;
  std::vector<Cell> cells_;
};

// SUM and AVG of floats.
template <typename T>
class FloatSumAccumulator : public Accumulator {
 public:
  explicit FloatSumAccumulator(AggregateKind kind) : kind_(kind) {}

  void grow(uint32_t groups) override { cells_.resize(groups); }

  void add(const ColumnPtr& argument, const uint32_t* ids, int64_t rows) override {
    const ColumnPtr flat = flatten(argument);
    const T* values = flat->values<T>();
    if (ids == nullptr && flat->validity().all_valid()) {
      add_all(values, rows);
      return;
    }
    for_present_rows(*flat, ids, rows, [&](int64_t i, uint32_t group) {
      Cell& cell = cells_[group];
      const auto value = static_cast<double>(values[i]);
      ++cell.count;
      if (FloatExtremes::is_extreme(value)) {
        extremes(group).add(value);
      } else {
        cell.sum.add(value);
      }
    });
  }

  void merge(const Accumulator& other, const uint32_t* from, const uint32_t* to,
             int64_t count) override {
    const auto& source = static_cast<const FloatSumAccumulator&>(other);
    for (int64_t i = 0; i < count; ++i) {
      Cell& cell = cells_[to[i]];
      const Cell& part = source.cells_[from[i]];
      cell.sum.add(part.sum);
      cell.count += part.count;
      if (from[i] < source.extremes_.size()) extremes(to[i]).merge(source.extremes_[from[i]]);
    }
  }

  ColumnPtr result(const uint32_t* groups, int64_t count) const override {
    FixedBuilder<double> builder{DataType(TypeId::kFloat64)};
    for (int64_t i = 0; i < count; ++i) {
      const Cell& cell = cells_[groups[i]];
      if (cell.count == 0) {
        builder.append_null();
      } else {
        const double divisor = kind_ == AggregateKind::kAvg ? static_cast<double>(cell.count) : 1.0;
        builder.append(extremes_of(groups[i]).total(cell.sum, divisor));
      }
    }
    return builder.finish();
  }

  uint64_t memory_bytes() const override { return vector_bytes(cells_) + vector_bytes(extremes_); }

  std::vector<ColumnPtr> state(const uint32_t* groups, int64_t count) const override {
    const DataType float64(TypeId::kFloat64);
    const DataType int64(TypeId::kInt64);
    FixedBuilder<double> high{float64};
    FixedBuilder<double> low{float64};
    FixedBuilder<int64_t> counts{int64};
    FixedBuilder<int64_t> flags{int64};
    FixedBuilder<double> large_high{float64};
    FixedBuilder<double> large_low{float64};
    for (int64_t i = 0; i < count; ++i) {
      const Cell& cell = cells_[groups[i]];
      const FloatExtremes extremes = extremes_of(groups[i]);
      high.append(cell.sum.high);
      low.append(cell.sum.low);
      counts.append(cell.count);
      flags.append(extremes.flags());
      large_high.append(extremes.large().high);
      large_low.append(extremes.large().low);
    }
    return {high.finish(),  low.finish(),        counts.finish(),
            flags.finish(), large_high.finish(), large_low.finish()};
  }
  void restore(const std::vector<ColumnPtr>& state) override {
    cells_.resize(static_cast<size_t>(state[0]->length()));
    extremes_.resize(cells_.size());
    for (size_t i = 0; i < cells_.size(); ++i) {
      cells_[i].sum = {state[0]->values<double>()[i], state[1]->values<double>()[i]};
      cells_[i].count = state[2]->values<int64_t>()[i];
      extremes_[i].restore(state[3]->values<int64_t>()[i],
                           {state[4]->values<double>()[i], state[5]->values<double>()[i]});
    }
  }

 private:
  struct Cell {
    ExactPair sum;
    int64_t count = 0;  // of all values, extremes too
  };

  FloatExtremes& extremes(uint32_t group) {
    if (extremes_.size() <= group) extremes_.resize(cells_.size());
    return extremes_[group];
  }
  FloatExtremes extremes_of(uint32_t group) const {
    return group < extremes_.size() ? extremes_[group] : FloatExtremes();
  }

  void add_all(const T* values, int64_t rows) {
    // Independent lanes: the additions of one lane wait for each other, those of several do not.
    constexpr int kLanes = 8;
    ExactPair lanes[kLanes];
    int64_t i = 0;
    Cell& cell = cells_[0];
    cell.count += rows;
    if (has_extremes(values, rows)) {
      for (; i < rows; ++i) {
        const auto value = static_cast<double>(values[i]);
        if (FloatExtremes::is_extreme(value)) {
          extremes(0).add(value);
        } else {
          cell.sum.add(value);
        }
      }
      return;
    }
    for (; i + kLanes <= rows; i += kLanes) {
      for (int lane = 0; lane < kLanes; ++lane)
        lanes[lane].add(static_cast<double>(values[i + lane]));
    }
    for (; i < rows; ++i) lanes[0].add(static_cast<double>(values[i]));
    for (const ExactPair& lane : lanes) cell.sum.add(lane);
  }

  static bool has_extremes(const T* values, int64_t rows) {
    bool any = false;
    for (int64_t i = 0; i < rows; ++i) {
      any |= FloatExtremes::is_extreme(static_cast<double>(values[i]));
    }
    return any;
  }

  AggregateKind kind_;
  std::vector<Cell> cells_;
  std::vector<FloatExtremes> extremes_;  // none until a value needs it
};

// MIN and MAX; ties keep the first value, NaN is the largest.
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

}  // namespace

std::unique_ptr<Accumulator> Accumulator::make(const BoundAggregate& aggregate) {
  const AggregateKind kind = aggregate.kind;
  if (kind == AggregateKind::kCountRows || kind == AggregateKind::kCount) {
    return std::make_unique<CountAccumulator>(kind == AggregateKind::kCountRows);
  }
  const DataType& type = aggregate.arguments[0]->type;
  return visit_stored_type(type, [&](auto tag) -> std::unique_ptr<Accumulator> {
    using T = typename decltype(tag)::type;
    if (kind == AggregateKind::kMin || kind == AggregateKind::kMax) {
      return std::make_unique<ExtremeAccumulator<T>>(kind == AggregateKind::kMax, type);
    }
    if constexpr (std::is_floating_point_v<T>) {
      return std::make_unique<FloatSumAccumulator<T>>(kind);
    } else if constexpr (std::is_integral_v<T> || std::is_same_v<T, Int128>) {
      return std::make_unique<ExactSumAccumulator<T>>(kind, type, aggregate.result_type);
    } else {
      throw Error(ErrorKind::kInternal, "no accumulator for " + aggregate.to_string());
    }
  });
}

}  // namespace velaria
