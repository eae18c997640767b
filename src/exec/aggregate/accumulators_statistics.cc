// Variance, covariance, correlation, regression: from exact sums of values and products.
//
// n * sum(xy) - sum(x) * sum(y) is computed without rounding, so nothing is lost when it cancels,
// and the order of the rows cannot show; each result is rounded once, at the end. A NaN or an
// infinity among the values makes the result NaN, as in Postgres.
#include <cmath>
#include <cstring>
#include <limits>

#include "src/base/error.h"
#include "src/column/builder.h"
#include "src/exec/aggregate/accumulator_families.h"
#include "src/exec/aggregate/exact_sums.h"
#include "src/kernel/dispatch.h"
#include "src/kernel/take.h"

namespace velaria {

namespace {

using UInt128 = unsigned __int128;

// Bit 0 of a sum of values is 2^-1088, so that the smallest double (2^-1074) has a place; of a sum
// of products 2^-2176. Integers and the digits of decimals begin at 2^0.
constexpr int kUnitBit = 1088;

// A value as +-magnitude * 2^(bit - kUnitBit).
struct Parts {
  UInt128 magnitude = 0;
  int bit = 0;
  bool negative = false;
  bool finite = true;
};

template <typename T>
Parts parts_of(T value) {
  Parts out;
  if constexpr (std::is_floating_point_v<T>) {
    const double wide = static_cast<double>(value);
    uint64_t bits = 0;
    std::memcpy(&bits, &wide, sizeof(bits));
    const auto exponent = static_cast<int>((bits >> 52) & 0x7FF);
    out.negative = (bits >> 63) != 0;
    out.finite = exponent != 0x7FF;
    uint64_t fraction = bits & ((uint64_t{1} << 52) - 1);
    if (exponent != 0) fraction |= uint64_t{1} << 52;
    out.magnitude = fraction;
    // The smallest numbers are multiples of 2^-1074.
    out.bit = (exponent == 0 ? 0 : exponent - 1) + (kUnitBit - 1074);
  } else {
    out.negative = value < 0;
    out.magnitude = static_cast<UInt128>(value);
    if (out.negative) out.magnitude = -out.magnitude;
    out.bit = kUnitBit;
  }
  return out;
}

// Values of one column, read row by row through one switch a chunk.
using PartsReader = Parts (*)(const Column& column, int64_t row);

PartsReader reader_of(const DataType& type) {
  return visit_stored_type(type, [](auto tag) -> PartsReader {
    using T = typename decltype(tag)::type;
    if constexpr (std::is_arithmetic_v<T> || std::is_same_v<T, Int128>) {
      return [](const Column& column, int64_t row) { return parts_of(column.values<T>()[row]); };
    } else {
      throw Error(ErrorKind::kInternal, "no statistics over this type");
    }
  });
}

int scale_of(const DataType& type) { return type.id() == TypeId::kDecimal128 ? type.scale() : 0; }

// The running sums: of one column x, or of pairs (y, x).
class StatisticsAccumulator : public RowsAccumulator {
 public:
  explicit StatisticsAccumulator(const BoundAggregate& aggregate)
      : kind_(aggregate.kind), pairs_(is_pair_statistic(aggregate.kind)) {
    // One column is an x without a y.
    const DataType& x = aggregate.arguments.back()->type;
    read_x_ = reader_of(x);
    x_scale_ = scale_of(x);
    if (pairs_) {
      read_y_ = reader_of(aggregate.arguments[0]->type);
      y_scale_ = scale_of(aggregate.arguments[0]->type);
    }
  }

  void grow(uint32_t groups) override {
    counts_.resize(groups, 0);
    unusable_.resize(groups, 0);
    for (ExactSums* sums : all_sums()) sums->grow(groups);
  }

