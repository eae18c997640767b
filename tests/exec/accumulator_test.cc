// Every aggregate over every type it takes: parts that meet, and states that are written down and
// read back, give what one pass over the rows gives.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <numeric>
#include <random>

#include "src/base/cancellation.h"
#include "src/base/error.h"
#include "src/base/text.h"
#include "src/column/builder.h"
#include "src/exec/aggregate/accumulator.h"
#include "src/exec/aggregate/big_number.h"
#include "src/exec/aggregate/exact_sums.h"
#include "src/expr/aggregate_registry.h"
#include "src/kernel/rounded_ratio.h"
#include "src/kernel/take.h"

namespace velaria {
namespace {

constexpr uint32_t kGroups = 6;  // the last one gets no rows

std::vector<DataType> all_types() {
  return {
      DataType(TypeId::kInt64),    DataType(TypeId::kInt8),    DataType(TypeId::kUInt64),
      DataType(TypeId::kFloat64),  DataType(TypeId::kFloat32), DataType::decimal(20, 3),
      DataType(TypeId::kUtf8),     DataType(TypeId::kBinary),  DataType(TypeId::kBool),
      DataType(TypeId::kDate32),   DataType(TypeId::kTime64),  DataType::timestamp(TimeUnit::kNano),
      DataType(TypeId::kInterval), DataType::vector(2)};
}

Value random_value(const DataType& type, std::mt19937_64& random) {
  const auto pick = static_cast<int64_t>(random() % 12);
  switch (type.id()) {
    case TypeId::kBool: return Value::boolean(pick % 2 == 0);
    case TypeId::kUInt64: return Value::unsigned_integral(type, static_cast<uint64_t>(pick) << 50);
    case TypeId::kFloat32: return Value::floating(type, static_cast<float>(pick) * 0.25f);
    case TypeId::kFloat64: {
      // Sizes far apart, so that sums depend on every trick of adding them.
      if (random() % 40 == 0) return Value::float64(pick % 2 == 0 ? 1e300 : -0.0);
      return Value::float64(std::ldexp(static_cast<double>(random() % 1000) / 7, pick - 6));
    }
    case TypeId::kDecimal128: return Value::decimal(type, Int128{pick} * 1234567890123456 - 5);
    case TypeId::kUtf8:
      return Value::utf8(concat("t", pick, std::string(static_cast<size_t>(pick) * 3, '.')));
    case TypeId::kBinary: return Value::binary(std::string(static_cast<size_t>(pick) * 2, '\0'));
    case TypeId::kInterval:
      return Value::interval(
          {static_cast<int32_t>(pick), static_cast<int32_t>(pick % 3), pick * 7});
    case TypeId::kFixedSizeList:
      return Value::vector({static_cast<float>(pick), static_cast<float>(pick % 2)});
    default: return Value::integral(type, pick * 5 - 20);
  }
}

ColumnPtr random_column(const DataType& type, int64_t rows, std::mt19937_64& random) {
  const auto builder = ColumnBuilder::make(type);
  for (int64_t i = 0; i < rows; ++i) {
    builder->append_value(random() % 8 == 0 ? Value::null(type) : random_value(type, random));
  }
  return builder->finish();
}

// Columns 0 and 1 are the arguments, column 2 (int64) is there to be ordered by.
struct Rows {
  std::vector<ColumnPtr> columns;
  std::vector<uint32_t> ids;
  std::vector<uint64_t> positions;
};

Rows random_rows(const DataType& first, const DataType& second, int64_t count,
                 std::mt19937_64& random) {
  Rows rows;
  rows.columns = {random_column(first, count, random), random_column(second, count, random),
                  random_column(DataType(TypeId::kInt64), count, random)};
  for (int64_t i = 0; i < count; ++i) {
    rows.ids.push_back(static_cast<uint32_t>(random() % (kGroups - 1)));
    rows.positions.push_back(static_cast<uint64_t>(i) * 3);
  }
  return rows;
}

// Gives some of the rows to the accumulator, as a chunk of a task would.
void feed(const BoundAggregate& aggregate, const Rows& rows, const std::vector<uint32_t>& picked,
          Accumulator* accumulator) {
  const auto count = static_cast<int64_t>(picked.size());
  AggregateRows out;
  const auto part = [&](const BoundExpressionPtr& expression) {
    // A cast around a column (a date as a timestamp, a number as text) is not evaluated here.
    return take(rows.columns[expression->column], picked.data(), count);
  };
  for (const auto& argument : aggregate.arguments) out.arguments.push_back(part(argument));
  for (const auto& key : aggregate.order_by) out.order_keys.push_back(part(key.expression));
  std::vector<uint32_t> ids;
  std::vector<uint64_t> positions;
  for (const uint32_t row : picked) {
    ids.push_back(rows.ids[row]);
    positions.push_back(rows.positions[row]);
  }
  out.ids = ids.data();
  out.positions = positions.data();
  out.rows = count;
  accumulator->add_rows(out);
}

std::vector<std::string> results(const Accumulator& accumulator) {
  std::vector<uint32_t> groups(kGroups);
  std::iota(groups.begin(), groups.end(), 0u);
  const ColumnPtr column = accumulator.result(groups.data(), kGroups);
  std::vector<std::string> out;
  for (uint32_t group = 0; group < kGroups; ++group) out.push_back(column->value(group).to_sql());
  return out;
}

void check(const BoundAggregate& aggregate, const Rows& rows, std::mt19937_64& random) {
  SCOPED_TRACE(aggregate.to_string() + " of " + aggregate.arguments[0]->type.to_string());
  std::vector<uint32_t> all(rows.ids.size());
  std::iota(all.begin(), all.end(), 0u);
  const auto straight = Accumulator::make(aggregate);
  straight->grow(kGroups);
  feed(aggregate, rows, all, straight.get());
  const std::vector<std::string> expected = results(*straight);

  // Tasks take chunks in turns; they meet in any order, group by group in two rounds.
  std::vector<std::unique_ptr<Accumulator>> tasks;
  std::vector<uint32_t> renumbered(kGroups);  // a task sees its groups in an order of its own
  std::iota(renumbered.begin(), renumbered.end(), 0u);
  std::shuffle(renumbered.begin(), renumbered.end(), random);
  for (int task = 0; task < 3; ++task) {
    tasks.push_back(Accumulator::make(aggregate));
    tasks.back()->grow(kGroups);
  }
  Rows moved = rows;
  for (uint32_t& id : moved.ids) id = renumbered[id];
  for (size_t begin = 0; begin < all.size();) {
    const size_t end = std::min(all.size(), begin + 1 + random() % 40);
    feed(aggregate, moved,
         std::vector<uint32_t>(all.begin() + static_cast<std::ptrdiff_t>(begin),
                               all.begin() + static_cast<std::ptrdiff_t>(end)),
         tasks[random() % 3].get());
    begin = end;
  }
  std::shuffle(tasks.begin(), tasks.end(), random);
  const auto merged = Accumulator::make(aggregate);
  merged->grow(kGroups);
  for (const auto& task : tasks) {
    for (uint32_t parity = 0; parity < 2; ++parity) {
      std::vector<uint32_t> from;
      std::vector<uint32_t> to;
      for (uint32_t group = parity; group < kGroups; group += 2) {
        from.push_back(renumbered[group]);
        to.push_back(group);
      }
      merged->merge(*task, from.data(), to.data(), static_cast<int64_t>(from.size()));
    }
  }
  EXPECT_EQ(results(*merged), expected) << "merged";
  EXPECT_GT(merged->memory_bytes(), 0u);

  // Written down in the middle, also by a task that had merged, and gone on with.
  const size_t middle = random() % all.size();
  const auto before = Accumulator::make(aggregate);
  before->grow(kGroups);
  const std::vector<uint32_t> head(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(middle));
  const std::vector<uint32_t> tail(all.begin() + static_cast<std::ptrdiff_t>(middle), all.end());
  feed(aggregate, rows, head, before.get());
  std::vector<uint32_t> groups(kGroups);
  std::iota(groups.begin(), groups.end(), 0u);
  const std::vector<ColumnPtr> state = before->state(groups.data(), kGroups);
  EXPECT_EQ(state.size(), before->state(nullptr, 0).size());
  const auto after = Accumulator::make(aggregate);
  after->restore(state);
  after->grow(kGroups);
  EXPECT_EQ(results(*after), results(*before)) << "restored";
  feed(aggregate, rows, tail, after.get());
  EXPECT_EQ(results(*after), expected) << "went on";
}

bool only_columns(const BoundAggregate& aggregate) {
  bool out = !aggregate.arguments.empty();
  visit_expressions(aggregate, [&](const BoundExpression& expression) {
    out = out && expression.kind == BoundKind::kColumn;
  });
  return out;
}

// All ways to call the aggregate over arguments of these types.
std::vector<BoundAggregate> calls_of(const AggregateDefinition& definition, const DataType& first,
                                     const DataType& second) {
  const BoundExpressionPtr x = bound_column(0, first, "x");
  const BoundExpressionPtr y = bound_column(1, second, "y");
  const BoundExpressionPtr key = bound_column(2, DataType(TypeId::kInt64), "k");
  std::vector<BoundAggregate> out;
  for (const bool distinct : {false, true}) {
    for (int order = 0; order < 3; ++order) {
      AggregateCall call;
      call.name = definition.name;
      call.distinct = distinct;
      call.arguments = {x};
      if (definition.order == OrderRule::kGivesValue) {
        call.arguments.clear();
        if (definition.kind != AggregateKind::kMode) {
          call.arguments = {bound_constant(Value::float64(0.3))};
        } else if (order == 0) {
          call.arguments = {x};
        }
        if (order > 0) call.order_by = {{x, order == 2, false}};
      } else {
        if (definition.kind == AggregateKind::kQuantileCont ||
            definition.kind == AggregateKind::kQuantileDisc) {
          if (definition.least_arguments == 2) {
            call.arguments.push_back(bound_constant(Value::float64(0.7)));
          }
        } else if (definition.kind == AggregateKind::kStringAgg) {
          call.arguments.push_back(bound_constant(Value::utf8("; ")));
        } else if (definition.least_arguments == 2 ||
                   (definition.kind == AggregateKind::kCount && distinct)) {
          call.arguments.push_back(y);
        }
        if (order > 0) call.order_by = {{distinct ? x : key, order == 2, order == 2}};
      }
      try {
        out.push_back(AggregateRegistry::builtin().bind(std::move(call)));
      } catch (const Error&) {
        continue;  // not over these types, or not with DISTINCT
      }
      if (!only_columns(out.back())) out.pop_back();
    }
  }
  return out;
}

TEST(AccumulatorPropertyTest, PartsAndStatesGiveWhatOnePassGives) {
  const uint64_t seed = std::random_device()();
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  const std::vector<DataType> types = all_types();
  for (const AggregateDefinition& definition : AggregateRegistry::builtin().definitions()) {
    if (definition.name == "count_if") continue;  // count(*) with a filter
    int calls = 0;
    for (const DataType& first : types) {
      const DataType second = definition.least_arguments == 2 ? types[random() % 6] : first;
      for (const BoundAggregate& aggregate : calls_of(definition, first, second)) {
        ++calls;
        check(aggregate, random_rows(first, second, 150, random), random);
        if (testing::Test::HasFailure()) return;
      }
    }
    EXPECT_GT(calls, 0) << definition.name;
  }
}

TEST(AccumulatorPropertyTest, OneGroupWithoutNumbersIsTheSame) {
  std::mt19937_64 random(11);
  const DataType int64(TypeId::kInt64);
  for (const char* name : {"count", "sum", "median", "mode", "var_samp", "approx_count_distinct"}) {
    for (const bool distinct : {false, true}) {
      if (distinct && std::string(name) == "mode") continue;
      AggregateCall call;
      call.name = name;
      call.distinct = distinct;
      call.arguments = {bound_column(0, int64, "x")};
      const BoundAggregate aggregate = AggregateRegistry::builtin().bind(call);
      AggregateRows rows;
      rows.arguments = {random_column(int64, 200, random)};
      std::vector<uint64_t> positions(200);
      std::iota(positions.begin(), positions.end(), uint64_t{0});
      rows.positions = positions.data();
      rows.rows = 200;
      const auto alone = Accumulator::make(aggregate);
      alone->grow(1);
      alone->add_rows(rows);
      const uint32_t zero = 0;
      const std::string expected = alone->result(&zero, 1)->value(0).to_sql();
      alone->grow(3);  // more groups come later, as in a stream
      alone->add_rows(rows);
      const std::vector<uint32_t> ids(200, 1);
      rows.ids = ids.data();
      alone->add_rows(rows);
      const std::vector<uint32_t> groups{1};
      EXPECT_EQ(alone->result(groups.data(), 1)->value(0).to_sql(), expected) << name << distinct;
    }
  }
}

// Work on one group of very many values looks at the cancellation: where results are made, and
// where groups meet.
TEST(AccumulatorTest, WorkOnManyValuesCanBeBrokenOff) {
  const DataType utf8(TypeId::kUtf8);
  const int64_t rows = 300'000;
  StringBuilder texts;
  std::vector<uint64_t> positions;
  for (int64_t i = 0; i < rows; ++i) {
    texts.append(concat("text ", i * 7919 % rows));
    positions.push_back(static_cast<uint64_t>(rows - i));
  }
  AggregateRows all;
  all.arguments = {texts.finish()};
  all.positions = positions.data();
  all.rows = rows;
  const uint32_t zero = 0;
  const auto is_broken_off = [](const std::function<void()>& work) {
    try {
      work();
    } catch (const Error& error) {
      return error.kind() == ErrorKind::kCancelled;
    }
    return false;
  };
  struct Case {
    const char* name;
    bool distinct;
    bool long_result;
  };
  for (const Case& made : {Case{"string_agg", false, true}, Case{"string_agg", true, true},
                           Case{"quantile_disc", false, true}, Case{"mode", false, false},
                           Case{"count", true, false}}) {
    SCOPED_TRACE(concat(made.name, made.distinct ? " distinct" : ""));
    AggregateCall call;
    call.name = made.name;
    call.distinct = made.distinct;
    call.arguments = {bound_column(0, utf8, "x")};
    if (call.name == "string_agg") call.arguments.push_back(bound_constant(Value::utf8(",")));
    if (call.name == "quantile_disc") call.arguments.push_back(bound_constant(Value::float64(0.3)));
    const BoundAggregate aggregate = AggregateRegistry::builtin().bind(call);
    CancellationToken token;
    const auto whole = Accumulator::make(aggregate, &token);
    whole->grow(1);
    whole->add_rows(all);
    const auto merged = Accumulator::make(aggregate, &token);
    merged->grow(1);
    EXPECT_FALSE(is_broken_off([&] { whole->result(&zero, 1); }));
    token.cancel();
    EXPECT_EQ(is_broken_off([&] { whole->result(&zero, 1); }), made.long_result);
    EXPECT_TRUE(is_broken_off([&] { merged->merge(*whole, &zero, &zero, 1); }));
  }
}

TEST(ApproximateCountTest, StaysWithinItsError) {
  AggregateCall call;
  call.name = "approx_count_distinct";
  call.arguments = {bound_column(0, DataType(TypeId::kInt64), "x")};
  const BoundAggregate aggregate = AggregateRegistry::builtin().bind(call);
  const uint32_t zero = 0;
  for (const int64_t count : {1, 10, 100, 1000, 10000, 100000, 1000000}) {
    FixedBuilder<int64_t> builder{DataType(TypeId::kInt64)};
    for (int64_t i = 0; i < count; ++i) builder.append(i * 7919);
    const auto sketch = Accumulator::make(aggregate);
    sketch->grow(1);
    const ColumnPtr column = builder.finish();
    sketch->add(column, nullptr, count);
    sketch->add(column, nullptr, count);
    const auto estimate = static_cast<double>(sketch->result(&zero, 1)->value(0).as_int64());
    const auto exact = static_cast<double>(count);
    EXPECT_NEAR(estimate, exact, std::max(0.5, exact * 0.05)) << count;  // three standard errors
  }
}

TEST(BigNumberTest, AgreesWith128Bits) {
  std::mt19937_64 random(5);
  for (int i = 0; i < 2000; ++i) {
    const Int128 a = static_cast<int64_t>(random()) >> (random() % 60);
    const Int128 b = static_cast<int64_t>(random()) >> (random() % 60);
    const Int128 c = static_cast<int64_t>(random() >> 1) + 1;
    const BigNumber difference = BigNumber(a) * BigNumber(b) - BigNumber(c) * BigNumber(a);
    const Int128 halves = a * b / 2 - c * a / 2;  // the difference itself may need 129 bits
    EXPECT_EQ(difference.sign(), a * b == c * a ? 0 : (halves < 0 ? -1 : difference.sign()));
    EXPECT_EQ(BigNumber::ratio(BigNumber(a), BigNumber(c)),
              rounded_ratio(a, static_cast<int64_t>(c)))
        << i;
  }
  EXPECT_EQ((BigNumber(7) + BigNumber(-7)).sign(), 0);
  EXPECT_EQ(BigNumber::ratio(BigNumber::power_of_ten(60), BigNumber::power_of_ten(58)), 100.0);
}

TEST(ExactSumsTest, NothingIsLostInAnyOrder) {
  // 2^2000 + 3 - 2^2000, in groups that widen the window for each other.
  ExactSums sums;
  sums.grow(3);
  sums.add(0, false, 3, 10);
  sums.add(1, true, 1, 0);
  sums.add(0, false, 1, 2000);
  sums.add(2, true, ~static_cast<unsigned __int128>(0), 77);
  sums.add(0, true, 1, 2000);
  ExactSums other;
  other.grow(1);
  other.add(0, true, 3, 10);
  EXPECT_EQ(BigNumber::ratio(sums.value(0, 0), BigNumber(3072)), 1.0);
  EXPECT_EQ(sums.value(1, 0).sign(), -1);
  EXPECT_EQ(BigNumber::ratio(sums.value(1, 0), BigNumber(1)), -1.0);
  sums.merge(other, 0, 0);
  EXPECT_EQ(sums.value(0, 0).sign(), 0);
  EXPECT_EQ(sums.value(2, 0).sign(), -1);
}

TEST(RoundedRatioTest, RoundsOnce) {
  EXPECT_EQ(rounded_ratio(1, 3), 1.0 / 3.0);
  EXPECT_EQ(rounded_ratio(-5, 2), -2.5);
  // A tie but for the remainder: 2^53 + 1 is between two doubles.
  const Int128 tie = (Int128{1} << 53) + 1;
  EXPECT_EQ(rounded_ratio(tie * 3, 3), 9007199254740992.0);
  EXPECT_EQ(rounded_ratio(tie * 3 + 1, 3), 9007199254740994.0);
  EXPECT_EQ(divide_half_away(5, 2), Int128{3});
  EXPECT_EQ(divide_half_away(-5, 2), Int128{-3});
  EXPECT_EQ(divide_half_away(-4, 3), Int128{-1});
}

}  // namespace
}  // namespace velaria
