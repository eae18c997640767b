// What Accumulator::make picks from, one function per family of aggregates. Internal to this room.
#pragma once

#include <memory>

#include "src/exec/aggregate/accumulator.h"

namespace velaria {

// accumulators_statistics.cc: variance, covariance, correlation, regression.
std::unique_ptr<Accumulator> make_statistics(const BoundAggregate& aggregate);
// accumulators_quantile.cc: median and quantiles.
std::unique_ptr<Accumulator> make_quantile(const BoundAggregate& aggregate,
                                           const CancellationToken* cancellation);
// accumulators_row.cc: the value of one chosen row: first, last, any_value, arg_min, arg_max.
std::unique_ptr<Accumulator> make_chosen_row(const BoundAggregate& aggregate);
// accumulators_text.cc: string_agg.
std::unique_ptr<Accumulator> make_text_list(const BoundAggregate& aggregate,
                                            const CancellationToken* cancellation);
// accumulators_mode.cc
std::unique_ptr<Accumulator> make_mode(const BoundAggregate& aggregate,
                                       const CancellationToken* cancellation);
// accumulators_bits.cc: bit_and, bit_or, bit_xor, product.
std::unique_ptr<Accumulator> make_bits(const BoundAggregate& aggregate);
std::unique_ptr<Accumulator> make_product();
// accumulators_interval.cc: sum and avg of intervals.
std::unique_ptr<Accumulator> make_interval_sum(const BoundAggregate& aggregate);
// accumulators_approximate.cc: approx_count_distinct.
std::unique_ptr<Accumulator> make_approximate_count(const BoundAggregate& aggregate);
// distinct.cc: `inner` over the first of equal arguments.
std::unique_ptr<Accumulator> make_distinct(const BoundAggregate& aggregate,
                                           std::unique_ptr<Accumulator> inner,
                                           const CancellationToken* cancellation);

// An accumulator that takes rows as a whole.
class RowsAccumulator : public Accumulator {
 public:
  void add(const ColumnPtr& argument, const uint32_t* ids, int64_t rows) final {
    AggregateRows all;
    all.arguments.push_back(argument);
    all.ids = ids;
    all.rows = rows;
    add_rows(all);
  }
  void add_rows(const AggregateRows& rows) override = 0;
};

}  // namespace velaria
