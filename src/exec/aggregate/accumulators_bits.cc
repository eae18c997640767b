// bit_and, bit_or, bit_xor, and product.
#include <cmath>
#include <limits>

#include "src/base/error.h"
#include "src/column/builder.h"
#include "src/exec/aggregate/accumulator_families.h"
#include "src/exec/aggregate/row_codec.h"
#include "src/kernel/dispatch.h"
#include "src/kernel/take.h"

namespace velaria {

namespace {

template <typename T>
class BitAccumulator : public RowsAccumulator {
 public:
  BitAccumulator(AggregateKind kind, DataType type) : kind_(kind), type_(std::move(type)) {}

  void grow(uint32_t groups) override {
    values_.resize(groups, 0);
    present_.resize(groups, 0);
  }

  void add_rows(const AggregateRows& rows) override {
    const ColumnPtr flat = flatten(rows.arguments[0]);
    const T* values = flat->values<T>();
    for (int64_t i = 0; i < rows.rows; ++i) {
      if (flat->validity().valid(i)) put(rows.ids == nullptr ? 0 : rows.ids[i], values[i]);
    }
  }

  void merge(const Accumulator& base, const uint32_t* from, const uint32_t* to,
             int64_t count) override {
    const auto& other = static_cast<const BitAccumulator&>(base);
    for (int64_t i = 0; i < count; ++i) {
      if (other.present_[from[i]]) put(to[i], other.values_[from[i]]);
    }
  }

  ColumnPtr result(const uint32_t* groups, int64_t count) const override {
    FixedBuilder<T> builder(type_);
    for (int64_t i = 0; i < count; ++i) {
      present_[groups[i]] ? builder.append(values_[groups[i]]) : builder.append_null();
    }
    return builder.finish();
  }

  uint64_t memory_bytes() const override {
    return values_.capacity() * sizeof(T) + present_.capacity();
  }

  std::vector<ColumnPtr> state(const uint32_t* groups, int64_t count) const override {
    return {result(groups, count)};
  }
  void restore(const std::vector<ColumnPtr>& state) override {
    grow(static_cast<uint32_t>(state[0]->length()));
    for (uint32_t group = 0; group < values_.size(); ++group) {
      if (state[0]->validity().valid(group)) put(group, state[0]->values<T>()[group]);
    }
  }

 private:
  void put(uint32_t group, T value) {
    if (!present_[group]) {
      present_[group] = 1;
      values_[group] = value;
    } else if (kind_ == AggregateKind::kBitAnd) {
      values_[group] = static_cast<T>(values_[group] & value);
    } else if (kind_ == AggregateKind::kBitOr) {
      values_[group] = static_cast<T>(values_[group] | value);
    } else {
      values_[group] = static_cast<T>(values_[group] ^ value);
    }
  }

  AggregateKind kind_;
  DataType type_;
  std::vector<T> values_;
  std::vector<uint8_t> present_;
};

// A product as two doubles times a power of two: more than 100 bits, so that the order of the rows
// does not show, and no overflow on the way. Zero, infinity and NaN multiply as IEEE 754 says.
struct WideProduct {
  double high = 1;
  double low = 0;
  int64_t exponent = 0;
  int64_t count = 0;
  bool zero = false;
  bool infinite = false;
  bool nan = false;

  void multiply(double value_high, double value_low, int64_t value_exponent) {
    const double product = high * value_high;
    const double lost = std::fma(high, value_high, -product);
    const double rest = lost + (high * value_low + low * value_high);
    const double sum = product + rest;
    int shift = 0;
    high = std::frexp(sum, &shift);
    low = std::ldexp(rest - (sum - product), -shift);
    exponent += value_exponent + shift;
  }

  // `value` is high + low, two doubles that hold an integer of 64 bits.
  void add(double value_high, double value_low) {
    ++count;
    if (std::isnan(value_high)) {
      nan = true;
    } else if (std::isinf(value_high)) {
      infinite = true;
      if (value_high < 0) high = -high, low = -low;
    } else if (value_high == 0) {
      zero = true;
    } else {
      int shift = 0;
      const double scaled = std::frexp(value_high, &shift);
      multiply(scaled, std::ldexp(value_low, -shift), shift);
    }
  }

