// Quantiles: all values of a group are kept and the wanted ones picked at the end.
//
// Over n values in order, numbered from 0: the discrete quantile is value max(ceil(f * n), 1) - 1,
// the continuous one lies at f * (n - 1), between two values on the line through both. As in
// Postgres (percentile_disc, percentile_cont); NaN is the largest value.
#include <algorithm>
#include <cmath>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/column/builder.h"
#include "src/column/decimal.h"
#include "src/exec/aggregate/accumulator_families.h"
#include "src/exec/aggregate/long_loop.h"
#include "src/exec/aggregate/quantile_rank.h"
#include "src/exec/aggregate/row_codec.h"
#include "src/kernel/compare.h"
#include "src/kernel/dispatch.h"
#include "src/kernel/rounded_ratio.h"
#include "src/kernel/take.h"

namespace velaria {

namespace {

Int128 floor_divide(Int128 a, Int128 b) { return a / b - (a % b < 0 ? 1 : 0); }

// a + part * (b - a) for 0 < part < 1 and a, b in order.
double between(double a, double b, double part) {
  if (a == b || std::isnan(a)) return a;
  const double distance = b - a;
  // A distance that overflows although both ends are finite.
  if (std::isinf(distance) && !std::isinf(a) && !std::isinf(b)) return a * (1 - part) + b * part;
  return a + part * distance;
}

template <typename T>
double between_integers(T a, T b, double part) {
  constexpr Int128 kExact = Int128{1} << 53;
  const auto small = [](T value) {
    return static_cast<Int128>(value) <= kExact && static_cast<Int128>(value) >= -kExact;
  };
  if (small(a) && small(b)) return between(static_cast<double>(a), static_cast<double>(b), part);
  // Wide ones in 128 bits, so that their last digits count.
  return rounded_ratio(static_cast<Int128>(a) * kQuantileUnits +
                           (static_cast<Int128>(b) - static_cast<Int128>(a)) * quantile_units(part),
                       kQuantileUnits);
}

template <typename T>
class QuantileAccumulator : public RowsAccumulator {
 public:
  QuantileAccumulator(const BoundAggregate& aggregate, const CancellationToken* cancellation)
      : cancellation_(cancellation),
        continuous_(aggregate.kind == AggregateKind::kQuantileCont),
        fraction_(aggregate.parameters[0].as_double()),
        discrete_(fraction_),
        descending_(aggregate.parameters[1].as_bool()),
        argument_type_(aggregate.arguments[0]->type),
        result_type_(aggregate.result_type) {}

  void grow(uint32_t groups) override { lists_.resize(groups); }

  void add_rows(const AggregateRows& rows) override {
    const ColumnPtr flat = flatten(rows.arguments[0]);
    const T* values = flat->values<T>();
    for (int64_t i = 0; i < rows.rows; ++i) {
      if (!flat->validity().valid(i)) continue;
      push(rows.ids == nullptr ? 0 : rows.ids[i], values[i]);
    }
  }

  void merge(const Accumulator& base, const uint32_t* from, const uint32_t* to,
             int64_t count) override {
    const auto& other = static_cast<const QuantileAccumulator&>(base);
    LongLoop loop(cancellation_);
    for (int64_t i = 0; i < count; ++i) {
      for (const T& value : other.lists_[from[i]]) {
        push(to[i], value);
        loop.step();
      }
    }
  }

  ColumnPtr result(const uint32_t* groups, int64_t count) const override {
    const auto builder = ColumnBuilder::make(result_type_);
    std::vector<T> scratch;
    for (int64_t i = 0; i < count; ++i) {
      const std::vector<T>& values = lists_[groups[i]];
      if (values.empty()) {
        builder->append_null();
        continue;
      }
      scratch.assign(values.begin(), values.end());
      if (continuous_) {
        append_continuous(&scratch, builder.get());
      } else {
        append_value(pick(&scratch, discrete_.place(scratch.size())), builder.get());
      }
    }
    return builder->finish();
  }