  void add_rows(const AggregateRows& rows) override {
    const ColumnPtr x = flatten(rows.arguments.back());
    const ColumnPtr y = pairs_ ? flatten(rows.arguments[0]) : x;
    for (int64_t i = 0; i < rows.rows; ++i) {
      if (!x->validity().valid(i) || !y->validity().valid(i)) continue;
      const uint32_t group = rows.ids == nullptr ? 0 : rows.ids[i];
      ++counts_[group];
      if (kind_ == AggregateKind::kRegrCount) continue;
      const Parts a = read_x_(*x, i);
      if (!a.finite) unusable_[group] = 1;
      if (a.finite && !pairs_) {
        x_.add(group, a.negative, a.magnitude, a.bit);
        xx_.add_product(group, false, a.magnitude, a.magnitude, 2 * a.bit);
      }
      if (!pairs_) continue;
      const Parts b = read_y_(*y, i);
      if (!b.finite) unusable_[group] = 1;
      if (!a.finite || !b.finite) continue;
      x_.add(group, a.negative, a.magnitude, a.bit);
      y_.add(group, b.negative, b.magnitude, b.bit);
      xx_.add_product(group, false, a.magnitude, a.magnitude, 2 * a.bit);
      yy_.add_product(group, false, b.magnitude, b.magnitude, 2 * b.bit);
      xy_.add_product(group, a.negative != b.negative, a.magnitude, b.magnitude, a.bit + b.bit);
    }
  }

  void merge(const Accumulator& base, const uint32_t* from, const uint32_t* to,
             int64_t count) override {
    const auto& other = static_cast<const StatisticsAccumulator&>(base);
    const auto mine = all_sums();
    const auto theirs = other.all_sums();
    for (int64_t i = 0; i < count; ++i) {
      counts_[to[i]] += other.counts_[from[i]];
      unusable_[to[i]] |= other.unusable_[from[i]];
      for (size_t s = 0; s < mine.size(); ++s) mine[s]->merge(*theirs[s], from[i], to[i]);
    }
  }

  ColumnPtr result(const uint32_t* groups, int64_t count) const override {
    if (kind_ == AggregateKind::kRegrCount) {
      FixedBuilder<int64_t> builder{DataType(TypeId::kInt64)};
      for (int64_t i = 0; i < count; ++i) builder.append(counts_[groups[i]]);
      return builder.finish();
    }
    FixedBuilder<double> builder{DataType(TypeId::kFloat64)};
    for (int64_t i = 0; i < count; ++i) append_result(groups[i], &builder);
    return builder.finish();
  }

  uint64_t memory_bytes() const override {
    uint64_t bytes = counts_.capacity() * sizeof(int64_t) + unusable_.capacity();
    for (const ExactSums* sums : all_sums()) bytes += sums->memory_bytes();
    return bytes;
  }

  std::vector<ColumnPtr> state(const uint32_t* groups, int64_t count) const override {
    return {binary_states(groups, count, [&](uint32_t group, std::string* out) {
      append_fixed(counts_[group], out);
      append_fixed(unusable_[group], out);
      for (const ExactSums* sums : all_sums()) sums->append_state(group, out);
    })};
  }
  void restore(const std::vector<ColumnPtr>& state) override {
    const auto groups = static_cast<uint32_t>(state[0]->length());
    grow(groups);
    for (uint32_t group = 0; group < groups; ++group) {
      StateReader reader(state[0]->values<StringView>()[group].text());
      counts_[group] = reader.fixed<int64_t>();
      unusable_[group] = reader.fixed<uint8_t>();
      for (ExactSums* sums : all_sums()) sums->restore_group(group, &reader);
    }
  }

 private:
  std::vector<ExactSums*> all_sums() {
    if (kind_ == AggregateKind::kRegrCount) return {};
    if (!pairs_) return {&x_, &xx_};
    return {&x_, &xx_, &y_, &yy_, &xy_};
  }
  std::vector<const ExactSums*> all_sums() const {
    if (kind_ == AggregateKind::kRegrCount) return {};
    if (!pairs_) return {&x_, &xx_};
    return {&x_, &xx_, &y_, &yy_, &xy_};
  }