  void merge(const WideProduct& other) {
    multiply(other.high, other.low, other.exponent);
    count += other.count;
    zero = zero || other.zero;
    infinite = infinite || other.infinite;
    nan = nan || other.nan;
  }

  double value() const {
    if (nan || (zero && infinite)) return std::numeric_limits<double>::quiet_NaN();
    if (infinite) return std::copysign(std::numeric_limits<double>::infinity(), high);
    if (zero) return 0.0;
    constexpr int64_t kFarOut = 5000;
    const int64_t power =
        exponent > kFarOut ? kFarOut : (exponent < -kFarOut ? -kFarOut : exponent);
    return std::ldexp(high + low, static_cast<int>(power));
  }
};

class ProductAccumulator : public RowsAccumulator {
 public:
  void grow(uint32_t groups) override { cells_.resize(groups); }

  void add_rows(const AggregateRows& rows) override {
    const ColumnPtr flat = flatten(rows.arguments[0]);
    visit_stored_type(flat->type(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      if constexpr (std::is_arithmetic_v<T>) {
        const T* values = flat->values<T>();
        for (int64_t i = 0; i < rows.rows; ++i) {
          if (!flat->validity().valid(i)) continue;
          const auto high = static_cast<double>(values[i]);
          double low = 0;
          if constexpr (std::is_integral_v<T> && sizeof(T) == 8) {
            low = static_cast<double>(static_cast<Int128>(values[i]) - static_cast<Int128>(high));
          }
          cells_[rows.ids == nullptr ? 0 : rows.ids[i]].add(high, low);
        }
      } else {
        VELARIA_CHECK(false);
      }
    });
  }

  void merge(const Accumulator& base, const uint32_t* from, const uint32_t* to,
             int64_t count) override {
    const auto& other = static_cast<const ProductAccumulator&>(base);
    for (int64_t i = 0; i < count; ++i) cells_[to[i]].merge(other.cells_[from[i]]);
  }

  ColumnPtr result(const uint32_t* groups, int64_t count) const override {
    FixedBuilder<double> builder{DataType(TypeId::kFloat64)};
    for (int64_t i = 0; i < count; ++i) {
      const WideProduct& cell = cells_[groups[i]];
      cell.count == 0 ? builder.append_null() : builder.append(cell.value());
    }
    return builder.finish();
  }

  uint64_t memory_bytes() const override { return cells_.capacity() * sizeof(WideProduct); }

  std::vector<ColumnPtr> state(const uint32_t* groups, int64_t count) const override {
    return {binary_states(groups, count, [&](uint32_t group, std::string* out) {
      const WideProduct& cell = cells_[group];
      append_fixed(cell.high, out);
      append_fixed(cell.low, out);
      append_fixed(cell.exponent, out);
      append_fixed(cell.count, out);
      append_fixed(
          static_cast<uint8_t>((cell.zero ? 1 : 0) | (cell.infinite ? 2 : 0) | (cell.nan ? 4 : 0)),
          out);
    })};
  }
  void restore(const std::vector<ColumnPtr>& state) override {
    grow(static_cast<uint32_t>(state[0]->length()));
    for (size_t group = 0; group < cells_.size(); ++group) {
      StateReader reader(state[0]->values<StringView>()[group].text());
      WideProduct& cell = cells_[group];
      cell.high = reader.fixed<double>();
      cell.low = reader.fixed<double>();
      cell.exponent = reader.fixed<int64_t>();
      cell.count = reader.fixed<int64_t>();
      const auto flags = reader.fixed<uint8_t>();
      cell.zero = (flags & 1) != 0;
      cell.infinite = (flags & 2) != 0;
      cell.nan = (flags & 4) != 0;
    }
  }

 private:
  std::vector<WideProduct> cells_;
};

}  // namespace

std::unique_ptr<Accumulator> make_bits(const BoundAggregate& aggregate) {
  return visit_stored_type(aggregate.result_type, [&](auto tag) -> std::unique_ptr<Accumulator> {
    using T = typename decltype(tag)::type;
    if constexpr (std::is_integral_v<T>) {
      return std::make_unique<BitAccumulator<T>>(aggregate.kind, aggregate.result_type);
    } else {
      throw Error(ErrorKind::kInternal, "no accumulator for " + aggregate.to_string());
    }
  });
}

std::unique_ptr<Accumulator> make_product() { return std::make_unique<ProductAccumulator>(); }

}  // namespace velaria