  uint64_t memory_bytes() const override {
    return lists_.capacity() * sizeof(lists_[0]) + list_bytes_ + (heap_ ? heap_->size_bytes() : 0);
  }

  std::vector<ColumnPtr> state(const uint32_t* groups, int64_t count) const override {
    return {binary_states(groups, count, [&](uint32_t group, std::string* out) {
      for (const T& value : lists_[group]) {
        if constexpr (std::is_same_v<T, StringView>) {
          append_fixed(value.size(), out);
          out->append(value.data(), value.size());
        } else {
          append_fixed(value, out);
        }
      }
    })};
  }
  void restore(const std::vector<ColumnPtr>& state) override {
    const auto groups = static_cast<uint32_t>(state[0]->length());
    grow(groups);
    for (uint32_t group = 0; group < groups; ++group) {
      StateReader reader(state[0]->values<StringView>()[group].text());
      while (!reader.at_end()) {
        if constexpr (std::is_same_v<T, StringView>) {
          const auto size = reader.fixed<uint32_t>();
          push(group, StringView(reader.bytes(size)));
        } else {
          push(group, reader.fixed<T>());
        }
      }
    }
  }

 private:
  void push(uint32_t group, const T& value) {
    std::vector<T>& list = lists_[group];
    const size_t before = list.capacity();
    if constexpr (std::is_same_v<T, StringView>) {
      list.push_back(heap_->add(value));
    } else {
      list.push_back(value);
    }
    list_bytes_ += (list.capacity() - before) * sizeof(T);
  }

  // The value of that rank; what is behind it in `values` is not before it in the order.
  const T& pick(std::vector<T>* values, size_t rank) const {
    const auto at = values->begin() + static_cast<std::ptrdiff_t>(rank);
    if (descending_) {
      select(values, at, [](const T& a, const T& b) { return compare_values(b, a) < 0; });
    } else {
      select(values, at, [](const T& a, const T& b) { return compare_values(a, b) < 0; });
    }
    return *at;
  }

  template <typename Before>
  void select(std::vector<T>* values, typename std::vector<T>::iterator at, Before before) const {
    // Counting costs something where comparing hardly does.
    constexpr size_t kManyValues = size_t{1} << 18;
    if (values->size() < kManyValues) {
      std::nth_element(values->begin(), at, values->end(), before);
      return;
    }
    LongLoop loop(cancellation_);
    std::nth_element(values->begin(), at, values->end(), [&](const T& a, const T& b) {
      loop.step();
      return before(a, b);
    });
  }

  void append_value(const T& value, ColumnBuilder* builder) const {
    if constexpr (std::is_same_v<T, StringView>) {
      static_cast<StringBuilder*>(builder)->append(value.text());
    } else {
      static_cast<FixedBuilder<T>*>(builder)->append(value);
    }
  }

  void append_continuous(std::vector<T>* values, ColumnBuilder* builder) const {
    if constexpr (std::is_same_v<T, StringView> || std::is_same_v<T, Interval>) {
      VELARIA_CHECK(false);
    } else {
      const double rank = fraction_ * static_cast<double>(values->size() - 1);
      size_t lower = std::min(static_cast<size_t>(rank), values->size() - 1);
      Part part{rank - static_cast<double>(lower), 0, 0};
      if (std::is_same_v<T, Int128>) {
        const QuantileRank exact = QuantileRank::exact(fraction_, values->size() - 1);
        lower = exact.lower;
        part = {0, exact.units, exact.unit};
      }
      const T a = pick(values, lower);
      T b = a;
      if ((part.share > 0 || part.units > 0) && lower + 1 < values->size()) {
        const auto rest = values->begin() + static_cast<std::ptrdiff_t>(lower) + 1;
        const auto before = [](const T& x, const T& y) { return compare_values(x, y) < 0; };
        b = descending_ ? *std::max_element(rest, values->end(), before)
                        : *std::min_element(rest, values->end(), before);
      }
      append_between(a, b, part, builder);
    }
  }

