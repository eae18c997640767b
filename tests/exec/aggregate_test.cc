#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "src/base/error.h"
#include "src/base/thread_pool.h"
#include "src/column/builder.h"
#include "src/exec/aggregate/accumulator.h"
#include "src/exec/physical_plan.h"
#include "src/expr/aggregate_registry.h"
#include "src/io/memory/memory_table_source.h"
#include "src/plan/logical_plan.h"
#include "src/sql/group_binder.h"

namespace velaria {
namespace {

const DataType kInt64(TypeId::kInt64);
const DataType kFloat64(TypeId::kFloat64);
const DataType kText(TypeId::kUtf8);

ColumnPtr doubles(const std::vector<double>& values) {
  FixedBuilder<double> builder(kFloat64);
  for (double value : values) builder.append(value);
  return builder.finish();
}

BoundAggregate aggregate_over(const char* name, const DataType& type) {
  return sql::make_bound_aggregate(name, bound_column(0, type, "x"));
}

TEST(AccumulatorTest, FloatSumsDoNotDependOnTheOrder) {
  // Naive summation loses every small value beside 1e16.
  std::vector<double> values{1e16, -1e16};
  for (int i = 0; i < 1000; ++i) values.push_back(0.1 * i);
  const uint64_t seed = std::random_device()();
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  double first = 0;
  for (int round = 0; round < 20; ++round) {
    std::shuffle(values.begin(), values.end(), random);
    auto whole = Accumulator::make(aggregate_over("sum", kFloat64));
    auto part = Accumulator::make(aggregate_over("sum", kFloat64));
    whole->grow(1);
    part->grow(1);
    const size_t cut = random() % values.size();
    const ColumnPtr column = doubles(values);
    whole->add(column->slice(0, static_cast<int64_t>(cut)), nullptr, static_cast<int64_t>(cut));
    const auto rest = static_cast<int64_t>(values.size() - cut);
    part->add(column->slice(static_cast<int64_t>(cut), rest), nullptr, rest);
    const uint32_t zero = 0;
    whole->merge(*part, &zero, &zero, 1);
    const double sum = whole->result(&zero, 1)->value(0).as_double();
    if (round == 0) first = sum;
    EXPECT_EQ(sum, first);
  }
  EXPECT_NEAR(first, 49950.0, 1e-9);
}

TEST(AccumulatorTest, InfinitiesAndNaNStayThemselves) {
  const double inf = std::numeric_limits<double>::infinity();
  const uint32_t zero = 0;
  const auto sum_of = [&](const std::vector<double>& values) {
    auto sum = Accumulator::make(aggregate_over("sum", kFloat64));
    sum->grow(1);
    sum->add(doubles(values), nullptr, static_cast<int64_t>(values.size()));
    return sum->result(&zero, 1)->value(0).as_double();
  };
  EXPECT_EQ(sum_of({1, inf, 2}), inf);
  EXPECT_EQ(sum_of({1, -inf, 2, 3, 4, 5, 6, 7, 8, 9, 10}), -inf);
  EXPECT_TRUE(std::isnan(sum_of({inf, -inf})));
  EXPECT_TRUE(std::isnan(sum_of({1, std::nan("")})));
}

TEST(AccumulatorTest, IntegerSumOverflowsOnlyWhenTheTotalDoes) {
  const int64_t most = std::numeric_limits<int64_t>::max();
  const uint32_t zero = 0;
  auto sum = Accumulator::make(aggregate_over("sum", kInt64));
  sum->grow(1);
  FixedBuilder<int64_t> builder(kInt64);
  for (int64_t value : {most, most, -most}) builder.append(value);
  sum->add(builder.finish(), nullptr, 3);
  EXPECT_EQ(sum->result(&zero, 1)->value(0).as_int64(), most);
  builder.append(1);
  sum->add(builder.finish(), nullptr, 1);
  try {
    sum->result(&zero, 1);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kTypeMismatch);
  }
}

// State written down and read back goes on as if nothing had happened.
TEST(AccumulatorTest, StateGoesOnAfterRestore) {
  for (const char* name : {"sum", "avg", "min", "max", "count"}) {
    for (const DataType& type : {kFloat64, kInt64, kText}) {
      if (type == kText && (std::string(name) == "sum" || std::string(name) == "avg")) continue;
      auto builder = ColumnBuilder::make(type);
      for (int i = 0; i < 40; ++i) {
        if (i % 7 == 0) {
          builder->append_null();
        } else if (type == kText) {
          builder->append_value(Value::utf8(std::string(static_cast<size_t>(i), 'a' + i % 5)));
        } else {
          builder->append_value(type == kInt64 ? Value::int64(i * 37 % 11)
                                               : Value::float64(i * 0.1));
        }
      }
      const ColumnPtr column = builder->finish();
      std::vector<uint32_t> ids;
      for (uint32_t i = 0; i < 40; ++i) ids.push_back(i % 3);
      const std::vector<uint32_t> groups{0, 1, 2, 3};
      auto straight = Accumulator::make(aggregate_over(name, type));
      straight->grow(4);
      straight->add(column, ids.data(), 40);
      auto before = Accumulator::make(aggregate_over(name, type));
      before->grow(4);
      before->add(column->slice(0, 25), ids.data(), 25);
      auto after = Accumulator::make(aggregate_over(name, type));
      after->restore(before->state(groups.data(), 4));
      after->add(column->slice(25, 15), ids.data() + 25, 15);
      for (int64_t g = 0; g < 4; ++g) {
        EXPECT_EQ(straight->result(groups.data(), 4)->value(g).to_sql(),
                  after->result(groups.data(), 4)->value(g).to_sql())
            << name << " " << type.to_string() << " group " << g;
      }
    }
  }
}

std::string answer_of(const LogicalPlan& plan, const PhysicalOptions& options, size_t tasks,
                      int64_t chunk_rows) {
  const PhysicalPlan physical = PhysicalPlan::make(plan, options);
  ThreadPool pool(tasks);
  ExecutionContext context;
  context.pool = tasks == 1 ? nullptr : &pool;
  context.tasks = tasks;
  context.chunk_rows = chunk_rows;
  PlanExecution execution(physical, context);
  std::string text;
  // Twice: nothing of the first run may be left in the second.
  for (int run = 0; run < 2; ++run) {
    execution.run(nullptr);
    text.clear();
    for (const Chunk& out : execution.take_result()) {
      for (int64_t row = 0; row < out.rows; ++row) {
        for (const ColumnPtr& column : out.columns) text += column->value(row).to_sql() + ",";
        text += "\n";
      }
    }
  }
  return text;
}

// Rows that stay in their chunks against tables of groups: a few keys come again, near and far.
TEST(AggregateTest, NearlyUniqueKeysComeOutAsFromTables) {
  const DataType decimal = DataType::decimal(20, 2);
  std::mt19937_64 random(13);
  const int64_t rows = 6000;
  std::vector<std::unique_ptr<ColumnBuilder>> builders;
  const std::vector<Field> fields{{"i", kInt64},   {"t", kText},  {"f", kFloat64}, {"d", decimal},
                                  {"v", kFloat64}, {"n", kInt64}, {"s", kText},    {"m", decimal}};
  for (const Field& field : fields) builders.push_back(ColumnBuilder::make(field.type));
  std::vector<Value> last;
  for (int64_t i = 0; i < rows; ++i) {
    const bool again = !last.empty() && (random() % 120 == 0 || i == rows - 1);
    if (!again && (i < 2 || random() % 10 == 0)) last.clear();
    std::vector<Value> keys{Value::int64(i), Value::utf8("a rather long key " + std::to_string(i)),
                            Value::float64(static_cast<double>(i) / 3), Value::decimal(decimal, i)};
    if (i % 1000 == 3)
      keys = {Value::null(kInt64), Value::null(kText), Value::float64(-0.0), Value::null(decimal)};
    if (i % 1000 == 5)
      keys = {Value::null(kInt64), Value::null(kText), Value::float64(0.0), Value::null(decimal)};
    if (i % 1000 == 7)
      keys = {Value::int64(-1), Value::utf8(""), Value::float64(-std::nan("3")),
              Value::decimal(decimal, -1)};
    if (again) keys = last;
    if (last.empty()) last = keys;
    for (size_t k = 0; k < 4; ++k) builders[k]->append_value(keys[k]);
    const bool null = random() % 5 == 0;
    builders[4]->append_value(null ? Value::null(kFloat64) : Value::float64(0.1 * (i % 100)));
    builders[5]->append_value(null ? Value::null(kInt64) : Value::int64(i - 3000));
    builders[6]->append_value(
        Value::utf8("a value that is long " + std::to_string(random() % 1000)));
    builders[7]->append_value(Value::decimal(decimal, static_cast<Int128>(random() % 100000)));
  }
  Chunk chunk;
  chunk.rows = rows;
  for (const auto& builder : builders) chunk.columns.push_back(builder->finish());
  const auto source =
      std::make_shared<MemoryTableSource>(Schema(fields), std::vector<Chunk>{chunk});
  const auto column = [&](size_t i) { return bound_column(i, fields[i].type, fields[i].name); };
  std::vector<BoundAggregate> aggregates{sql::make_bound_aggregate("count", nullptr)};
  for (const char* name : {"count", "sum", "avg", "min", "max"}) {
    for (size_t i : {4u, 5u, 7u}) {
      aggregates.push_back(sql::make_bound_aggregate(name, column(i)));
    }
  }
  aggregates.push_back(sql::make_bound_aggregate("min", column(6)));
  for (const std::vector<size_t>& key_columns :
       {std::vector<size_t>{0}, std::vector<size_t>{1}, std::vector<size_t>{2},
        std::vector<size_t>{3}, std::vector<size_t>{0, 1, 2, 3}}) {
    std::vector<BoundExpressionPtr> keys;
    std::vector<std::string> names;
    for (size_t k : key_columns) {
      keys.push_back(column(k));
      names.push_back(fields[k].name);
    }
    const PlanPtr plan = std::make_shared<AggregatePlan>(ScanPlan::all_columns(source, "t"), keys,
                                                         names, aggregates);
    PhysicalOptions tables;
    tables.aggregate.table.general_layouts = true;
    const std::string expected = answer_of(*plan, tables, 1, 2048);
    EXPECT_GT(expected.size(), 300000u);
    for (size_t tasks : {1, 4}) {
      for (int64_t chunk_rows : {3, 2048}) {
        // The choice falls at once, in the middle, or for some tasks never.
        for (int64_t before_choice : {1, 700, 2500}) {
          PhysicalOptions by_rows;
          by_rows.aggregate.rows_before_choice = before_choice;
          ASSERT_TRUE(answer_of(*plan, by_rows, tasks, chunk_rows) == expected)
              << key_columns.size() << " keys, " << tasks << " tasks, " << chunk_rows;
        }
      }
    }
    PhysicalOptions equal_hashes;
    equal_hashes.equal_hashes_for_tests = true;
    equal_hashes.aggregate.rows_before_choice = 100;
    ASSERT_TRUE(answer_of(*plan, equal_hashes, 2, 100) == expected);
  }
}

// Behind the choice whole chunks have no new key.
TEST(AggregateTest, KeysThatAllComeAgainAddToTheirFirstRows) {
  const int64_t different = 3000;
  FixedBuilder<int64_t> keys(kInt64);
  FixedBuilder<double> values(kFloat64);
  for (int64_t i = 0; i < 3 * different; ++i) {
    keys.append(i * 7 % different);
    values.append(static_cast<double>(i) / 7);
  }
  Chunk chunk;
  chunk.rows = 3 * different;
  chunk.columns = {keys.finish(), values.finish()};
  const auto source = std::make_shared<MemoryTableSource>(Schema({{"k", kInt64}, {"v", kFloat64}}),
                                                          std::vector<Chunk>{chunk});
  std::vector<BoundAggregate> aggregates{sql::make_bound_aggregate("count", nullptr)};
  for (const char* name : {"count", "sum", "avg", "min", "max"}) {
    aggregates.push_back(sql::make_bound_aggregate(name, bound_column(1, kFloat64, "v")));
  }
  const PlanPtr plan =
      std::make_shared<AggregatePlan>(ScanPlan::all_columns(source, "t"),
                                      std::vector<BoundExpressionPtr>{bound_column(0, kInt64, "k")},
                                      std::vector<std::string>{"k"}, aggregates);
  PhysicalOptions tables;
  tables.aggregate.table.general_layouts = true;
  const std::string expected = answer_of(*plan, tables, 1, 2048);
  for (size_t tasks : {1, 4}) {
    for (int64_t chunk_rows : {3, 500, 2048}) {
      PhysicalOptions by_rows;
      by_rows.aggregate.rows_before_choice = 100;
      EXPECT_TRUE(answer_of(*plan, by_rows, tasks, chunk_rows) == expected)
          << tasks << " tasks, " << chunk_rows;
    }
  }
}

// Groups whose results are worked out before anybody reads them.
TEST(AggregateTest, GroupsOfVeryManyValuesComeOutTheSame) {
  const DataType utf8(TypeId::kUtf8);
  const int64_t rows = 90'000;
  constexpr int64_t kKeys = 4;
  FixedBuilder<int64_t> keys(kInt64);
  StringBuilder texts;
  std::vector<std::string> joined(kKeys);
  for (int64_t i = 0; i < rows; ++i) {
    // The last key comes once.
    const int64_t key = i == 70'000 ? kKeys - 1 : i * 7919 % (kKeys - 1);
    const std::string text = "text " + std::to_string(i * 7919 % rows);
    keys.append(key);
    texts.append(text);
    auto& of_key = joined[static_cast<size_t>(key)];
    of_key += (of_key.empty() ? "" : ",") + text;
  }
  Chunk chunk;
  chunk.rows = rows;
  chunk.columns = {keys.finish(), texts.finish()};
  const auto source = std::make_shared<MemoryTableSource>(Schema({{"k", kInt64}, {"t", utf8}}),
                                                          std::vector<Chunk>{chunk});
  const auto text = bound_column(1, utf8, "t");
  AggregateCall distinct;
  distinct.name = "count";
  distinct.distinct = true;
  distinct.arguments = {text};
  const std::vector<BoundAggregate> aggregates{
      sql::make_bound_aggregate("string_agg", text), sql::make_bound_aggregate("mode", text),
      AggregateRegistry::builtin().bind(distinct), sql::make_bound_aggregate("count", nullptr)};
  const PlanPtr grouped =
      std::make_shared<AggregatePlan>(ScanPlan::all_columns(source, "t"),
                                      std::vector<BoundExpressionPtr>{bound_column(0, kInt64, "k")},
                                      std::vector<std::string>{"k"}, aggregates);
  const std::string expected = answer_of(*grouped, {}, 1, 2048);
  size_t line = 0;
  for (size_t n = 0; n < kKeys; ++n) {
    const size_t begin = expected.find(",'", line) + 2;
    const auto key = static_cast<size_t>(expected[line] - '0');
    EXPECT_TRUE(expected.compare(begin, joined[key].size() + 1, joined[key] + "'") == 0) << key;
    line = expected.find('\n', line) + 1;
  }
  for (size_t tasks : {1, 2, 5}) {
    for (int64_t chunk_rows : {3, 2048}) {
      EXPECT_TRUE(answer_of(*grouped, {}, tasks, chunk_rows) == expected) << tasks << chunk_rows;
    }
  }
  const PlanPtr global = std::make_shared<AggregatePlan>(ScanPlan::all_columns(source, "t"),
                                                         std::vector<BoundExpressionPtr>{},
                                                         std::vector<std::string>{}, aggregates);
  const std::string whole = answer_of(*global, {}, 1, 2048);
  EXPECT_TRUE(whole == answer_of(*global, {}, 4, 2048));
  EXPECT_NE(whole.find(",90000,90000,\n"), std::string::npos);
}

// Enough groups that tasks' tables are merged by partition: same groups, same order as one thread.
TEST(AggregateTest, ManyGroupsComeOutTheSameForAnyNumberOfTasks) {
  const int64_t rows = 300000;
  FixedBuilder<int64_t> keys(kInt64);
  FixedBuilder<double> values(kFloat64);
  std::mt19937_64 random(7);
  for (int64_t i = 0; i < rows; ++i) {
    keys.append(static_cast<int64_t>(random() % 120000));
    values.append(static_cast<double>(random() % 1000) / 7);
  }
  Chunk chunk;
  chunk.rows = rows;
  chunk.columns = {keys.finish(), values.finish()};
  const auto source = std::make_shared<MemoryTableSource>(Schema({{"k", kInt64}, {"v", kFloat64}}),
                                                          std::vector<Chunk>{chunk});
  const PlanPtr plan = std::make_shared<AggregatePlan>(
      ScanPlan::all_columns(source, "t"),
      std::vector<BoundExpressionPtr>{bound_column(0, kInt64, "k")}, std::vector<std::string>{"k"},
      std::vector<BoundAggregate>{sql::make_bound_aggregate("sum", bound_column(1, kFloat64, "v")),
                                  sql::make_bound_aggregate("count", nullptr)});
  PhysicalOptions options;
  options.aggregate.groups_worth_partitions = 1000;
  std::vector<std::string> answers;
  for (size_t tasks : {1, 2, 5}) answers.push_back(answer_of(*plan, options, tasks, 2048));
  EXPECT_GT(answers[0].size(), 1000000u);
  EXPECT_TRUE(answers[0] == answers[1]);
  EXPECT_TRUE(answers[0] == answers[2]);
}

// Rows of one key close together: the tasks' tables stay apart but for the few groups that two of
// them met. All kinds of sums, as they move from one table to the other.
TEST(AggregateTest, TablesThatHardlyShareAGroupStayApart) {
  const int64_t rows = 60000;
  const DataType decimal = DataType::decimal(20, 2);
  const std::vector<Field> fields{{"k", kInt64}, {"f", kFloat64}, {"n", kInt64}, {"d", decimal}};
  std::mt19937_64 random(21);
  for (uint64_t again_one_in : {50u, 4000u, 0u}) {
    FixedBuilder<int64_t> keys(kInt64);
    FixedBuilder<double> floats(kFloat64);
    FixedBuilder<int64_t> integers(kInt64);
    FixedBuilder<Int128> decimals(decimal);
    for (int64_t i = 0; i < rows; ++i) {
      const bool again = again_one_in != 0 && random() % again_one_in == 0;
      const int64_t key = again ? static_cast<int64_t>(random() % 20000) : i / 3;
      key % 777 == 5 ? keys.append_null() : keys.append(key * 1000 - 7000000);
      const auto value = static_cast<int64_t>(random() % 9) - 4;
      if (value == 4) {
        floats.append_null();
        integers.append_null();
        decimals.append_null();
      } else {
        floats.append(static_cast<double>(value) / 7);
        integers.append(value);
        decimals.append(value);
      }
    }
    Chunk chunk;
    chunk.rows = rows;
    chunk.columns = {keys.finish(), floats.finish(), integers.finish(), decimals.finish()};
    const auto source =
        std::make_shared<MemoryTableSource>(Schema(fields), std::vector<Chunk>{chunk});
    std::vector<BoundAggregate> aggregates{sql::make_bound_aggregate("count", nullptr)};
    for (size_t i : {1u, 2u, 3u}) {
      for (const char* name : {"count", "sum", "avg", "min", "max", "first"}) {
        aggregates.push_back(
            sql::make_bound_aggregate(name, bound_column(i, fields[i].type, fields[i].name)));
      }
    }
    const PlanPtr plan = std::make_shared<AggregatePlan>(
        ScanPlan::all_columns(source, "t"),
        std::vector<BoundExpressionPtr>{bound_column(0, kInt64, "k")},
        std::vector<std::string>{"k"}, aggregates);
    PhysicalOptions merged;
    merged.aggregate.groups_worth_staying = rows;
    const std::string expected = answer_of(*plan, merged, 1, 2048);
    EXPECT_GT(expected.size(), 1000000u);
    PhysicalOptions apart;
    apart.aggregate.groups_worth_staying = 0;
    for (size_t tasks : {2, 3, 7}) {
      for (int64_t chunk_rows : {200, 2048}) {
        ASSERT_TRUE(answer_of(*plan, apart, tasks, chunk_rows) == expected)
            << again_one_in << ", " << tasks << " tasks, " << chunk_rows;
      }
    }
    // In a hash table instead of an array.
    PhysicalOptions general = apart;
    general.aggregate.table.general_layouts = true;
    ASSERT_TRUE(answer_of(*plan, general, 2, 2048) == expected);
  }
}

}  // namespace
}  // namespace velaria
