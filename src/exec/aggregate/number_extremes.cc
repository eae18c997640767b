#include <cmath>
#include <limits>
#include <type_traits>

#include "src/column/builder.h"
#include "src/exec/aggregate/number_accumulators.h"
#include "src/kernel/array_loops.h"
#include "src/kernel/dispatch.h"

namespace velaria {

namespace {

// An empty cell holds the value that loses against all others; that value itself is marked when it
// comes. NaN is the largest. Zeros come out as 0.0, because which of 0.0 and -0.0 came first would
// depend on how the rows were dealt to the tasks.
template <typename T, bool kMax>
class NumberExtremeAccumulator : public Accumulator {
 public:
  explicit NumberExtremeAccumulator(DataType type) : type_(std::move(type)) {}

  void grow(uint32_t groups) override { values_.resize(groups, kLoser); }

  void add(const ColumnPtr& argument, const uint32_t* ids, int64_t rows) override {
    if (rows == 0) return;
    const ColumnPtr flat = flatten(argument);
    if (ids == nullptr) {
      const PresentValues<T> present(*flat);
      if (present.count() > 0) add_all(present.data(), present.count());
      return;
    }
    const T* values = flat->values<T>();
    bool any_loser = false;
    for_present_rows(*flat, ids, rows, [&](int64_t i, uint32_t group) {
      const T value = values[i];
      T& best = values_[group];
      best = wins(value, best) ? value : best;
      any_loser |= is_loser(value);
    });
    if (any_loser) {
      for_present_rows(*flat, ids, rows, [&](int64_t i, uint32_t group) {
        if (is_loser(values[i])) marked_.mark(group);
      });
    }
  }

  void merge(const Accumulator& other, const uint32_t* from, const uint32_t* to,
             int64_t count) override {
    const auto& source = static_cast<const NumberExtremeAccumulator&>(other);
    for (int64_t i = 0; i < count; ++i) {
      if (!source.empty(from[i])) offer(to[i], source.values_[from[i]]);
    }
  }

  ColumnPtr result(const uint32_t* groups, int64_t count) const override {
    FixedBuilder<T> builder(type_);
    for (int64_t i = 0; i < count; ++i) {
      if (empty(groups[i])) {
        builder.append_null();
      } else if constexpr (std::is_floating_point_v<T>) {
        const T value = values_[groups[i]];
        builder.append(std::isnan(value) ? std::numeric_limits<T>::quiet_NaN() : value + T(0));
      } else {
        builder.append(values_[groups[i]]);
      }
    }
    return builder.finish();
  }

  uint64_t memory_bytes() const override {
    return values_.capacity() * sizeof(T) + marked_.memory_bytes();
  }

  std::vector<ColumnPtr> state(const uint32_t* groups, int64_t count) const override {
    return {result(groups, count)};
  }
  void restore(const std::vector<ColumnPtr>& state) override {
    grow(static_cast<uint32_t>(state[0]->length()));
    for (uint32_t i = 0; i < values_.size(); ++i) {
      if (state[0]->validity().valid(i)) offer(i, state[0]->values<T>()[i]);
    }
  }

 private:
  using Limits = std::numeric_limits<T>;
  static constexpr T kLoser = std::is_floating_point_v<T>
                                  ? (kMax ? -Limits::infinity() : Limits::quiet_NaN())
                                  : (kMax ? Limits::lowest() : Limits::max());

  static bool wins(T value, T best) {
    if constexpr (!std::is_floating_point_v<T>) {
      return kMax ? value > best : value < best;
    } else if constexpr (kMax) {
      return !(value <= best) & (best == best);  // NaN beats all but NaN
    } else {
      return (value < best) | (best != best);
    }
  }
  static bool is_loser(T value) {
    if constexpr (std::is_floating_point_v<T> && !kMax) return value != value;
    return value == kLoser;
  }

  void offer(uint32_t group, T value) {
    if (wins(value, values_[group])) values_[group] = value;
    if (is_loser(value)) marked_.mark(group);
  }
  bool empty(uint32_t group) const { return is_loser(values_[group]) && !marked_.has(group); }

  void add_all(const T* values, int64_t count) {
    T smallest;
    T largest;
    if constexpr (std::is_floating_point_v<T>) {
      bool any_nan = false;
      float_loops<T>().range(values, count, &smallest, &largest, &any_nan);
      if (any_nan) {
        const bool all_nan = smallest > largest;
        if (kMax || all_nan) {
          offer(0, Limits::quiet_NaN());
          return;
        }
      }
    } else {
      integer_loops<T>().range(values, count, &smallest, &largest);
    }
    offer(0, kMax ? largest : smallest);
  }

  DataType type_;
  std::vector<T> values_;
  MarkedGroups marked_;
};

}  // namespace

std::unique_ptr<Accumulator> make_number_extreme(const BoundAggregate& aggregate) {
  const DataType& type = aggregate.arguments[0]->type;
  if (type.value_width_bytes() < 1 || type.value_width_bytes() > 8) return nullptr;
  return visit_stored_type(type, [&](auto tag) -> std::unique_ptr<Accumulator> {
    using T = typename decltype(tag)::type;
    if constexpr (std::is_arithmetic_v<T>) {
      if (aggregate.kind == AggregateKind::kMax || aggregate.kind == AggregateKind::kBoolOr) {
        return std::make_unique<NumberExtremeAccumulator<T, true>>(type);
      }
      return std::make_unique<NumberExtremeAccumulator<T, false>>(type);
    } else {
      return nullptr;
    }
  });
}

}  // namespace velaria