  void append_result(uint32_t group, FixedBuilder<double>* builder) const {
    const int64_t count = counts_[group];
    const bool sample = kind_ == AggregateKind::kVarSamp || kind_ == AggregateKind::kStddevSamp ||
                        kind_ == AggregateKind::kCovarSamp;
    if (count < (sample ? 2 : 1)) {
      builder->append_null();
      return;
    }
    if (unusable_[group] != 0) {
      builder->append(std::numeric_limits<double>::quiet_NaN());
      return;
    }
    const BigNumber n{Int128{count}};
    const auto average = [&](const ExactSums& sums, int scale) {
      return BigNumber::ratio(sums.value(group, -kUnitBit), n * BigNumber::power_of_ten(scale));
    };
    if (kind_ == AggregateKind::kRegrAvgX) return builder->append(average(x_, x_scale_));
    if (kind_ == AggregateKind::kRegrAvgY) return builder->append(average(y_, y_scale_));

    // n times the sums of products of distances, in the units of the columns' digits.
    const BigNumber sum_x = x_.value(group, -kUnitBit);
    const BigNumber xx = n * xx_.value(group, -2 * kUnitBit) - sum_x * sum_x;
    const BigNumber sum_y = pairs_ ? y_.value(group, -kUnitBit) : BigNumber();
    const BigNumber yy = pairs_ ? n * yy_.value(group, -2 * kUnitBit) - sum_y * sum_y : BigNumber();
    const BigNumber xy = pairs_ ? n * xy_.value(group, -2 * kUnitBit) - sum_x * sum_y : BigNumber();
    const auto scaled = [](const BigNumber& sum, const BigNumber& divisor, int scale) {
      return BigNumber::ratio(sum, divisor * BigNumber::power_of_ten(scale));
    };
    const BigNumber pop = n * n;
    const BigNumber samp = n * BigNumber(Int128{count} - 1);
    switch (kind_) {
      case AggregateKind::kVarSamp: return builder->append(scaled(xx, samp, 2 * x_scale_));
      case AggregateKind::kVarPop: return builder->append(scaled(xx, pop, 2 * x_scale_));
      case AggregateKind::kStddevSamp:
        return builder->append(std::sqrt(scaled(xx, samp, 2 * x_scale_)));
      case AggregateKind::kStddevPop:
        return builder->append(std::sqrt(scaled(xx, pop, 2 * x_scale_)));
      case AggregateKind::kCovarSamp: return builder->append(scaled(xy, samp, x_scale_ + y_scale_));
      case AggregateKind::kCovarPop: return builder->append(scaled(xy, pop, x_scale_ + y_scale_));
      case AggregateKind::kRegrSxx: return builder->append(scaled(xx, n, 2 * x_scale_));
      case AggregateKind::kRegrSyy: return builder->append(scaled(yy, n, 2 * y_scale_));
      case AggregateKind::kRegrSxy: return builder->append(scaled(xy, n, x_scale_ + y_scale_));
      default: break;
    }
    if (xx.sign() == 0 || (kind_ == AggregateKind::kCorr && yy.sign() == 0)) {
      builder->append_null();  // every line, or none
      return;
    }
    switch (kind_) {
      case AggregateKind::kCorr: {
        // Of the square, so that points on a line give exactly 1.
        const double size = std::sqrt(BigNumber::ratio(xy * xy, xx * yy));
        return builder->append(xy.sign() < 0 ? -size : size);
      }
      case AggregateKind::kRegrR2:
        return builder->append(yy.sign() == 0 ? 1.0 : BigNumber::ratio(xy * xy, xx * yy));
      case AggregateKind::kRegrSlope: {
        // The scales of xy / xx are those of y over x.
        const BigNumber up = BigNumber::power_of_ten(x_scale_);
        return builder->append(scaled(xy * up, xx, y_scale_));
      }
      case AggregateKind::kRegrIntercept:
        return builder->append(scaled(sum_y * xx - xy * sum_x, n * xx, y_scale_));
      default: VELARIA_CHECK(false);
    }
  }

  AggregateKind kind_;
  bool pairs_;
  PartsReader read_x_ = nullptr;
  PartsReader read_y_ = nullptr;
  int x_scale_ = 0;
  int y_scale_ = 0;
  std::vector<int64_t> counts_;
  std::vector<uint8_t> unusable_;  // has met a NaN or an infinity
  ExactSums x_;
  ExactSums xx_;
  ExactSums y_;
  ExactSums yy_;
  ExactSums xy_;
};

}  // namespace

std::unique_ptr<Accumulator> make_statistics(const BoundAggregate& aggregate) {
  return std::make_unique<StatisticsAccumulator>(aggregate);
}

}  // namespace velaria