  // How far between two values: as a double, or for decimals as units / unit.
  struct Part {
    double share;
    int64_t units;
    int64_t unit;
  };

  void append_between(const T& a, const T& b, const Part& part, ColumnBuilder* builder) const {
    if constexpr (std::is_same_v<T, Int128>) {
      append_decimal(a, b, part, builder);
    } else if (argument_type_.is_temporal()) {
      // To the nearest unit, half away from the earlier one.
      const auto distance = static_cast<Int128>(b) - static_cast<Int128>(a);
      const Int128 step = divide_half_away(distance * quantile_units(part.share), kQuantileUnits);
      static_cast<FixedBuilder<T>*>(builder)->append(static_cast<T>(static_cast<Int128>(a) + step));
    } else if constexpr (std::is_floating_point_v<T>) {
      static_cast<FixedBuilder<double>*>(builder)->append(
          between(static_cast<double>(a), static_cast<double>(b), part.share));
    } else if constexpr (std::is_integral_v<T>) {
      static_cast<FixedBuilder<double>*>(builder)->append(between_integers(a, b, part.share));
    }
  }

  // With the digits of an average, rounded half away from zero.
  void append_decimal(Int128 a, Int128 b, const Part& part, ColumnBuilder* builder) const {
    const Int128 factor = power_of_ten(result_type_.scale() - argument_type_.scale());
    Int128 distance = 0;
    Int128 step = 0;
    Int128 whole = 0;
    std::optional<Int128> out;
    if (!__builtin_sub_overflow(b, a, &distance) &&
        !__builtin_mul_overflow(floor_divide(distance, part.unit), Int128{part.units}, &step) &&
        !__builtin_add_overflow(a, step, &whole)) {
      // What is left of the product is positive, and less than 2^106.
      const Int128 rest = distance - floor_divide(distance, part.unit) * part.unit;
      const Int128 low = rest * part.units;
      const Int128 left = low % part.unit * factor;
      Int128 digits = left / part.unit;
      const Int128 beyond = left % part.unit;
      Int128 sum = 0;
      if (!__builtin_add_overflow(whole, low / part.unit, &whole) &&
          !__builtin_mul_overflow(whole, factor, &sum)) {
        if (2 * beyond > part.unit || (2 * beyond == part.unit && whole >= 0)) ++digits;
        if (!__builtin_add_overflow(sum, digits, &sum)) out = sum;
      }
    }
    const Int128 limit = power_of_ten(38);
    if (!out || *out >= limit || *out <= -limit) {
      throw Error(
          ErrorKind::kTypeMismatch,
          concat("quantile_cont() of ", argument_type_.to_string(), " overflows ",
                 result_type_.to_string(), "; use quantile_disc(), or cast: CAST(x AS DOUBLE)"));
    }
    static_cast<FixedBuilder<Int128>*>(builder)->append(*out);
  }

  const CancellationToken* cancellation_;
  bool continuous_;
  double fraction_;
  DiscreteQuantile discrete_;
  bool descending_;
  DataType argument_type_;
  DataType result_type_;
  std::vector<std::vector<T>> lists_;
  uint64_t list_bytes_ = 0;
  std::unique_ptr<StringHeap> heap_ =
      std::is_same_v<T, StringView> ? std::make_unique<StringHeap>() : nullptr;
};

}  // namespace

std::unique_ptr<Accumulator> make_quantile(const BoundAggregate& aggregate,
                                           const CancellationToken* cancellation) {
  return visit_stored_type(
      aggregate.arguments[0]->type, [&](auto tag) -> std::unique_ptr<Accumulator> {
        using T = typename decltype(tag)::type;
        return std::make_unique<QuantileAccumulator<T>>(aggregate, cancellation);
      });
}

}  // namespace velaria
