#include <limits>
#include <type_traits>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/column/builder.h"
#include "src/exec/aggregate/float_extremes.h"
#include "src/exec/aggregate/number_accumulators.h"
#include "src/kernel/array_loops.h"
#include "src/kernel/dispatch.h"
#include "src/kernel/rounded_ratio.h"

namespace velaria {

namespace {

template <typename Vector>
uint64_t vector_bytes(const Vector& values) {
  return values.capacity() * sizeof(typename Vector::value_type);
}

// The sum is carries_[group] * 2^64 + cell. Carries are rare, so they have no room in the cell.
template <typename T, bool kCounts>
class IntegerSumAccumulator : public Accumulator {
 public:
  IntegerSumAccumulator(DataType argument, DataType result)
      : argument_type_(std::move(argument)), result_type_(std::move(result)) {}

  void grow(uint32_t groups) override { cells_.resize(groups); }

  void add(const ColumnPtr& argument, const uint32_t* ids, int64_t rows) override {
    const ColumnPtr flat = flatten(argument);
    if (ids == nullptr) {
      const PresentValues<T> present(*flat);
      if (present.count() == 0) return;
      add_total(0, loops_.sum(present.data(), present.count()), present.count());
      return;
    }
    const T* values = flat->values<T>();
    for_present_rows(*flat, ids, rows,
                     [&](int64_t i, uint32_t group) { add_value(group, values[i]); });
  }

  void merge(const Accumulator& other, const uint32_t* from, const uint32_t* to,
             int64_t count) override {
    const auto& source = static_cast<const IntegerSumAccumulator&>(other);
    for (int64_t i = 0; i < count; ++i) {
      if (source.empty(from[i])) continue;
      int64_t values = 1;
      if constexpr (kCounts) values = source.cells_[from[i]].count;
      if (source.carries_.empty()) {
        add_low(to[i], source.cells_[from[i]].sum, values);
      } else {
        add_total(to[i], source.total(from[i]), values);
      }
    }
  }

  ColumnPtr result(const uint32_t* groups, int64_t count) const override {
    if constexpr (kCounts) {
      FixedBuilder<double> builder(result_type_);
      for (int64_t i = 0; i < count; ++i) {
        empty(groups[i]) ? builder.append_null()
                         : builder.append(average(total(groups[i]), cells_[groups[i]].count));
      }
      return builder.finish();
    } else {
      using R = std::conditional_t<std::is_signed_v<T>, int64_t, uint64_t>;
      if (carries_.empty()) {  // so no cell is beyond int64
        ArrayBuilder<R> values;
        R* out = count > 0 ? values.extend(count) : nullptr;
        bool any_empty = false;
        for (int64_t i = 0; i < count; ++i) {
          out[i] = static_cast<R>(cells_[groups[i]].sum);
          any_empty = any_empty || empty(groups[i]);
        }
        if (!any_empty) return Column::flat(result_type_, count, values.finish(), 0, {});
      }
      FixedBuilder<R> builder(result_type_);
      for (int64_t i = 0; i < count; ++i) {
        if (empty(groups[i])) {
          builder.append_null();
          continue;
        }
        const Int128 sum = total(groups[i]);
        if (sum > static_cast<Int128>(std::numeric_limits<R>::max()) ||
            sum < static_cast<Int128>(std::numeric_limits<R>::min())) {
          overflowed();
        }
        builder.append(static_cast<R>(sum));
      }
      return builder.finish();
    }
  }

  uint64_t memory_bytes() const override {
    return vector_bytes(cells_) + vector_bytes(carries_) + marked_.memory_bytes();
  }

  std::vector<ColumnPtr> state(const uint32_t* groups, int64_t count) const override {
    FixedBuilder<Int128> sums{DataType::decimal(38, 0)};
    FixedBuilder<int64_t> counts{DataType(TypeId::kInt64)};  // without counts: whether there is any
    for (int64_t i = 0; i < count; ++i) {
      sums.append(total(groups[i]));
      if constexpr (kCounts) {
        counts.append(cells_[groups[i]].count);
      } else {
        counts.append(empty(groups[i]) ? 0 : 1);
      }
    }
    return {sums.finish(), counts.finish()};
  }
  void restore(const std::vector<ColumnPtr>& state) override {
    grow(static_cast<uint32_t>(state[0]->length()));
    for (uint32_t i = 0; i < cells_.size(); ++i) {
      const int64_t values = state[1]->values<int64_t>()[i];
      if (values > 0) add_total(i, state[0]->values<Int128>()[i], values);
    }
  }

 private:
  using Cell = SumCell<int64_t, kCounts>;

