// SUM and AVG of intervals: months, days and microseconds add up apart, in 128 bits.
//
// An average hands what is left of the months on to the days (30 to a month) and of the days on to
// the microseconds, as Postgres does when it divides an interval.
#include <limits>

#include "src/base/error.h"
#include "src/column/builder.h"
#include "src/exec/aggregate/accumulator_families.h"
#include "src/exec/aggregate/row_codec.h"
#include "src/kernel/rounded_ratio.h"
#include "src/kernel/take.h"

namespace velaria {

namespace {

class IntervalSumAccumulator : public RowsAccumulator {
 public:
  explicit IntervalSumAccumulator(AggregateKind kind) : kind_(kind) {}

  void grow(uint32_t groups) override { cells_.resize(groups); }

  void add_rows(const AggregateRows& rows) override {
    const ColumnPtr flat = flatten(rows.arguments[0]);
    const auto* values = flat->values<Interval>();
    for (int64_t i = 0; i < rows.rows; ++i) {
      if (!flat->validity().valid(i)) continue;
      Cell& cell = cells_[rows.ids == nullptr ? 0 : rows.ids[i]];
      cell.months += values[i].months;
      cell.days += values[i].days;
      cell.micros += values[i].micros;
      ++cell.count;
    }
  }

  void merge(const Accumulator& base, const uint32_t* from, const uint32_t* to,
             int64_t count) override {
    const auto& other = static_cast<const IntervalSumAccumulator&>(base);
    for (int64_t i = 0; i < count; ++i) {
      Cell& cell = cells_[to[i]];
      const Cell& part = other.cells_[from[i]];
      cell.months += part.months;
      cell.days += part.days;
      cell.micros += part.micros;
      cell.count += part.count;
    }
  }

  ColumnPtr result(const uint32_t* groups, int64_t count) const override {
    FixedBuilder<Interval> builder{DataType(TypeId::kInterval)};
    for (int64_t i = 0; i < count; ++i) {
      const Cell& cell = cells_[groups[i]];
      if (cell.count == 0) {
        builder.append_null();
      } else if (kind_ == AggregateKind::kSum) {
        builder.append(checked(cell.months, cell.days, cell.micros));
      } else {
        const Int128 days = cell.days + cell.months % cell.count * Interval::kMonthDays;
        const Int128 micros = cell.micros + days % cell.count * Interval::kDayMicros;
        builder.append(checked(cell.months / cell.count, days / cell.count,
                               divide_half_away(micros, cell.count)));
      }
    }
    return builder.finish();
  }

  uint64_t memory_bytes() const override { return cells_.capacity() * sizeof(Cell); }

  std::vector<ColumnPtr> state(const uint32_t* groups, int64_t count) const override {
    return {binary_states(groups, count, [&](uint32_t group, std::string* out) {
      append_fixed(cells_[group].months, out);
      append_fixed(cells_[group].days, out);
      append_fixed(cells_[group].micros, out);
      append_fixed(cells_[group].count, out);
    })};
  }
  void restore(const std::vector<ColumnPtr>& state) override {
    grow(static_cast<uint32_t>(state[0]->length()));
    for (size_t group = 0; group < cells_.size(); ++group) {
      StateReader reader(state[0]->values<StringView>()[group].text());
      cells_[group].months = reader.fixed<Int128>();
      cells_[group].days = reader.fixed<Int128>();
      cells_[group].micros = reader.fixed<Int128>();
      cells_[group].count = reader.fixed<int64_t>();
    }
  }

 private:
  struct Cell {
    Int128 months = 0;
    Int128 days = 0;
    Int128 micros = 0;
    int64_t count = 0;
  };

  static Interval checked(Int128 months, Int128 days, Int128 micros) {
    const auto fits = [](Int128 value, auto limits) {
      return value >= static_cast<Int128>(decltype(limits)::min()) &&
             value <= static_cast<Int128>(decltype(limits)::max());
    };
    if (!fits(months, std::numeric_limits<int32_t>()) ||
        !fits(days, std::numeric_limits<int32_t>()) ||
        !fits(micros, std::numeric_limits<int64_t>())) {
      throw Error(ErrorKind::kTypeMismatch,
                  "sum() of interval overflows interval; sum its parts: "
                  "sum(EXTRACT(epoch FROM x))");
    }
    return {static_cast<int32_t>(months), static_cast<int32_t>(days), static_cast<int64_t>(micros)};
  }

  AggregateKind kind_;
  std::vector<Cell> cells_;
};

}  // namespace

std::unique_ptr<Accumulator> make_interval_sum(const BoundAggregate& aggregate) {
  return std::make_unique<IntervalSumAccumulator>(aggregate.kind);
}

}  // namespace velaria