  void add_value(uint32_t group, T value) {
    Cell& cell = cells_[group];
    if constexpr (std::is_same_v<T, uint64_t>) {
      if (value > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) carry(group, 1);
    }
    const auto addend = static_cast<int64_t>(value);
    if (__builtin_add_overflow(cell.sum, addend, &cell.sum)) carry(group, addend < 0 ? -1 : 1);
    if constexpr (kCounts) {
      ++cell.count;
    } else {
      if (cell.sum == 0) marked_.mark(group);
    }
  }

  void add_total(uint32_t group, Int128 total, int64_t values) {
    const auto low = static_cast<int64_t>(total);  // modulo 2^64
    const auto carries = static_cast<int64_t>((total - low) >> 64);
    if (carries != 0) carry(group, carries);
    add_low(group, low, values);
  }

  void add_low(uint32_t group, int64_t low, int64_t values) {
    Cell& cell = cells_[group];
    if (__builtin_add_overflow(cell.sum, low, &cell.sum)) carry(group, low < 0 ? -1 : 1);
    if constexpr (kCounts) {
      cell.count += values;
    } else {
      static_cast<void>(values);
      if (cell.sum == 0) marked_.mark(group);
    }
  }

  __attribute__((noinline)) void carry(uint32_t group, int64_t count) {
    if (carries_.size() < cells_.size()) carries_.resize(cells_.size(), 0);
    carries_[group] += count;
  }

  bool empty(uint32_t group) const {
    if constexpr (kCounts) {
      return cells_[group].count == 0;
    } else {
      // A sum of 2^64 times a number has a 0 here too, but was marked when it came to it.
      return cells_[group].sum == 0 && !marked_.has(group);
    }
  }

  Int128 total(uint32_t group) const {
    const int64_t carries = group < carries_.size() ? carries_[group] : 0;
    return static_cast<Int128>(carries) * (static_cast<Int128>(1) << 64) + cells_[group].sum;
  }

  static double average(Int128 sum, int64_t count) {
    constexpr Int128 kExact = Int128{1} << 53;  // doubles hold these; their quotient rounds once
    if (sum <= kExact && sum >= -kExact && count <= kExact) {
      return static_cast<double>(static_cast<int64_t>(sum)) / static_cast<double>(count);
    }
    return rounded_ratio(sum, count);
  }

  [[noreturn]] void overflowed() const {
    throw Error(ErrorKind::kTypeMismatch,
                concat("sum() of ", argument_type_.to_string(), " overflows ",
                       result_type_.to_string(), "; sum a DOUBLE instead: sum(CAST(x AS DOUBLE))"));
  }

  const IntegerLoops<T>& loops_ = integer_loops<T>();
  DataType argument_type_;
  DataType result_type_;
  LargeVector<Cell> cells_;
  std::vector<int64_t> carries_;  // none until one is needed
  MarkedGroups marked_;
};

template <typename T, bool kCounts>
class FloatSumAccumulator : public Accumulator {
 public:
  void grow(uint32_t groups) override { cells_.resize(groups); }

  void add(const ColumnPtr& argument, const uint32_t* ids, int64_t rows) override {
    const ColumnPtr flat = flatten(argument);
    if (ids == nullptr) {
      const PresentValues<T> present(*flat);
      if (present.count() == 0) return;
      if (loops_.sum(present.data(), present.count(), &cells_[0].sum)) {
        note_values(0, present.count());
      } else {
        for (int64_t i = 0; i < present.count(); ++i) {
          add_value(0, static_cast<double>(present.data()[i]));
        }
      }
      return;
    }
    const T* values = flat->values<T>();
    for_present_rows(*flat, ids, rows, [&](int64_t i, uint32_t group) {
      add_value(group, static_cast<double>(values[i]));
    });
  }

  void merge(const Accumulator& other, const uint32_t* from, const uint32_t* to,
             int64_t count) override {
    const auto& source = static_cast<const FloatSumAccumulator&>(other);
    for (int64_t i = 0; i < count; ++i) {
      if (source.empty(from[i])) continue;
      cells_[to[i]].sum.add(source.cells_[from[i]].sum);
      int64_t values = 1;
      if constexpr (kCounts) values = source.cells_[from[i]].count;
      note_values(to[i], values);
      if (from[i] < source.extremes_.size()) extremes(to[i]).merge(source.extremes_[from[i]]);
    }
  }

  ColumnPtr result(const uint32_t* groups, int64_t count) const override {
    FixedBuilder<double> builder{DataType(TypeId::kFloat64)};
    for (int64_t i = 0; i < count; ++i) {
      if (empty(groups[i])) {
        builder.append_null();
        continue;
      }
      const Cell& cell = cells_[groups[i]];
      double divisor = 1.0;
      if constexpr (kCounts) divisor = static_cast<double>(cell.count);
      builder.append(groups[i] < extremes_.size() ? extremes_[groups[i]].total(cell.sum, divisor)
                                                  : (cell.sum.high + cell.sum.low) / divisor);
    }
    return builder.finish();
  }

  uint64_t memory_bytes() const override {
    return vector_bytes(cells_) + vector_bytes(extremes_) + marked_.memory_bytes();
  }

  std::vector<ColumnPtr> state(const uint32_t* groups, int64_t count) const override {
    const DataType float64(TypeId::kFloat64);
    const DataType int64(TypeId::kInt64);
    FixedBuilder<double> high{float64};
    FixedBuilder<double> low{float64};
    FixedBuilder<int64_t> counts{int64};  // without counts: whether there is any
    FixedBuilder<int64_t> flags{int64};
    FixedBuilder<double> large_high{float64};
    FixedBuilder<double> large_low{float64};
    for (int64_t i = 0; i < count; ++i) {
      const uint32_t group = groups[i];
      const FloatExtremes extremes = group < extremes_.size() ? extremes_[group] : FloatExtremes();
      high.append(cells_[group].sum.high);
      low.append(cells_[group].sum.low);
      if constexpr (kCounts) {
        counts.append(cells_[group].count);
      } else {
        counts.append(empty(group) ? 0 : 1);
      }
      flags.append(extremes.flags());
      large_high.append(extremes.large().high);
      large_low.append(extremes.large().low);
    }
    return {high.finish(),  low.finish(),        counts.finish(),
            flags.finish(), large_high.finish(), large_low.finish()};
  }
  void restore(const std::vector<ColumnPtr>& state) override {
    grow(static_cast<uint32_t>(state[0]->length()));
    for (uint32_t i = 0; i < cells_.size(); ++i) {
      cells_[i].sum = {state[0]->values<double>()[i], state[1]->values<double>()[i]};
      const int64_t values = state[2]->values<int64_t>()[i];
      if (values > 0) note_values(i, values);
      FloatExtremes restored;
      restored.restore(state[3]->values<int64_t>()[i],
                       {state[4]->values<double>()[i], state[5]->values<double>()[i]});
      if (!restored.empty()) extremes(i) = restored;
    }
  }

 private:
  using Cell = SumCell<ExactPair, kCounts>;

  void add_value(uint32_t group, double value) {
    if (FloatExtremes::is_extreme(value)) {
      extremes(group).add(value);
      note_values(group, 1);
      return;
    }
    Cell& cell = cells_[group];
    cell.sum.add(value);
    if constexpr (kCounts) {
      ++cell.count;
    } else {
      if (cell.sum.high == 0) marked_.mark(group);
    }
  }

  void note_values(uint32_t group, int64_t values) {
    if constexpr (kCounts) {
      cells_[group].count += values;
    } else {
      static_cast<void>(values);
      if (cells_[group].sum.high == 0) marked_.mark(group);
    }
  }

  bool empty(uint32_t group) const {
    if constexpr (kCounts) {
      return cells_[group].count == 0;
    } else {
      return cells_[group].sum.high == 0 && !marked_.has(group);
    }
  }

  __attribute__((noinline)) FloatExtremes& extremes(uint32_t group) {
    if (extremes_.size() < cells_.size()) extremes_.resize(cells_.size());
    return extremes_[group];
  }

  const FloatLoops<T>& loops_ = float_loops<T>();
  LargeVector<Cell> cells_;
  std::vector<FloatExtremes> extremes_;  // none until a value needs it
  MarkedGroups marked_;
};

template <bool kCounts>
std::unique_ptr<Accumulator> make_sum(const DataType& type, const DataType& result) {
  return visit_stored_type(type, [&](auto tag) -> std::unique_ptr<Accumulator> {
    using T = typename decltype(tag)::type;
    if constexpr (std::is_floating_point_v<T>) {
      return std::make_unique<FloatSumAccumulator<T, kCounts>>();
    } else if constexpr (std::is_integral_v<T>) {
      return std::make_unique<IntegerSumAccumulator<T, kCounts>>(type, result);
    } else {
      return nullptr;
    }
  });
}

}  // namespace

std::unique_ptr<Accumulator> make_number_sum(const BoundAggregate& aggregate) {
  const DataType& type = aggregate.arguments[0]->type;
  if (!type.is_integer() && !type.is_float()) return nullptr;
  return aggregate.kind == AggregateKind::kAvg ? make_sum<true>(type, aggregate.result_type)
                                               : make_sum<false>(type, aggregate.result_type);
}

}  // namespace velaria
